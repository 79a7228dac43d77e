//! `vox pipe`

use super::Done;
use crate::arguments::{standard_input, text_of};
use crate::authority::{Authority, Permit, Watching};
use crate::cli::{LimitArgs, NetworkArgs};
use crate::error::{CliError, Kind};
use crate::grant_args::GrantArgs;
use crate::render::Called;
use crate::ui::Ui;
use crate::{host, render};
use clap::Args;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use vox_model::{Outcome, SkillRef, Value};
use vox_runtime::pipeline::{self, Fault, Input, Resolve, Stage, Stages};
use vox_runtime::{CallOptions, Host, Program};

/// Chain typed functions: the result of each becomes the first argument of the next
///
/// All types are checked before anything runs. Where a function returns a result, its ok side is passed on and an
/// error ends the pipeline. A first function that lacks its first argument reads it from --input or standard input.
/// To link components into one file is another thing: composition, not piping.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox pipe \"json.extract('.items[].body') | markdown.to-html\" --input examples/feed.json
  vox pipe \"json.extract('.items[].title') | regex.split('\\n')\" --format json < examples/feed.json")]
pub struct PipeArgs {
    /// Functions joined by |, such as "json.query('.a') | json.format"
    pipeline: String,
    /// The file that the first function reads; standard input when left out
    #[arg(long, short, value_name = "FILE")]
    input: Option<PathBuf>,
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

pub fn pipe(args: &PipeArgs, ui: &Ui, quiet: bool) -> Done {
    let text = &args.pipeline;
    let stages = pipeline::parse(text).map_err(|error| CliError::pipeline(error, text, Kind::Usage))?;
    let host = host::start_with(ui, quiet, &args.network, args.limits.container_profile)?;
    let authority = Authority::new(&args.grant, ui)?;
    let mut skills = Skills { host, ui, authority, limits: args.limits, opened: HashMap::new(), failed: None };
    let checked = pipeline::check(text, &stages, &mut skills).map_err(|error| {
        let kind = match error.fault {
            Fault::Text => Kind::Usage,
            Fault::Function => Kind::NotFound,
            Fault::Skill => skills.failed.unwrap_or(Kind::NotFound),
        };
        CliError::pipeline(error, text, kind)
    })?;
    let input = read_input(args, checked.input())?;
    let mut watched = Stagehands { skills: &skills, stages: &stages, secrets: host::secrets()?, watching: None };
    let (index, outcome) = checked.run(input, &mut watched);
    host::notes(host, ui);
    let stage = &stages[index];
    let program = skills.open(&stage.skill).map_err(|(message, _)| CliError::usage(message))?;
    let callable = program.function(&stage.function)?;
    let called = Called { skill: &stage.skill, arguments: &[] };
    render::outcome(outcome, callable.function(), &called, args.output.as_deref(), ui).map_err(|mut error| {
        if stages.len() > 1 {
            error.notes.push(format!("stage {} of {}: {}", index + 1, stages.len(), &text[stage.span.clone()]));
        }
        error
    })?;
    Ok(())
}

fn read_input(args: &PipeArgs, wanted: Input) -> Result<Option<Value>, CliError> {
    if wanted == Input::None {
        return match &args.input {
            Some(_) => Err(CliError::usage("the first function has all its arguments: --input would not be read")),
            None => Ok(None),
        };
    }
    let (bytes, from) = match &args.input {
        Some(path) => {
            let name = path.display().to_string();
            let bytes = std::fs::read(path)
                .map_err(|error| CliError::usage(format!("--input {name} cannot be read: {error}")))?;
            (bytes, name)
        }
        None => (standard_input()?, "standard input".to_owned()),
    };
    Ok(Some(match wanted {
        Input::Bytes => Value::Bytes(bytes),
        Input::Text | Input::None => Value::String(text_of(bytes, &from)?),
    }))
}

/// Opens each skill once.
struct Skills<'h> {
    host: &'h Host,
    ui: &'h Ui,
    authority: Authority,
    limits: LimitArgs,
    opened: HashMap<String, (Arc<Program>, Permit)>,
    failed: Option<Kind>,
}

impl Skills<'_> {
    fn program(&self, skill: &str) -> Result<(Arc<Program>, Permit), CliError> {
        let reference: SkillRef = skill.parse().map_err(|error| CliError::usage(format!("{error}")))?;
        let inspected = self.host.inspect(&reference)?;
        let permit = self.authority.admit(&inspected, self.limits, self.ui)?;
        let program = self.host.prepare(permit.admitted.clone())?;
        Ok((Arc::new(program), permit))
    }
}

impl Resolve for Skills<'_> {
    fn open(&mut self, skill: &str) -> Result<Arc<Program>, (String, Option<String>)> {
        if let Some((program, _)) = self.opened.get(skill) {
            return Ok(program.clone());
        }
        let (program, permit) = self.program(skill).map_err(|error| {
            self.failed = Some(error.kind);
            let notes: String = error.notes.iter().map(|note| format!("; {note}")).collect();
            (format!("{}{notes}", error.message), error.help)
        })?;
        self.opened.insert(skill.to_owned(), (program.clone(), permit));
        Ok(program)
    }
}

/// Watches over each stage under the permit of its skill.
struct Stagehands<'s, 'h> {
    skills: &'s Skills<'h>,
    stages: &'s [Stage],
    secrets: vox_ledger::Secrets,
    watching: Option<Watching>,
}

impl Stages for Stagehands<'_, '_> {
    fn options(&mut self, stage: usize) -> CallOptions {
        let stage = &self.stages[stage];
        let permit = self.skills.opened.get(&stage.skill).map(|(_, permit)| permit);
        let (watched, watching) = match permit {
            Some(permit) => {
                let (watched, watching) = permit.watch(&stage.function, &self.secrets);
                (watched, Some(watching))
            }
            None => (None, None),
        };
        self.watching = watching;
        CallOptions { watched, ..CallOptions::default() }
    }

    fn ended(&mut self, _: usize, outcome: &Outcome) {
        if let Some(watching) = self.watching.take() {
            watching.end(outcome, self.skills.ui);
        }
    }
}
