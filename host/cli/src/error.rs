//! Errors as people see them: a kind, a sentence, a place, a way out. The kind decides the exit code.

use std::ops::Range;
use vox_inspect::InspectError;
use vox_model::{Failure, LookupError};
use vox_runtime::pipeline::PipelineError;
use vox_runtime::{CompileError, FunctionError, LocateError, OpenError, Refused, ScriptError};
use vox_scripts::TreeError;

/// What kind of error it is. The codes are part of the interface: see `docs/exit-codes.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The skill returned an err.
    Skill,
    /// The command line, a file or an argument is wrong.
    Usage,
    /// Something is not granted or not served.
    Denied,
    /// A skill, file or function is not there, or is not what it should be.
    NotFound,
    /// The guest trapped.
    Trap,
    /// A limit was hit.
    Limit,
    /// A component does not compile or compose.
    Build,
    /// Stored state is damaged.
    Integrity,
    /// Something this machine needs is missing.
    Missing,
    /// A fault of vox.
    Bug,
    /// Ended by whoever started it.
    Cancelled,
}

impl Kind {
    /// Every kind, for the table test.
    #[cfg(test)]
    pub const ALL: [Self; 11] = [
        Self::Skill,
        Self::Usage,
        Self::Denied,
        Self::NotFound,
        Self::Trap,
        Self::Limit,
        Self::Build,
        Self::Integrity,
        Self::Missing,
        Self::Bug,
        Self::Cancelled,
    ];

    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Skill => 1,
            Self::Usage => 2,
            Self::Denied => 3,
            Self::NotFound => 4,
            Self::Trap => 5,
            Self::Limit => 6,
            Self::Build => 7,
            Self::Integrity => 8,
            Self::Missing => 10,
            Self::Bug => 70,
            Self::Cancelled => 130,
        }
    }

    /// The word for it in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Skill => "skill",
            Self::Usage => "usage",
            Self::Denied => "denied",
            Self::NotFound => "not-found",
            Self::Trap => "trap",
            Self::Limit => "limit",
            Self::Build => "build",
            Self::Integrity => "integrity",
            Self::Missing => "missing",
            Self::Bug => "bug",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A text with a marked place.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// What the text is, such as `signature`.
    pub name: String,
    /// The text.
    pub text: String,
    /// The marked bytes.
    pub span: Range<usize>,
    /// What the mark says.
    pub label: String,
}

/// An error for a person.
#[derive(Clone, Debug)]
pub struct CliError {
    /// What kind it is.
    pub kind: Kind,
    /// What happened, in one sentence.
    pub message: String,
    /// Where.
    pub excerpt: Option<Excerpt>,
    /// Further lines: causes, frames, denials.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
    /// The payload of an err, as JSON.
    pub payload: Option<String>,
}

impl CliError {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), excerpt: None, notes: Vec::new(), help: None, payload: None }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> Self {
        let message = error.to_string();
        match error {
            OpenError::Locate(error) => error.into(),
            OpenError::Content { .. } => Self::new(Kind::Integrity, message),
            OpenError::Inspect { name, source } => inspect(&name, &source, message),
            OpenError::Refused(refused) => refused.into(),
            OpenError::Link { .. } => Self::new(Kind::Build, message),
            OpenError::TooDemanding { .. } => {
                Self::new(Kind::Limit, message).help("where it is memory, raise it for this call: --limit-memory")
            }
            OpenError::Compile { source, .. } => compile(&source, message),
        }
    }
}

fn inspect(name: &str, source: &InspectError, message: String) -> CliError {
    match source {
        InspectError::NotAComponent(kind) => {
            let error = CliError::new(Kind::NotFound, message);
            match kind {
                vox_inspect::Kind::CoreModule => error.help("cargo build --release --target wasm32-wasip2"),
                vox_inspect::Kind::WitPackage => error.help(
                    "put it into a folder with a skill.toml that says which command serves each interface: [serve.\"…\"]",
                ),
                vox_inspect::Kind::Text => error.help(format!("wasm-tools parse {name} -o component.wasm")),
                _ => error,
            }
        }
        InspectError::Malformed(_) => CliError::new(Kind::NotFound, message)
            .help("the file is damaged or was cut short: build it or fetch it again"),
        InspectError::TooLarge { .. } => {
            CliError::new(Kind::Limit, message).help("components of this size are not opened; see docs/limits.md")
        }
        InspectError::NotDescribable(_) => CliError::new(Kind::NotFound, message),
    }
}

fn compile(source: &CompileError, message: String) -> CliError {
    match source {
        CompileError::Rejected(_) | CompileError::Died(_) => CliError::new(Kind::Build, message),
        CompileError::Limit(_) => CliError::new(Kind::Limit, message)
            .help("the component takes too much to compile; its author could split or simplify its largest functions"),
        CompileError::Unavailable(_) | CompileError::NoCompiler => {
            CliError::new(Kind::Missing, message).help("vox doctor")
        }
    }
}

impl From<LocateError> for CliError {
    fn from(error: LocateError) -> Self {
        let made = Self::new(Kind::NotFound, error.to_string());
        match error {
            LocateError::NotInBundle { name, nearest, .. } => made.help(match nearest {
                Some(near) => format!("did you mean `{near}`? For a file write its path: ./{name}.wasm"),
                None => format!("for a file write its path: ./{name}.wasm"),
            }),
            LocateError::NoFile(path) => {
                let name = path.display().to_string();
                made.help(format!("check the path, or see what is built in: vox bundle (looked for {name})"))
            }
            LocateError::TooLarge { .. } => Self { kind: Kind::Limit, ..made },
            LocateError::Folder { path, .. } => Self { kind: Kind::Limit, ..made }.help(format!(
                "move what the commands do not need out of {}",
                path.display()
            )),
            LocateError::Unreadable { .. } | LocateError::Components { .. } => made,
            LocateError::Scripts(error) => scripts(&error, made),
            LocateError::Nothing(_) => made.help("put its .wasm file there, or name that file instead of the folder"),
            LocateError::Commands(path) => made.help(format!(
                "for commands that are called directly: wasm-tools component wit {0}/wit --wasm --output {0}/contract.wasm",
                path.display()
            )),
            LocateError::Manifest { path, text, error } => {
                crate::commands::check::wrong_manifest(&path.display().to_string(), text, error)
            }
        }
    }
}

/// A folder of scripts that cannot be taken as one, or has not the one that was asked for.
fn scripts(error: &ScriptError, made: CliError) -> CliError {
    match error {
        ScriptError::Folder(TreeError::TooLarge { .. }) => CliError { kind: Kind::Limit, ..made },
        ScriptError::Folder(TreeError::Odd { what: "a link", .. }) => {
            made.help("put what it leads to in its place: cp --recursive --dereference FOLDER COPY")
        }
        ScriptError::Folder(_) => made,
        ScriptError::Missing { .. } => made.help("take the entry out of skill.toml, or bring the file back"),
        ScriptError::Unknown { known, .. } if known.is_empty() => {
            made.help("it has no scripts; for a component leave the name out")
        }
        ScriptError::Unknown { known, .. } => made.help(format!("there are: {}", known.join(", "))),
        ScriptError::Made { .. } => {
            let help = "this is a bug in vox: please report it with the skill";
            CliError { kind: Kind::Bug, ..made }.help(help)
        }
    }
}

impl From<Refused> for CliError {
    fn from(refused: Refused) -> Self {
        let mut error = Self::new(refused_kind(&refused), format!("`{}` may not run", refused.name));
        error.notes = refused.denials.iter().map(|d| format!("{}: {}", d.asked, d.rule)).collect();
        error.help = refused.denials.into_iter().map(|d| d.help).find(|help| !help.is_empty());
        error
    }
}

/// A skill that may not run for want of something on this machine alone is not a question of grants.
pub fn refused_kind(refused: &Refused) -> Kind {
    match refused.denials.iter().all(|denial| denial.missing) {
        true => Kind::Missing,
        false => Kind::Denied,
    }
}

impl From<FunctionError> for CliError {
    fn from(error: FunctionError) -> Self {
        let made = Self::new(Kind::NotFound, error.to_string());
        match error {
            FunctionError::Lookup(error) => lookup(error),
            FunctionError::Uncallable { .. } => made,
        }
    }
}

fn lookup(error: LookupError) -> CliError {
    let made = CliError::new(Kind::NotFound, error.to_string());
    match error {
        LookupError::Unknown { nearest, known, .. } => match (&nearest[..], &known[..]) {
            ([], []) => made.help("the component exports no functions"),
            ([], _) => made.help(format!("there are: {}", known.join(", "))),
            _ => made.help(format!("did you mean `{}`?", nearest.join("` or `"))),
        },
        LookupError::Ambiguous { candidates, .. } => made.help(format!("write `{}`", candidates[0])),
    }
}

impl From<LookupError> for CliError {
    fn from(error: LookupError) -> Self {
        lookup(error)
    }
}

impl CliError {
    /// A pipeline that does not fit; `text` is the pipeline.
    pub fn pipeline(error: PipelineError, text: &str, kind: Kind) -> Self {
        let mut made = Self::new(kind, error.message);
        made.excerpt =
            Some(Excerpt { name: "pipeline".to_owned(), text: text.to_owned(), span: error.span, label: error.label });
        made.help = error.help;
        made
    }

    /// A call that failed. `what` is the skill and function.
    pub fn failure(failure: Failure, what: &str) -> Self {
        let message = format!("{what}: {failure}");
        match failure {
            Failure::Trap(trap) => {
                let mut error = Self::new(Kind::Trap, message);
                if trap.panic.is_some() {
                    error.notes.push(trap.message);
                }
                error.notes.extend(trap.frames.into_iter().map(|frame| match frame.module {
                    Some(module) => format!("in {} ({module})", frame.function),
                    None => format!("in {}", frame.function),
                }));
                error
            }
            Failure::Worker(fault) => {
                let mut error = Self::new(Kind::Trap, message);
                if !fault.stderr.is_empty() {
                    error.notes.push("its standard error ends with:".to_owned());
                    error.notes.extend(fault.stderr.lines().map(str::to_owned));
                }
                error
            }
            Failure::Limit { limit, .. } => {
                let error = Self::new(Kind::Limit, message);
                match limit.flag() {
                    Some(flag) => error.help(format!("raise it for this call: {flag}")),
                    None => error,
                }
            }
            Failure::Cancelled => Self::new(Kind::Cancelled, message),
            Failure::Exit(0) => Self::new(Kind::Trap, format!("{what}: the skill exited before it returned a value")),
            Failure::Exit(_) => Self::new(Kind::Skill, message),
            Failure::Setup(_) => Self::new(Kind::Missing, message),
            Failure::Host(_) => Self::new(Kind::Bug, message)
                .help("this is a bug in vox: please report it with the command and the text above"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn every_kind_has_a_code_and_a_word_of_its_own() {
        let mut codes: Vec<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        let mut words: Vec<_> = Kind::ALL.iter().map(|kind| kind.word()).collect();
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 7, 8, 10, 70, 130]);
        codes.dedup();
        words.sort();
        words.dedup();
        assert_eq!((codes.len(), words.len()), (Kind::ALL.len(), Kind::ALL.len()));
    }
}
