//! A command, and how it ended.

use crate::check;
use crate::profile::{Enforcement, Profile};
use crate::wire::{self, Header};
use std::io;
use std::time::Duration;
use vox_model::Limit;

/// What to run. There is no shell: the program gets the arguments as they are.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program: a name that is looked up in the container's `PATH`, or a path with a `/`.
    pub program: String,
    /// Its arguments, without its own name: at most 1,024, together with the variables 256 KiB.
    pub arguments: Vec<String>,
    /// Its environment, whole: at most 256 variables. [`environment`] gives a base.
    pub environment: Vec<(String, String)>,
    /// The working folder in the container.
    pub folder: String,
    /// What it reads from standard input.
    pub input: Vec<u8>,
    /// How long it may run.
    pub time: Duration,
    /// Processor time of each of its processes, rounded up to seconds; none for as long as it may run.
    pub cpu: Option<Duration>,
    /// Bytes of standard output and of standard error that are kept, each. What is beyond is read and counted.
    pub output: u64,
}

impl Command {
    /// A command with the base environment, in `/`, for 10 s and 1 MiB of output.
    pub fn new(program: impl Into<String>, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: environment(),
            folder: "/".to_owned(),
            input: Vec::new(),
            time: Duration::from_secs(10),
            cpu: None,
            output: 1 << 20,
        }
    }
}

/// The variables that programs expect everywhere; nothing of the host's is in it.
pub fn environment() -> Vec<(String, String)> {
    [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/home"),
        ("TMPDIR", "/tmp"),
        ("LANG", "C.UTF-8"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It exited with this code.
    Exited(u8),
    /// A signal ended it, by the number of Linux on x86-64.
    Signalled(u8),
}

/// A program that ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How. A code other than 0 is no error here.
    pub status: Status,
    /// Standard output, cut at the limit.
    pub stdout: Vec<u8>,
    /// Standard error, cut at the limit.
    pub stderr: Vec<u8>,
    /// Bytes of standard output that were cut.
    pub stdout_lost: u64,
    /// Bytes of standard error that were cut.
    pub stderr_lost: u64,
    /// Wall-clock time from the request to the end.
    pub time: Duration,
    /// Processor time of the program and of the children that it waited for.
    pub cpu: Duration,
    /// What held it to its limits: anything but control groups has to be told to people.
    pub enforcement: Enforcement,
}

/// Why a program did not run, or did not finish. Nothing of it runs any more.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such program in the container.
    #[error("the container has no program {0:?}")]
    NotFound(String),
    /// The file is there and is no program that can be run, or may not be.
    #[error("{program:?} cannot be run: {source}")]
    NotRunnable {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The working folder cannot be entered.
    #[error("the working folder {folder:?} cannot be entered: {source}")]
    WorkingFolder {
        /// The folder in the container.
        folder: String,
        /// What the system said.
        source: io::Error,
    },
    /// The command itself is wrong.
    #[error("{0}")]
    Invalid(String),
    /// A limit ended it.
    #[error("the {limit} limit ended {program:?}: {detail}")]
    Limit {
        /// Which one.
        limit: Limit,
        /// The program.
        program: String,
        /// What was allowed, in words.
        detail: String,
    },
    /// Too many processes run already.
    #[error("{0:?} could not be started: the container has no process left; end others first")]
    Busy(String),
    /// The caller ended it.
    #[error("the command was cancelled")]
    Cancelled,
    /// The container is gone: ended, killed for want of memory, or stuck.
    #[error("the container of this call has ended")]
    Over,
    /// Something of the system failed.
    #[error("a program could not be run: {0}")]
    System(#[from] io::Error),
}

/// A command that was checked, in the form of a request.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) header: Header,
    pub(super) body: Vec<u8>,
    pub(super) program: String,
    pub(super) folder: String,
}

impl Command {
    /// Checks a command and writes it down for the agent.
    pub(super) fn prepare(&self, profile: &Profile) -> Result<Prepared, RunError> {
        let invalid = RunError::Invalid;
        if self.program.is_empty() {
            return Err(invalid("no program is named".to_owned()));
        }
        if !self.folder.starts_with('/') {
            return Err(invalid(format!("the working folder {:?} does not begin with `/`", self.folder)));
        }
        if self.arguments.len() > wire::ARGUMENTS || self.environment.len() > wire::VARIABLES {
            return Err(invalid(format!(
                "there are {} arguments and {} variables, and may be {} and {}",
                self.arguments.len(),
                self.environment.len(),
                wire::ARGUMENTS,
                wire::VARIABLES
            )));
        }
        let mut body = Vec::new();
        let mut add = |parts: &[&str]| {
            parts.iter().for_each(|part| body.extend_from_slice(part.as_bytes()));
            body.push(0);
        };
        add(&[check::text("the working folder", &self.folder).map_err(invalid)?]);
        let program = check::text("the program", &self.program).map_err(invalid)?;
        // Once for what is executed, once for the name that the program sees.
        add(&[program]);
        add(&[program]);
        for argument in &self.arguments {
            add(&[check::text("the argument", argument).map_err(invalid)?]);
        }
        for (name, value) in &self.environment {
            add(&[check::variable(name).map_err(invalid)?, "=", check::text("the variable", value).map_err(invalid)?]);
        }
        if body.len() > wire::BODY {
            return Err(invalid(format!(
                "arguments and variables have {} bytes together, and may have {}",
                body.len(),
                wire::BODY
            )));
        }
        let address_space = match profile.enforcement {
            Enforcement::Cgroups => 0,
            Enforcement::Rlimits => profile.memory,
        };
        let header = Header {
            kind: wire::RUN,
            id: 0,
            body: u32::try_from(body.len()).unwrap_or(u32::MAX),
            arguments: u32::try_from(self.arguments.len() + 1).unwrap_or(u32::MAX),
            variables: u32::try_from(self.environment.len()).unwrap_or(u32::MAX),
            processes: 0,
            address_space,
            file_size: profile.file_size,
            cpu_seconds: self
                .cpu
                .map_or(0, |cpu| cpu.as_secs() + u64::from(cpu.subsec_nanos() > 0))
                .max(u64::from(self.cpu.is_some())),
        };
        Ok(Prepared { header, body, program: self.program.clone(), folder: self.folder.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_written_down_text_by_text() {
        let mut command = Command::new("git", ["log", "--", "-rf"]);
        command.environment = vec![("A".to_owned(), "b=c".to_owned())];
        command.cpu = Some(Duration::from_millis(1500));
        let prepared = command.prepare(&Profile::default()).unwrap();
        assert_eq!(prepared.body, b"/\0git\0git\0log\0--\0-rf\0A=b=c\0");
        assert_eq!((prepared.header.arguments, prepared.header.variables, prepared.header.cpu_seconds), (4, 1, 2));
        let again = Header::decode(&prepared.header.encode());
        assert_eq!((again.body, again.file_size, again.cpu_seconds), (27, 256 << 20, 2));
    }

    #[test]
    fn what_cannot_be_passed_on_is_refused() {
        let refused = |change: &dyn Fn(&mut Command)| {
            let mut command = Command::new("true", ["x"]);
            change(&mut command);
            matches!(command.prepare(&Profile::default()), Err(RunError::Invalid(_)))
        };
        assert!(!refused(&|_| ()));
        assert!(refused(&|command| command.program.clear()));
        assert!(refused(&|command| command.program.push('\0')));
        assert!(refused(&|command| command.folder = "work".to_owned()));
        assert!(refused(&|command| command.folder = "/a\0b".to_owned()));
        assert!(refused(&|command| command.arguments = vec!["a\0--privileged".to_owned()]));
        assert!(refused(&|command| command.arguments = vec![String::new(); wire::ARGUMENTS + 1]));
        assert!(refused(&|command| command.arguments = vec!["x".repeat(wire::BODY)]));
        assert!(refused(&|command| command.environment = vec![("A=".to_owned(), String::new())]));
        assert!(refused(&|command| command.environment = vec![("A".to_owned(), "\0".to_owned())]));
        assert!(refused(&|command| command.environment = vec![("A".to_owned(), String::new()); wire::VARIABLES + 1]));
        assert!(!refused(&|command| command.arguments = vec![String::new(); wire::ARGUMENTS]));
    }
}
