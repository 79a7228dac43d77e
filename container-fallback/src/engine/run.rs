//! Running an engine's command line: an array of arguments, a time, and bounded output.

use super::Surroundings;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use vox_pump::{Pump, Stop};

/// Bytes kept of each stream: lists of containers and images are shorter.
const MOST: u64 = 4 << 20;

/// What an engine answered.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    /// Whether it ended with 0.
    pub(crate) success: bool,
    /// What it printed.
    pub(crate) output: String,
    /// What it said on standard error, without surrounding space.
    pub(crate) said: String,
    shown: String,
}

impl Ran {
    /// The failure as an error.
    pub(crate) fn failed(self) -> EngineError {
        EngineError::Failed { command: self.shown, said: self.said }
    }

    /// The output, or the failure as an error.
    pub(crate) fn succeeded(self) -> Result<String, EngineError> {
        if self.success { Ok(self.output) } else { Err(self.failed()) }
    }
}

/// Why an engine gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The program does not start.
    #[error("`{command}` does not start: {source}")]
    Start {
        /// The command as a person would type it.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// It took longer than any healthy engine does.
    #[error("`{command}` did not end within {} s; see whether the engine answers at all", .time.as_secs())]
    Slow {
        /// The command as a person would type it.
        command: String,
        /// How long it was waited for.
        time: Duration,
    },
    /// It ended with a failure.
    #[error("`{command}` failed: {said}")]
    Failed {
        /// The command as a person would type it.
        command: String,
        /// What it said.
        said: String,
    },
    /// It answered something else than it should.
    #[error("{0}")]
    Odd(String),
}

/// Runs a program to its end.
pub(super) fn run(
    program: &Path,
    surroundings: &Surroundings,
    arguments: &[OsString],
    time: Duration,
) -> Result<Ran, EngineError> {
    let shown = shown(program, arguments);
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(surroundings.kept.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null());
    match capture(&mut command, time) {
        Ok(Some((success, output, said))) => Ok(Ran { success, output, said, shown }),
        Ok(None) => Err(EngineError::Slow { command: shown, time }),
        Err(source) => Err(EngineError::Start { command: shown, source }),
    }
}

/// None when the time was over; the process group is killed then.
fn capture(command: &mut Command, time: Duration) -> io::Result<Option<(bool, String, String)>> {
    let (output, to_output) = io::pipe()?;
    let (error, to_error) = io::pipe()?;
    let mut child = command.stdout(to_output).stderr(to_error).spawn()?;
    // The builder holds the other ends as long as it lives, and no end of file would come.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let pid = Pid::from_child(&child);
    let pumped = pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from).and_then(|end| {
        let mut pump = Pump::new(None, output.into(), error.into(), MOST, None)?;
        // The end of the process counts, not the end of its output: what it started may hold the pipes for longer.
        let stop = pump.until(end.as_fd(), None, Instant::now() + time)?;
        Ok((stop, pump.taken))
    });
    if !matches!(pumped, Ok((Stop::Ended, _))) {
        // It is not reaped yet, so the number still means it.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    let status = child.wait()?;
    let (stop, [output, said]) = pumped?;
    if stop != Stop::Ended {
        return Ok(None);
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Some((status.success(), text(output.kept), text(said.kept).trim().to_owned())))
}

/// A command as a person would type it.
fn shown(program: &Path, arguments: &[OsString]) -> String {
    let mut words = vec![program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()];
    for argument in arguments {
        let argument = argument.to_string_lossy();
        let plain =
            !argument.is_empty() && argument.chars().all(|c| c.is_ascii_alphanumeric() || "-_=+./:,@".contains(c));
        words.push(if plain { argument.into_owned() } else { format!("'{}'", argument.replace('\'', r"'\''")) });
    }
    words.join(" ")
}
