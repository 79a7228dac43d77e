//! Programs in containers and in the process tier: a command in a session that is warm, and the first one in a new
//! session.

use crate::contenders::process::{Process, find};
use crate::contenders::session::{Programs, problem};
use crate::contenders::trusted::Processes;
use crate::context::Context;
use crate::model::Row;
use crate::runner::{Contender, Plan};
use anyhow::{Result, anyhow};
use std::rc::Rc;
use vox_container::EngineKind;

/// What is run: the least that a program can do, and one that skills are likely to want.
const COMMANDS: [&[&str]; 2] = [&["true"], &["git", "--version"]];

/// How many times what a warm command takes `podman run` takes at least.
const FLOOR: f64 = 20.0;

/// Podman always, Docker where it works, and the process tier.
pub fn rows(context: &Context) -> Result<Vec<Row>> {
    let docker = problem(EngineKind::Docker);
    let mut rows = engine(context, EngineKind::Podman, docker.as_deref());
    if docker.is_none() {
        rows.extend(engine(context, EngineKind::Docker, None));
    }
    rows.extend(processes(context));
    Ok(rows)
}

/// The process tier against a program that is started without it.
fn processes(context: &Context) -> Vec<Row> {
    let tier = context.vox().and_then(Processes::new).map(Rc::new);
    let row = |command: &'static [&'static str]| {
        let mut plan = Plan::new("programs", format!("`{}` in the process tier", command.join(" ")));
        plan.add("vox, a session that runs", on(&tier, |tier| tier.warm(command)));
        plan.add("vox, a session started, one command, the session's end", on(&tier, |tier| Ok(tier.cold(command))));
        plan.add(
            "fork and exec, unconfined",
            find(command[0]).map(|program| Process::new(&program, &command[1..]).boxed()),
        );
        plan.note(
            "Confined: name spaces, a private root, Landlock, seccomp, limits of memory, processor, time and output.",
        );
        plan.run(context.settings)
    };
    COMMANDS.into_iter().map(row).collect()
}

/// The rows of one engine; `missing` is what is wrong with another one, which has no rows.
fn engine(context: &Context, kind: EngineKind, missing: Option<&str>) -> Vec<Row> {
    let programs = Programs::new(kind, &context.temporary(&format!("containers-{}", kind.program()))).map(Rc::new);
    let plans = COMMANDS.iter().map(|command| warm(kind, &programs, command)).chain([cold(kind, &programs)]);
    let noted = |mut plan: Plan| {
        plan.note("All limits of vox are armed: memory, processes, processor, time, output, no network, a read-only root. The container of the engine's own `run` has no network either, and the engine's defaults.");
        if let Some(missing) = missing {
            plan.note(format!("No rows for another engine: {missing}."));
        }
        plan.run(context.settings)
    };
    plans.map(noted).collect()
}

type Found = Result<Rc<Programs>>;

fn on<P>(
    programs: &Result<Rc<P>>,
    make: impl FnOnce(&Rc<P>) -> Result<Box<dyn Contender>>,
) -> Result<Box<dyn Contender>> {
    programs.as_ref().map_err(|error| anyhow!("{error:#}")).and_then(make)
}

fn warm(kind: EngineKind, programs: &Found, command: &'static [&'static str]) -> Plan {
    let (text, tool) = (command.join(" "), kind.program());
    let mut plan = Plan::new("programs", format!("`{text}` in a container of {kind} that is warm"));
    plan.add("vox, a session that runs", on(programs, |programs| programs.warm(command)));
    plan.add(&format!("{tool} run of the same image"), on(programs, |programs| Ok(programs.run(kind, command))));
    plan.floor(FLOOR);
    let native = find(command[0]).map(|program| Process::new(&program, &command[1..]).boxed());
    plan.add("native: fork and exec", native);
    // The machine's own program may be of another version.
    plan.incomparable();
    plan
}

fn cold(kind: EngineKind, programs: &Found) -> Plan {
    let (command, tool) = (COMMANDS[0], kind.program());
    let mut plan =
        Plan::new("programs", format!("`{}`, the first command in a new container of {kind}", command.join(" ")));
    plan.add("vox, a session started, one command", on(programs, |programs| Ok(programs.cold(command, false))));
    plan.add("vox, the same and the session's end", on(programs, |programs| Ok(programs.cold(command, true))));
    plan.add(&format!("{tool} run of the same image"), on(programs, |programs| Ok(programs.run(kind, command))));
    plan.note("The engine's own `run` ends with its container.");
    plan
}
