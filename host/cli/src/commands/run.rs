//! `vox run`

use super::{Done, Ended, run_script};
use crate::arguments::standard_input;
use crate::authority::Authority;
use crate::cli::{LimitArgs, NetworkArgs};
use crate::error::{CliError, Kind};
use crate::grant_args::GrantArgs;
use crate::render::Called;
use crate::ui::Ui;
use crate::{host, render};
use clap::Args;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use vox_model::{Facts, Failure, SkillRef, Value};
use vox_runtime::{CallOptions, Invocation};

/// Run a program: a component that exports wasi:cli/run, or a script of a skill folder
///
/// It gets the arguments, standard input when that is not a terminal, and what is granted: no environment, and without a
/// grant no files and no network. What it prints goes to standard output and standard error, up to --limit-output each.
/// A script that is no component runs in a container, in the first granted folder; it sees its own skill at /skill.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox run ./wc.wasm -- --lines < README.md
  vox run ./tool.wasm --limit-time 1m -- input
  vox run ./tool.wasm --allow-subprocess=git --trust -- input
  vox run examples/agent-skills/csv-report")]
pub struct RunArgs {
    /// The path of a .wasm file or of a skill folder
    pub(super) skill: String,
    /// The script of a skill folder, such as scripts/report.py; without it the scripts are listed
    script: Option<String>,
    /// Arguments of the program
    #[arg(last = true)]
    pub(super) arguments: Vec<String>,
    #[command(flatten)]
    pub(super) grant: GrantArgs,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

pub fn run(args: RunArgs, ui: &Ui, quiet: bool) -> Done {
    let reference: SkillRef = args.skill.parse().map_err(|error| CliError::usage(format!("{error}")))?;
    let host = host::start_with(ui, quiet, &args.network, args.limits.container_profile)?;
    let inspected = match &args.script {
        Some(script) => host.inspect_script(&reference, script)?,
        None => host.inspect(&reference)?,
    };
    if inspected.interpreted() {
        return run_script::run(host, &inspected, args, ui);
    }
    let permit = Authority::new(&args.grant, ui)?.admit(&inspected, args.limits, ui)?;
    let (watched, watching) = permit.watch("wasi:cli/run", &host::secrets()?);
    let program = host.prepare(permit.admitted)?;
    let name = entry(program.facts()).ok_or_else(|| {
        CliError::new(Kind::NotFound, format!("`{}` is not a program: it does not export wasi:cli/run", args.skill))
            .help(format!("see what it exports: vox inspect {}", args.skill))
    })?;
    let input = match std::io::stdin().is_terminal() {
        true => Vec::new(),
        false => standard_input()?,
    };
    let paths = args.arguments.clone();
    let own_name = std::path::Path::new(&args.skill).file_name().map(|name| name.to_string_lossy().into_owned());
    let arguments = own_name.into_iter().chain(args.arguments).collect();
    let options = CallOptions {
        cancel: None,
        invocation: Invocation { arguments, input },
        stdout: Some(Box::new(std::io::stdout())),
        stderr: Some(Box::new(std::io::stderr())),
        watched,
    };
    let outcome = program.function(&name)?.call_with(vec![], options);
    watching.end(&outcome, ui);
    render::effects(&outcome.effects, ui);
    host::notes(host, ui);
    if outcome.output.lost > 0 {
        ui.note(&format!(
            "warning: {} bytes of what the program printed were cut; raise --limit-output",
            outcome.output.lost
        ));
    }
    if !matches!(outcome.result, Ok(None | Some(Value::Result(Ok(_)))) | Err(Failure::Exit(0))) {
        render::reasons(&outcome.effects, &Called { skill: &args.skill, arguments: &paths }, ui);
    }
    match outcome.result {
        Ok(Some(Value::Result(Err(_)))) => Err(Ended::Status(ExitCode::from(1))),
        Ok(_) | Err(Failure::Exit(0)) => Ok(()),
        Err(Failure::Exit(status)) => Err(Ended::Status(ExitCode::from(status))),
        Err(failure) => Err(CliError::failure(failure, &args.skill).into()),
    }
}

/// The function that runs the program.
fn entry(facts: &Facts) -> Option<String> {
    let run = facts
        .functions
        .iter()
        .find(|f| f.id.name == "run" && f.id.interface.as_deref().is_some_and(|i| i.starts_with("wasi:cli/run@0.2.")));
    run.map(|f| f.id.to_string())
}
