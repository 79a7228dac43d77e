//! One small call: in a fresh sandbox, in a kept one, and with a program of some size behind it.

use crate::contenders::child::{Kind, Mode, Remote, Work, remote, script};
use crate::contenders::local::{local, native_escape};
use crate::contenders::podman::Podman;
use crate::contenders::process::{Process, find};
use crate::contenders::vox;
use crate::context::Context;
use crate::guests;
use crate::inputs::{DOCUMENT, FILTER, FILTER_PYTHON, TEXT, TINY, TINY_FILTER, TINY_PYTHON};
use crate::model::Row;
use crate::runner::{Contender, Plan};
use anyhow::Result;
use std::hint::black_box;
use std::path::Path;
use vox_model::{Limits, Value};
use vox_runtime::{Host, Program};

const ESCAPE_IN_PYTHON: &str = "import re,sys; print(re.escape(sys.argv[1]))";

/// A new sandbox, a typed call, and the end of the sandbox.
pub fn fresh(context: &Context) -> Result<Vec<Row>> {
    let host = context.host()?;
    let regex = vox::open(&host, "regex", Limits::default());
    let mut plan = Plan::new("fresh", "fresh-sandbox call: `regex.escape` of 64 bytes");
    plan.add("vox, a fresh sandbox", escape(&regex, vox::fresh));
    let component = context.part(&host, "regex");
    for (label, mode, floor) in [
        ("stock wasmtime, a new store and instance", Mode::Stock, Some(4.0)),
        ("stock wasmtime, `instantiate_pre`", Mode::StockPre, None),
        ("wasmtime tuned by hand, no limits", Mode::Tuned, None),
    ] {
        let path = component.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"));
        let made =
            path.and_then(|path| remote(context.stock(), (mode, Kind::Escape, Work::Fresh), path, &[TEXT.as_bytes()]));
        plan.add(label, made.map(Remote::boxed));
        if let Some(floor) = floor {
            plan.floor(floor);
        }
    }
    plan.add("Lua 5.4 in process, a new state, no limits", scripted(context, Mode::Lua, Work::Fresh));
    plan.add("QuickJS in process, a new runtime, no limits", scripted(context, Mode::QuickJs, Work::Fresh));
    plan.add("QuickJS in process, a new context, no limits", scripted(context, Mode::QuickJsContext, Work::Fresh));
    plan.add("native function", Ok(native()));
    plan.add("process: true", find("true").map(|program| Process::new(&program, [""; 0]).boxed()));
    plan.incomparable();
    plan.add(
        "process: python3",
        context.python().map(|python| Process::new(&python, ["-c", ESCAPE_IN_PYTHON, TEXT]).boxed()),
    );
    let podman = Podman::new(&context.temporary(""), TEXT).map(|podman| Box::new(podman) as Box<dyn Contender>);
    plan.add("podman run of a static C binary", podman);
    plan.floor(15_000.0);
    plan.note("All limits of vox are armed: memory, time, CPU time, output, handles, stack. Lua, QuickJS and the native function have none.");
    plan.note(format!("The container: `podman {}`.", Podman::flags()));
    Ok(vec![plan.run(context.settings)])
}

/// The same in a sandbox that is kept, and two functions that leave nothing but the call to measure.
pub fn warm(context: &Context) -> Result<Vec<Row>> {
    let host = context.host()?;
    let guest = context.file("warm.wasm", &guests::echo()?)?;
    let program = vox::open(&host, &guest.display().to_string(), Limits::default())?;
    let mut rows = Vec::new();

    let mut plan = Plan::new("warm", "warm call of a function that does nothing, same instance");
    plan.add("vox, a kept sandbox", vox::warm(program, "nop", vec![]));
    against_warm(&mut plan, context, Ok(&guest), Kind::Nop, b"", Some(2.0));
    rows.push(plan.run(context.settings));

    let mut plan = Plan::new("warm", "warm call: an echo of 64 bytes, same instance");
    plan.add("vox, a kept sandbox", vox::echo(program, "echo", TEXT.as_bytes(), true));
    against_warm(&mut plan, context, Ok(&guest), Kind::Echo, TEXT.as_bytes(), Some(2.0));
    rows.push(plan.run(context.settings));

    let regex = vox::open(&host, "regex", Limits::default());
    let mut plan = Plan::new("warm", "warm call: `regex.escape` of 64 bytes, same instance");
    plan.add("vox, a kept sandbox", escape(&regex, vox::warm));
    against_warm(&mut plan, context, context.part(&host, "regex").as_deref(), Kind::Escape, TEXT.as_bytes(), None);
    plan.add("Lua 5.4 in process, the same state, no limits", scripted(context, Mode::Lua, Work::Warm));
    plan.add("QuickJS in process, the same context, no limits", scripted(context, Mode::QuickJs, Work::Warm));
    plan.add("native function", Ok(native()));
    plan.note("Half of it is the function itself. vox makes its argument anew for every call, because a value is given away with the call.");
    rows.push(plan.run(context.settings));
    Ok(rows)
}

/// The engine, as it comes and tuned by hand, in the same instance again and again.
fn against_warm(
    plan: &mut Plan,
    context: &Context,
    component: Result<&Path, &anyhow::Error>,
    kind: Kind,
    arg: &[u8],
    floor: Option<f64>,
) {
    for (label, mode, floor) in [
        ("stock wasmtime, the same instance", Mode::Stock, floor),
        ("wasmtime tuned by hand, no limits", Mode::Tuned, None),
    ] {
        let path = component.map_err(|error| anyhow::anyhow!("{error:#}"));
        let made = path.and_then(|path| remote(context.stock(), (mode, kind, Work::Warm), path, &[arg]));
        plan.add(label, made.map(Remote::boxed));
        if let Some(floor) = floor {
            plan.floor(floor);
        }
    }
}

/// jq: a program whose start costs something.
pub fn query(context: &Context) -> Result<Vec<Row>> {
    let host = context.host()?;
    let tiny = ("`json.query` of `.a[]` over `{\"a\":[1,2]}` in a fresh sandbox", TINY, TINY_FILTER, TINY_PYTHON);
    let small = (
        "`json.query` of a filter with three steps over 190 bytes in a fresh sandbox",
        DOCUMENT,
        FILTER,
        FILTER_PYTHON,
    );
    [tiny, small].into_iter().map(|asked| query_row(context, &host, asked)).collect()
}

fn query_row(context: &Context, host: &Host, asked: (&str, &str, &str, &str)) -> Result<Row> {
    let (title, document, filter, python) = asked;
    let json = vox::open(host, "json", Limits::default());
    let mut plan = Plan::new("query", title);
    let ours = json.and_then(|json| vox::fresh(json, "query", vec![document.into(), filter.into()]));
    plan.add("vox, a fresh sandbox", ours);
    let args = [document.as_bytes(), filter.as_bytes()];
    for (label, component, mode, floor) in [
        ("stock wasmtime, json built plainly (wasm32-wasip2)", context.plain_json(), Mode::Stock, Some(20.0)),
        ("stock wasmtime, the bundled json", context.part(host, "json"), Mode::Stock, None),
        ("wasmtime tuned by hand, the bundled json, no limits", context.part(host, "json"), Mode::Tuned, None),
    ] {
        let made = component.and_then(|path| remote(context.stock(), (mode, Kind::Query, Work::Fresh), &path, &args));
        plan.add(label, made.map(Remote::boxed));
        if let Some(floor) = floor {
            plan.floor(floor);
        }
    }
    let file = context.file("small.json", document.as_bytes())?;
    plan.add("process: jq", find("jq").map(|jq| Process::new(&jq, ["-c", filter]).arg(&file).boxed()));
    plan.floor(500.0);
    plan.add("process: python3", context.python().map(|path| Process::new(&path, ["-c", python, document]).boxed()));
    Ok(plan.run(context.settings))
}

type Way = fn(&'static Program, &str, Vec<Value>) -> Result<Box<dyn Contender>>;

fn escape(regex: &Result<&'static Program>, way: Way) -> Result<Box<dyn Contender>> {
    match regex {
        Ok(regex) => way(regex, "escape", vec![TEXT.into()]),
        Err(error) => Err(anyhow::anyhow!("{error:#}")),
    }
}

fn scripted(context: &Context, mode: Mode, work: Work) -> Result<Box<dyn Contender>> {
    script(context.scripts(), mode, work, TEXT).map(Remote::boxed)
}

fn native() -> Box<dyn Contender> {
    local(|| Ok(native_escape(black_box(TEXT))), String::into_bytes)
}
