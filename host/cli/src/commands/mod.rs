//! One file for each verb: its arguments and what it does.

pub mod audit;
pub mod bundle;
pub mod cache;
pub mod call;
pub mod changes;
pub mod check;
pub mod completions;
pub mod data;
pub mod doctor;
pub mod grant;
pub mod grants;
pub mod import;
pub mod inspect;
pub mod pipe;
pub mod reference;
pub mod run;
mod run_script;
pub mod scripts;
pub mod secret;
pub mod why;

use crate::arguments::Parameters;
use crate::cli::{Cli, Verb};
use crate::error::CliError;
use crate::ui::Ui;
use std::process::ExitCode;

/// Runs a verb.
pub fn run(cli: Cli, parameters: Parameters, ui: &Ui) -> Result<ExitCode, CliError> {
    let quiet = cli.global.quiet;
    match cli.verb {
        Verb::Inspect(args) => inspect::inspect(&args, ui, quiet),
        Verb::Why(args) => why::why(&args, ui, quiet),
        Verb::Call(args) => call::call(&args, &parameters, ui, quiet),
        Verb::Run(args) => run::run(args, ui, quiet),
        Verb::Pipe(args) => pipe::pipe(&args, ui, quiet),
        Verb::Import(args) => import::import(&args, ui),
        Verb::Check(args) => check::check(&args, ui, quiet),
        Verb::Grant(args) => grant::grant(&args, ui, quiet),
        Verb::Grants(args) => grants::grants(&args, ui),
        Verb::Revoke(args) => grants::revoke(&args, ui),
        Verb::Changes(args) => changes::changes(&args, ui),
        Verb::Diff(args) => changes::diff(&args, ui),
        Verb::Approve(args) => changes::approve(&args, ui),
        Verb::Discard(args) => changes::discard(&args, ui),
        Verb::Secret(args) => secret::secret(&args, ui),
        Verb::Data(args) => data::data(&args, ui),
        Verb::Audit(args) => audit::audit(&args, ui),
        Verb::Bundle(args) => bundle::bundle(&args, ui),
        Verb::Doctor(args) => doctor::doctor(&args, ui),
        Verb::Cache(args) => cache::cache(&args, ui),
        Verb::Completions(args) => completions::completions(&args, ui),
        Verb::Reference(args) => reference::reference(&args, ui),
    }
    .map(|()| ExitCode::SUCCESS)
    .or_else(|ended| match ended {
        Ended::Status(code) => Ok(code),
        Ended::Error(error) => Err(*error),
    })
}

/// How a verb ends when it does not end well: with an error to print, or with a status of its own.
pub enum Ended {
    /// An error.
    Error(Box<CliError>),
    /// A status; what there was to say is said.
    Status(ExitCode),
}

impl<E: Into<CliError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Error(Box::new(error.into()))
    }
}

/// The result of a verb.
pub type Done = Result<(), Ended>;

/// The audit of this installation.
pub fn audit(state: &std::path::Path) -> vox_ledger::Audit {
    vox_ledger::Audit::new(state, vox_ledger::Bounds::default())
}

/// `json.query` is a skill and a function; `./mine.wasm` is a skill.
pub fn split_target(text: &str) -> (&str, Option<&str>) {
    let is_path = text.contains('/') || text.ends_with(".wasm");
    match text.split_once('.') {
        Some((skill, function)) if !is_path => (skill, Some(function)),
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::split_target;

    #[test]
    fn targets() {
        assert_eq!(split_target("json.query"), ("json", Some("query")));
        assert_eq!(split_target("json"), ("json", None));
        assert_eq!(split_target("./mine.wasm"), ("./mine.wasm", None));
        assert_eq!(split_target("mine.wasm"), ("mine.wasm", None));
        assert_eq!(split_target("dir.d/mine.wasm"), ("dir.d/mine.wasm", None));
    }
}
