//! The command line: verbs, flags, help.

use crate::commands;
use crate::error::CliError;
use crate::grant_args::GrantArgs;
use crate::ui::{Color, Format};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use vox_capabilities::manifest::Asked;
use vox_model::{Limits, units};
use vox_runtime::Skill;

/// Runs typed WebAssembly skills from strangers, with nothing but what you grant.
#[derive(Debug, Parser)]
#[command(name = "vox", version, max_term_width = 100, disable_help_subcommand = true, after_help = TOUR)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

/// Shown when `vox` is called alone, and at the end of its help.
pub const TOUR: &str = "\
Start here:
  vox bundle                                           what is built in
  vox call json query '{\"a\":[1,2]}' '.a[]'             call one typed function
  vox pipe \"json.extract('.md') | markdown.to-html\"    chain functions, input on standard input
  vox inspect ./mine.wasm                              what a component imports and exports
  vox why ./mine.wasm                                  where it would run, and why
  vox doctor                                           whether the limits hold on this machine";

/// Flags of every verb.
#[derive(Args, Debug)]
pub struct Global {
    /// How results and errors are written
    #[arg(long, value_enum, default_value_t, global = true, env = "VOX_FORMAT")]
    pub format: Format,
    /// Whether errors are coloured
    #[arg(long, value_enum, default_value_t, global = true, env = "VOX_COLOR")]
    pub color: Color,
    /// Say nothing but results and errors
    #[arg(long, short, global = true, env = "VOX_QUIET")]
    pub quiet: bool,
}

/// What holds programs in containers to their limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ContainerProfile {
    /// Control groups, for all programs of a call together
    #[default]
    Cgroups,
    /// Resource limits of each process: weaker, and every outcome says so
    Rlimits,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    Inspect(commands::inspect::InspectArgs),
    Why(commands::why::WhyArgs),
    Call(commands::call::CallArgs),
    Run(commands::run::RunArgs),
    Pipe(commands::pipe::PipeArgs),
    Import(commands::import::ImportArgs),
    Check(commands::check::CheckArgs),
    Grant(commands::grant::GrantVerbArgs),
    Grants(commands::grants::GrantsArgs),
    Revoke(commands::grants::RevokeArgs),
    Changes(commands::changes::ChangesArgs),
    Diff(commands::changes::DiffArgs),
    Approve(commands::changes::ApproveArgs),
    Discard(commands::changes::DiscardArgs),
    Secret(commands::secret::SecretArgs),
    Data(commands::data::DataArgs),
    Audit(commands::audit::AuditArgs),
    Bundle(commands::bundle::BundleArgs),
    Doctor(commands::doctor::DoctorArgs),
    Cache(commands::cache::CacheArgs),
    Completions(commands::completions::CompletionsArgs),
    #[command(hide = true)]
    Reference(commands::reference::ReferenceArgs),
}

/// How much a call may use.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Wall-clock time of a call, such as 500ms, 10s, 2m [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = units::duration, env = "VOX_LIMIT_TIME")]
    limit_time: Option<Duration>,
    /// Processor time of a call [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = units::duration, env = "VOX_LIMIT_CPU")]
    limit_cpu: Option<Duration>,
    /// Memory of a call, such as 64MiB, 1GiB [default: 64MiB]
    #[arg(long, value_name = "SIZE", value_parser = units::size, env = "VOX_LIMIT_MEMORY")]
    limit_memory: Option<u64>,
    /// Bytes of standard output and standard error each, and of the result where that is above 4 MiB [default: 1MiB]
    #[arg(long, value_name = "SIZE", value_parser = units::size, env = "VOX_LIMIT_OUTPUT")]
    limit_output: Option<u64>,
    /// What holds the programs of a call in their container
    #[arg(long, value_enum, default_value_t, env = "VOX_CONTAINER_PROFILE", value_name = "PROFILE")]
    pub container_profile: ContainerProfile,
}

impl LimitArgs {
    /// The limits of a call of this skill: what the flags say, else what its manifest asks for, else the defaults.
    pub fn limits(&self, skill: &Skill) -> Limits {
        self.over(skill.manifest().map(|manifest| manifest.limits).unwrap_or_default())
    }

    fn over(&self, asked: Asked) -> Limits {
        let default = asked.over(Limits::default());
        Limits {
            memory: self.limit_memory.unwrap_or(default.memory),
            time: self.limit_time.unwrap_or(default.time),
            // Who gives a call more time gives it the processor for that time, unless they say otherwise.
            cpu: self.limit_cpu.unwrap_or(self.limit_time.unwrap_or_default().max(default.cpu)),
            output: self.limit_output.unwrap_or(default.output),
        }
    }
}

/// How the network is reached.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// Trust the certificate authorities in this PEM file, besides those that are built in
    #[arg(long, value_name = "FILE", env = "VOX_HTTP_CA")]
    http_ca: Option<PathBuf>,
}

/// Bytes of a file of authorities: all public ones together have about 250 KiB.
const MAX_AUTHORITIES: u64 = 1 << 20;

impl NetworkArgs {
    /// The authorities to trust besides the built-in ones, as PEM; empty where there are none.
    pub fn authorities(&self) -> Result<Vec<u8>, CliError> {
        let Some(path) = &self.http_ca else { return Ok(Vec::new()) };
        let wrong = |why: String| {
            CliError::usage(format!("--http-ca {}: {why}", path.display())).help(
                "name a PEM file with the certificate of the authority, which begins with -----BEGIN CERTIFICATE-----",
            )
        };
        let mut pem = Vec::new();
        let file = File::open(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
        file.take(MAX_AUTHORITIES + 1)
            .read_to_end(&mut pem)
            .map_err(|error| wrong(format!("it cannot be read: {error}")))?;
        if pem.len() as u64 > MAX_AUTHORITIES {
            return Err(wrong("it is longer than 1 MiB".to_owned()));
        }
        vox_capabilities::http::check_roots(&pem).map_err(|error| wrong(error.to_string()))?;
        Ok(pem)
    }
}

/// Reads the command line; help, version and mistakes are printed here and give the exit status.
pub fn parse(words: &[OsString]) -> Result<Cli, ExitCode> {
    if words.len() == 1 {
        crate::ui::tour(TOUR);
        return Err(ExitCode::from(2));
    }
    Cli::try_parse_from(words).map_err(|mut error| {
        if error.kind() == clap::error::ErrorKind::InvalidSubcommand {
            misplaced_verb(&mut error, words);
        }
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

/// `vox json` is a skill without a verb: say the two commands that were likely meant.
fn misplaced_verb(error: &mut clap::Error, words: &[OsString]) {
    use clap::error::{ContextKind, ContextValue};
    let Some(word) = words.get(1).map(|word| word.to_string_lossy().into_owned()) else { return };
    let is_skill = word.ends_with(".wasm") || vox_bundle::Bundle::embedded().part(&word).is_some();
    if is_skill {
        let tips = [format!("a verb comes first: vox inspect {word}"), format!("or: vox call {word} FUNCTION …")];
        let tips = tips.into_iter().map(Into::into).collect();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
}

/// Flags that grant, from somewhere else than the command line: a denial, a project file.
pub fn grant_args(words: impl IntoIterator<Item = String>) -> Result<GrantArgs, CliError> {
    #[derive(Parser)]
    #[command(no_binary_name = true, disable_help_flag = true)]
    struct Only {
        #[command(flatten)]
        grant: GrantArgs,
    }
    match Only::try_parse_from(words) {
        Ok(only) => Ok(only.grant),
        Err(error) => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Err(CliError::usage(first))
        }
    }
}

/// The words of a line with one flag, such as `--secret 'a=https://b;header=X:{}'`, as a shell would see them.
pub fn split_flag(line: &str) -> Vec<String> {
    match line.split_once(' ') {
        Some((flag, value)) => {
            let value = value.trim();
            let quoted = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
            vec![flag.to_owned(), quoted.unwrap_or(value).replace("'\\''", "'")]
        }
        None => vec![line.to_owned()],
    }
}

/// The names of all long flags of a verb, for telling them from parameters of a function.
pub fn flags_of(verb: &str) -> Vec<String> {
    let command = Cli::command();
    let of = |command: &clap::Command| {
        command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect::<Vec<_>>()
    };
    let mut names = of(&command);
    names.extend(command.find_subcommand(verb).map(of).unwrap_or_default());
    names.extend(["help".to_owned(), "version".to_owned()]);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Who runs a skill has the last word, whatever its manifest asks for.
    #[test]
    fn flags_beat_what_a_manifest_asks_for() {
        let none = LimitArgs {
            limit_time: None,
            limit_cpu: None,
            limit_memory: None,
            limit_output: None,
            container_profile: ContainerProfile::default(),
        };
        let asked = Asked { time: Some(Duration::from_secs(60)), memory: Some(128 << 20), ..Asked::default() };
        assert_eq!(none.over(Asked::default()), Limits::default());
        let limits = none.over(asked);
        assert_eq!((limits.time, limits.memory), (Duration::from_secs(60), 128 << 20));
        assert_eq!(limits.cpu, Limits::default().cpu);
        for (time, memory) in [(1, 1 << 20), (600, 1 << 30)] {
            let flags = LimitArgs { limit_time: Some(Duration::from_secs(time)), limit_memory: Some(memory), ..none };
            let limits = flags.over(asked);
            assert_eq!((limits.time, limits.memory), (Duration::from_secs(time), memory));
        }
    }
}
