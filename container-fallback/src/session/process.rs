//! Programs that run: started, pumped to the end, or handed over with their pipes.

use super::command::{Command, Finished, Prepared, RunError, Status};
use super::{Inner, ready};
use crate::wire::{self, Header};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use vox_model::Limit;
use vox_pump::{Cancel, Pump, Sink, Stop};

/// How long the agent may take to end a command. It needs less than a millisecond; a stuck one loses the session.
const KILLING: Duration = Duration::from_secs(3);

/// Our ends of a command's pipes.
struct Launched {
    id: u32,
    input: OwnedFd,
    output: OwnedFd,
    error: OwnedFd,
    status: OwnedFd,
}

fn launch(inner: &Inner, header: &Header, body: &[u8]) -> Result<Launched, RunError> {
    if inner.over.load(Ordering::SeqCst) {
        return Err(RunError::Over);
    }
    let id = inner.next.fetch_add(1, Ordering::Relaxed);
    let (input, to_input) = io::pipe()?;
    let [(output, to_output), (error, to_error), (status, to_status)] = [io::pipe()?, io::pipe()?, io::pipe()?];
    let header = Header { id, ..*header };
    let theirs = [input.as_fd(), to_output.as_fd(), to_error.as_fd(), to_status.as_fd()];
    if inner.send(&header, body, &theirs).is_err() {
        // A request may be there in part: nothing after it would be understood.
        let _ = inner.end();
        return Err(RunError::Over);
    }
    Ok(Launched { id, input: to_input.into(), output: output.into(), error: error.into(), status: status.into() })
}

/// Runs a command to its end.
pub(super) fn run<'a>(
    inner: &Inner,
    prepared: &Prepared,
    command: &'a Command,
    cancel: &Cancel,
    sink: Option<Sink<'a>>,
) -> Result<Finished, RunError> {
    let start = Instant::now();
    let kills = inner.kills.count();
    let Launched { id, input, output, error, status } = launch(inner, &prepared.header, &prepared.body)?;
    let mut pump = Pump::new(Some((input, &command.input)), output, error, command.output, sink)?;
    let stop = pump.until(status.as_fd(), Some(cancel.as_fd()), start + command.time)?;
    if stop != Stop::Ended {
        end(inner, id, &mut pump, status.as_fd())?;
    }
    match stop {
        Stop::Ended => {}
        Stop::Cancelled => return Err(RunError::Cancelled),
        Stop::Late => {
            let detail = format!("it may run for {} ms", command.time.as_millis());
            return Err(RunError::Limit { limit: Limit::Time, program: prepared.program.clone(), detail });
        }
    }
    let told = take(inner, &status)?;
    let ended = judge(inner, prepared, told, kills)?;
    let [output, error] = pump.taken;
    Ok(Finished {
        status: ended,
        stdout: output.kept,
        stderr: error.kept,
        stdout_lost: output.lost,
        stderr_lost: error.lost,
        time: start.elapsed(),
        cpu: Duration::from_micros(told.cpu_micros),
        enforcement: inner.profile.enforcement,
    })
}

/// Kills a command and waits until the agent says that it is gone. If it does not, the session goes.
fn end(inner: &Inner, id: u32, pump: &mut Pump<'_>, status: BorrowedFd<'_>) -> Result<(), RunError> {
    let asked = inner.kill(id);
    let stop = pump.until(status, None, Instant::now() + KILLING)?;
    if asked.is_err() || stop != Stop::Ended {
        let _ = inner.end();
    }
    Ok(())
}

/// Reads what the agent said at the end. The other end is closed without a word when the container is gone.
fn take(inner: &Inner, status: &OwnedFd) -> Result<wire::Status, RunError> {
    let mut bytes = [0; wire::STATUS];
    match rustix::io::read(status, &mut bytes) {
        // A pipe gives so little in one piece.
        Ok(wire::STATUS) => Ok(wire::Status::decode(&bytes)),
        _ => {
            let _ = inner.end();
            Err(RunError::Over)
        }
    }
}

/// What the end means. `kills` is how many processes of the container had been killed for want of memory before.
fn judge(inner: &Inner, prepared: &Prepared, told: wire::Status, kills: u64) -> Result<Status, RunError> {
    const OUT_OF_CPU: u32 = 24;
    const KILLED: u32 = 9;
    let program = || prepared.program.clone();
    let small = u8::try_from(told.value).unwrap_or(u8::MAX);
    match told.kind {
        wire::EXITED => Ok(Status::Exited(small)),
        wire::SIGNALLED if told.value == OUT_OF_CPU && prepared.header.cpu_seconds > 0 => {
            let detail = format!("it may compute for {} s", prepared.header.cpu_seconds);
            Err(RunError::Limit { limit: Limit::Cpu, program: program(), detail })
        }
        wire::SIGNALLED if told.value == KILLED && inner.kills.count() > kills => {
            let detail = format!("all programs of the call may have {} MiB together", inner.profile.memory >> 20);
            Err(RunError::Limit { limit: Limit::Memory, program: program(), detail })
        }
        wire::SIGNALLED => Ok(Status::Signalled(small)),
        wire::NOT_STARTED => {
            let source = io::Error::from_raw_os_error(i32::try_from(told.value).unwrap_or(i32::MAX));
            let missing = matches!(source.kind(), io::ErrorKind::NotFound);
            Err(match told.step {
                wire::AT_FOLDER => RunError::WorkingFolder { folder: prepared.folder.clone(), source },
                wire::AT_FORK => RunError::Busy(program()),
                _ if missing => RunError::NotFound(program()),
                _ => RunError::NotRunnable { program: program(), source },
            })
        }
        // The agent never says anything else; what does is not ours.
        _ => {
            let _ = inner.end();
            Err(RunError::Over)
        }
    }
}

/// Lets the agent measure its container and takes the report.
pub(super) fn measure(inner: &Inner, processes: u32, memory: u64) -> Result<Vec<u8>, RunError> {
    const PATIENCE: Duration = Duration::from_secs(30);
    let address_space = match inner.profile.enforcement {
        crate::Enforcement::Cgroups => 0,
        crate::Enforcement::Rlimits => inner.profile.memory,
    };
    let header = Header { kind: wire::PROBE, processes, file_size: memory, address_space, ..Header::default() };
    let Launched { id, input, output, error, status } = launch(inner, &header, &[])?;
    let mut pump = Pump::new(Some((input, &[])), output, error, 1 << 20, None)?;
    let stop = pump.until(status.as_fd(), None, Instant::now() + PATIENCE)?;
    if stop != Stop::Ended {
        end(inner, id, &mut pump, status.as_fd())?;
        return Err(RunError::Over);
    }
    take(inner, &status)?;
    let [output, _] = pump.taken;
    Ok(output.kept)
}

/// A program that runs while the caller goes on. Dropping it kills the program and its process group.
#[derive(Debug)]
pub struct Process {
    inner: Arc<Inner>,
    prepared: Prepared,
    id: u32,
    kills: u64,
    /// Its standard input, once. Dropping the descriptor closes it.
    pub stdin: Option<OwnedFd>,
    /// Its standard output, once.
    pub stdout: Option<OwnedFd>,
    /// Its standard error, once.
    pub stderr: Option<OwnedFd>,
    status: OwnedFd,
    ended: Option<Status>,
}

impl Process {
    pub(super) fn start(inner: &Arc<Inner>, prepared: &Prepared) -> Result<Self, RunError> {
        let kills = inner.kills.count();
        let Launched { id, input, output, error, status } = launch(inner, &prepared.header, &prepared.body)?;
        let prepared = Prepared {
            header: prepared.header,
            body: Vec::new(),
            program: prepared.program.clone(),
            folder: prepared.folder.clone(),
        };
        let (stdin, stdout, stderr) = (Some(input), Some(output), Some(error));
        Ok(Self { inner: inner.clone(), prepared, id, kills, stdin, stdout, stderr, status, ended: None })
    }

    /// Waits for the end, at most so long; none when it still runs then. With no time it only looks.
    ///
    /// # Errors
    /// As for [`Session::run`](crate::Session::run): that it could not be started shows here.
    pub fn wait(&mut self, time: Duration) -> Result<Option<Status>, RunError> {
        if self.ended.is_some() {
            return Ok(self.ended);
        }
        let there = ready(self.status.as_fd(), time).map_err(io::Error::other)?;
        if !there {
            return Ok(None);
        }
        let told = take(&self.inner, &self.status)?;
        let status = judge(&self.inner, &self.prepared, told, self.kills)?;
        self.ended = Some(status);
        Ok(self.ended)
    }

    /// Kills it and its process group at once. Does nothing when it has ended.
    pub fn kill(&self) {
        // When the agent cannot be told, it and everything else is gone.
        let _ = self.inner.kill(self.id);
    }
}

/// Readable once the program has ended: for those who wait for several things at once.
impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.status.as_fd()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.kill();
        }
    }
}
