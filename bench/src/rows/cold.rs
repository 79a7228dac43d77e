//! Opening a skill: from the cache, and the first time ever.

use crate::contenders::child::{Kind, Mode, Remote, Work, remote};
use crate::contenders::process::{Process, find};
use crate::contenders::vox;
use crate::context::Context;
use crate::inputs::{DOCUMENT, FILTER};
use crate::model::Row;
use crate::runner::Plan;
use anyhow::Result;
use vox_model::{Limits, Value};

/// Locate, inspect, decide, load, link, and call once.
pub fn rows(context: &Context) -> Result<Vec<Row>> {
    let host = context.host()?;
    // Puts the skill into the cache.
    let filled = vox::open(&host, "json", Limits::default()).map(|_| ());
    let args = || -> Vec<Value> { vec![DOCUMENT.into(), FILTER.into()] };
    let component = context.part(&host, "json");
    let mut plan = Plan::new("cold", "cold load of `json` from the cache, with its first call");
    plan.add("vox, from its cache", filled.map(|()| vox::cached(host, "json", "query", args())));
    let uncached = component.as_ref().map(|_| vox::uncached(context.temporary(""), "json", "query", args()));
    plan.add(
        "vox, empty cache: compiled in its compiler process",
        uncached.map_err(|error| anyhow::anyhow!("{error:#}")),
    );
    plan.floor(100.0);
    let words = [DOCUMENT.as_bytes(), FILTER.as_bytes()];
    let stock =
        component.and_then(|path| remote(context.stock(), (Mode::Stock, Kind::Query, Work::Compile), &path, &words));
    plan.add("stock wasmtime, compiled with all cores", stock.map(Remote::boxed));
    plan.floor(100.0);
    plan.add("process: true", find("true").map(|program| Process::new(&program, [""; 0]).boxed()));
    plan.incomparable();
    plan.note("The page cache is warm. The load checks the entry's authentication code over all bytes.");
    Ok(vec![plan.run(context.settings)])
}
