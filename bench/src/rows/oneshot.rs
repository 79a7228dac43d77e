//! Whole processes: what somebody at a terminal, or a script, waits for.

use crate::contenders::podman::Podman;
use crate::contenders::process::{Process, find, version};
use crate::context::Context;
use crate::inputs::{DOCUMENT, FILTER, FILTER_PYTHON, LARGE_FILTER, LARGE_PYTHON, large};
use crate::model::Row;
use crate::runner::{Contender, Plan};
use anyhow::{Context as _, Result, bail};
use std::path::Path;
use std::process::Command;

/// A small document, a large one, and the same component in `wasmtime run`.
pub fn rows(context: &Context) -> Result<Vec<Row>> {
    Ok(vec![small(context)?, against_wasmtime(context)?, big(context)?])
}

/// A `vox` process with a cache of its own. Its first run, while results are compared, fills the cache.
fn vox(context: &Context, args: &[&str]) -> Result<Process> {
    let program = context.vox()?;
    Ok(Process::new(&program, args).env("VOX_HOME", context.temporary("home")).env("VOX_QUIET", "true"))
}

fn small(context: &Context) -> Result<Row> {
    let document = context.file("document.json", DOCUMENT.as_bytes())?;
    let at = format!("@{}", document.display());
    let mut plan = Plan::new("oneshot", "one-shot process: a filter over a small file");
    plan.add("`vox call json query`", vox(context, &["call", "json", "query", &at, FILTER]).map(Process::boxed));
    plan.add("jq", find("jq").map(|jq| Process::new(&jq, ["-c", FILTER]).arg(&document).boxed()));
    plan.floor(1.0);
    plan.add("python3", context.python().map(|python| Process::new(&python, ["-c", FILTER_PYTHON, DOCUMENT]).boxed()));
    plan.add("true", find("true").map(|program| Process::new(&program, [""; 0]).boxed()));
    plan.incomparable();
    let podman = Podman::new(&context.temporary(""), "x").map(|podman| Box::new(podman) as Box<dyn Contender>);
    plan.add("podman run of a static C binary", podman);
    plan.incomparable();
    if let Ok(jq) = find("jq") {
        plan.note(version(&jq, "--version"));
    }
    Ok(plan.run(context.settings))
}

/// The word that both escape: nothing in it is special in any of the languages it goes through.
const WORD: &str = "word";

fn against_wasmtime(context: &Context) -> Result<Row> {
    let mut plan = Plan::new("oneshot", "one-shot process: `regex.escape` of the same precompiled component");
    plan.add("`vox call regex escape`", vox(context, &["call", "regex", "escape", WORD]).map(Process::boxed));
    plan.add("`wasmtime run --allow-precompiled`", wasmtime(context));
    plan.floor(1.0);
    if let Ok(wasmtime) = find("wasmtime") {
        plan.note(version(&wasmtime, "--version"));
    }
    plan.note("wasmtime reads a file made by `wasmtime compile`, without any check of who made it.");
    Ok(plan.run(context.settings))
}

fn wasmtime(context: &Context) -> Result<Box<dyn Contender>> {
    let wasmtime = find("wasmtime")?;
    let component = context.part(&context.host()?, "regex")?;
    let compiled = context.temporary("regex.cwasm");
    compile(&wasmtime, &component, &compiled)?;
    let call = format!("escape(\"{WORD}\")");
    let process = Process::new(&wasmtime, ["run", "--allow-precompiled", "--invoke", &call]).arg(&compiled);
    // It writes a value of WIT, with quotes.
    Ok(process.result(|output| output.into_iter().filter(|byte| *byte != b'"').collect()).boxed())
}

fn compile(wasmtime: &Path, component: &Path, compiled: &Path) -> Result<()> {
    let output = Command::new(wasmtime).arg("compile").arg(component).arg("-o").arg(compiled).output()?;
    if !output.status.success() {
        bail!("wasmtime compile: {}", String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default());
    }
    Ok(())
}

/// The limits that a document of 50 MB needs.
const RAISED: [&str; 6] = ["--limit-memory", "2GiB", "--limit-output", "256MiB", "--limit-time", "2m"];

fn big(context: &Context) -> Result<Row> {
    let document = context.file("large.json", large(50_000_000).as_bytes())?;
    let at = format!("@{}", document.display());
    let mut words = vec!["call"];
    words.extend(RAISED);
    words.extend(["json", "query", &at, LARGE_FILTER]);
    let mut plan = Plan::new("oneshot", "one-shot process: a filter over a file of 50 MB");
    plan.add("`vox call json query`", vox(context, &words).map(Process::boxed));
    plan.add("jq", find("jq").map(|jq| Process::new(&jq, ["-c", LARGE_FILTER]).arg(&document).boxed()));
    plan.floor(1.0);
    let python = context.python().map(|python| Process::new(&python, ["-c", LARGE_PYTHON]).arg(&document).boxed());
    plan.add("python3", python);
    plan.note(format!("vox with `{}`.", RAISED.join(" ")));
    let row = plan.run(context.settings);
    std::fs::remove_file(&document).context("large.json")?;
    Ok(row)
}
