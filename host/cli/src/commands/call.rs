//! `vox call`

use super::{Done, split_target};
use crate::arguments::{self, Parameters};
use crate::authority::Authority;
use crate::cli::{LimitArgs, NetworkArgs};
use crate::error::CliError;
use crate::grant_args::GrantArgs;
use crate::render::Called;
use crate::ui::Ui;
use crate::{folders, host, render};
use clap::Args;
use std::path::PathBuf;
use vox_model::{SkillRef, Value};
use vox_runtime::{CallOptions, FunctionError, pipeline};

/// Call one function of a skill
///
/// Arguments come in the order of the parameters, or by name as `--NAME VALUE`. A value is WAVE text, such as 3,
/// true, [1, 2] or {name: "Ada"}; where a string is wanted, any text that is no WAVE string is taken as it is.
/// @FILE reads the value from a file, - from standard input. Trailing `option` parameters may be left out. Behind --
/// nothing is taken for a flag.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox call json query '{\"a\":[1,2]}' '.a[]'
  vox call json.query @examples/feed.json '.title'
  vox call regex.find-all --text 'a1 b22' --pattern '[0-9]+'
  vox call ./mine.wasm greet --json '{\"name\":\"Ada\"}' --format json
  vox call ./mine.wasm greet Ada --allow-subprocess=git --trust")]
pub struct CallArgs {
    /// A bundle name such as json, SKILL.FUNCTION such as json.query, or the path of a .wasm file
    skill: String,
    /// The function, unless it stands with the skill, and its arguments
    #[arg(allow_negative_numbers = true, value_name = "FUNCTION ARGUMENTS")]
    rest: Vec<String>,
    /// The arguments as one JSON object by parameter name; @FILE or - reads it
    #[arg(long, value_name = "OBJECT")]
    json: Option<String>,
    /// Write the result to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    grant: GrantArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

pub fn call(args: &CallArgs, named: &Parameters, ui: &Ui, quiet: bool) -> Done {
    let (skill, function) = split_target(&args.skill);
    let (function, words) = match (function, args.rest.split_first()) {
        (Some(function), _) => (function, &args.rest[..]),
        (None, Some((function, words))) => (function.as_str(), words),
        (None, None) => {
            return Err(CliError::usage(format!("which function of `{skill}`?"))
                .help(format!("vox inspect {skill}"))
                .into());
        }
    };
    // `greet("Ada")` is a whole call in WAVE.
    let (function, words) = match function.contains('(') {
        true => wave_call(function, words)?,
        false => (function.to_owned(), words.to_vec()),
    };
    let reference: SkillRef = skill.parse().map_err(|error| CliError::usage(format!("{error}")))?;
    let host = host::start_with(ui, quiet, &args.network, args.limits.container_profile)?;
    let inspected = host.inspect(&reference)?;
    // The arguments are read before anything is compiled: a mistake in them costs nothing.
    let known = inspected.facts().function(&function)?;
    if let Some(reason) = &known.uncallable {
        let (name, reason) = (function.clone(), reason.clone());
        return Err(FunctionError::Uncallable { name, reason }.into());
    }
    let values = match &args.json {
        Some(_) if !words.is_empty() || !named.is_empty() => {
            return Err(CliError::usage("--json gives all arguments: leave out the others").into());
        }
        Some(object) => arguments::read_json(known, object)?,
        None => arguments::read(known, &words, named)?,
    };
    let paths: Vec<String> = values.iter().filter_map(path).collect();
    let permit = Authority::new(&args.grant, ui)?.admit(&inspected, args.limits, ui)?;
    let (watched, watching) = permit.watch(&function, &host::secrets()?);
    let program = host.prepare(permit.admitted)?;
    let callable = program.function(&function)?;
    let outcome = callable.call_with(values, CallOptions { watched, ..CallOptions::default() });
    watching.end(&outcome, ui);
    host::notes(host, ui);
    render::outcome(outcome, callable.function(), &Called { skill, arguments: &paths }, args.output.as_deref(), ui)?;
    Ok(())
}

/// An argument that could be a path.
fn path(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if folders::could_be_path(text) => Some(text.to_string()),
        _ => None,
    }
}

fn wave_call(text: &str, more: &[String]) -> Result<(String, Vec<String>), CliError> {
    let full = format!("x.{text}");
    let stages = pipeline::parse(&full).map_err(|error| CliError::usage(format!("`{text}`: {}", error.message)))?;
    match <[pipeline::Stage; 1]>::try_from(stages) {
        Ok([stage]) if more.is_empty() => {
            Ok((stage.function, stage.arguments.into_iter().map(|argument| argument.text).collect()))
        }
        _ => Err(CliError::usage(format!("`{text}` is a whole call: nothing may follow it"))),
    }
}
