//! `vox run FOLDER SCRIPT`: a script that an interpreter runs.

use super::run::RunArgs;
use super::{Done, Ended, scripts};
use crate::arguments::standard_input;
use crate::authority::Authority;
use crate::error::CliError;
use crate::render::Called;
use crate::ui::{Format, Ui};
use crate::{host, places, render};
use serde_json::json;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use vox_model::Failure;
use vox_runtime::{Host, ScriptCall, Skill};

/// Runs the script that is meant; lists the scripts where none is.
pub fn run(host: &'static Host, skill: &Arc<Skill>, args: RunArgs, ui: &Ui) -> Done {
    let Some(script) = skill.script() else { return list(skill, ui) };
    let path = script.asked.path.clone();
    let permit = Authority::new(&args.grant, ui)?.admit(skill, args.limits, ui)?;
    let (watched, watching) = permit.watch(&path, &host::secrets()?);
    let environment = places::variables(&permit.admitted.granted().subprocess.environment)?;
    let input = match std::io::stdin().is_terminal() {
        true => Vec::new(),
        false => standard_input()?,
    };
    let call = ScriptCall {
        arguments: args.arguments.clone(),
        input,
        environment,
        stdout: Some(Box::new(std::io::stdout())),
        stderr: Some(Box::new(std::io::stderr())),
        watched,
        stop: <_>::default(),
    };
    let outcome = host.script(permit.admitted)?.run(call);
    watching.end(&outcome, ui);
    render::effects(&outcome.effects, ui);
    if outcome.output.lost > 0 {
        let lost = outcome.output.lost;
        ui.note(&format!("warning: {lost} bytes of what the script printed were cut; raise --limit-output"));
    }
    match outcome.result {
        Ok(_) => Ok(()),
        Err(Failure::Exit(status)) => {
            render::reasons(&outcome.effects, &Called { skill: &args.skill, arguments: &args.arguments }, ui);
            Err(Ended::Status(ExitCode::from(status)))
        }
        Err(failure) => Err(CliError::failure(failure, &path).into()),
    }
}

fn list(skill: &Skill, ui: &Ui) -> Done {
    let found = skill.scripts().map(vox_runtime::Scripts::listed).unwrap_or_default();
    match ui.format() {
        Format::Json => {
            let scripts: Vec<_> = found.iter().map(|one| scripts::json(&one.facts)).collect();
            ui.line(&json!({"version": 1, "name": skill.artifact().name, "scripts": scripts}).to_string())?;
        }
        Format::Text | Format::Wave if found.is_empty() => ui.note("it has no scripts"),
        Format::Text | Format::Wave => {
            for one in found {
                ui.line(scripts::text(&one.facts).trim_end())?;
            }
            ui.note(&format!(
                "run one of them: vox run {} {} -- ARGUMENTS",
                skill.artifact().name,
                found[0].asked.path
            ));
        }
    }
    Ok(())
}
