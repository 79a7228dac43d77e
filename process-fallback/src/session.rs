//! One session: a launcher that was started, its init, and the commands that run in it.

use crate::command::{judge, prepare};
use crate::wire::{Ended, Ready, Request, Run, Setup, receive, send};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::ffi::OsString;
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use vox_model::Limit;
use vox_model::programs::{Command, Finished, Lack, ProgramError, ProgramSession, Running, Spawned, Status, Stop};
use vox_pump::{Cancel, Pump, Stop as Why, ready};

/// How long an init may take to set itself up: 10 ms on an idle machine, much longer on a busy one.
const STARTING: Duration = Duration::from_secs(30);
/// How long a session may take to end once its socket is closed, and a command once it is killed.
const ENDING: Duration = Duration::from_secs(3);

/// A session. Dropping it ends everything in it.
#[derive(Debug)]
pub(crate) struct Session(Arc<Inner>);

/// What a session shares with the programs that it started.
#[derive(Debug)]
struct Inner {
    socket: Mutex<UnixStream>,
    launcher: Mutex<Child>,
    next: AtomicU32,
    over: AtomicBool,
}

fn unavailable(error: impl std::fmt::Display) -> ProgramError {
    ProgramError::Unavailable(error.to_string())
}

/// What is said of a session that is no more.
fn over() -> ProgramError {
    unavailable("what runs the programs of this call has ended")
}

impl Session {
    /// Starts the launcher with the words that make it one, and waits until its init has set everything up.
    ///
    /// # Errors
    /// What does not work here. Nothing of the session is left then.
    pub(crate) fn start(program: &Path, words: &[OsString], setup: &Setup) -> Result<Self, Lack> {
        let failed = |what: String| Lack { what, fix: "run `vox doctor`, which measures again".to_owned() };
        let system = |error: io::Error| failed(format!("a process for programs cannot be started: {error}"));
        let (mut ours, theirs) = UnixStream::pair().map_err(system)?;
        let launcher = std::process::Command::new(program)
            .args(words)
            .arg(crate::launch::OUTER)
            .env_clear()
            .current_dir("/")
            // A key that a person presses is for vox: what ends vox ends this.
            .process_group(0)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(system)?;
        let started = ours
            .set_read_timeout(Some(STARTING))
            .and_then(|()| ours.set_write_timeout(Some(ENDING)))
            .and_then(|()| send(&mut ours, setup, &[]))
            .and_then(|()| receive::<Ready>(&mut ours));
        let inner = Inner {
            socket: Mutex::new(ours),
            launcher: Mutex::new(launcher),
            next: AtomicU32::new(1),
            over: AtomicBool::new(false),
        };
        // From here on dropping it ends whatever was started.
        let session = Self(Arc::new(inner));
        match started {
            Ok(Some((Ready::Yes, _))) => Ok(session),
            Ok(Some((Ready::No { what, fix }, _))) => Err(Lack { what, fix }),
            Ok(None) => Err(failed("the launcher of programs ended without a word".to_owned())),
            Err(error) => Err(failed(format!("the launcher of programs did not answer: {error}"))),
        }
    }

    fn running(&self, run: &Run) -> Result<Launched, ProgramError> {
        let inner = &self.0;
        if inner.over.load(Ordering::SeqCst) {
            return Err(over());
        }
        let pipe = || io::pipe().map_err(unavailable);
        let [(input, to_input), (output, to_output)] = [pipe()?, pipe()?];
        let [(error, to_error), (status, to_status)] = [pipe()?, pipe()?];
        let id = inner.next.fetch_add(1, Ordering::Relaxed);
        let run = Run { id, ..run.clone() };
        let theirs = [input.as_fd(), to_output.as_fd(), to_error.as_fd(), to_status.as_fd()];
        if inner.send(&Request::Run(run.clone()), &theirs).is_err() {
            // A part of it may be there: nothing after it would be understood.
            let _ = inner.end();
            return Err(over());
        }
        Ok(Launched {
            inner: inner.clone(),
            run,
            input: Some(to_input.into()),
            outputs: Some([output.into(), error.into()]),
            status: status.into(),
            ended: None,
        })
    }
}

impl ProgramSession for Session {
    fn run(&self, asked: &Command, stop: &Stop) -> Result<Finished, ProgramError> {
        let start = Instant::now();
        let run = prepare(asked)?;
        if stop.is_stopped() {
            return Err(ProgramError::Stopped);
        }
        let cancel = Cancel::new().map_err(unavailable)?;
        let later = cancel.clone();
        stop.then(move || later.cancel());
        let mut launched = self.running(&run)?;
        let (Some(input), Some([output, error])) = (launched.input.take(), launched.outputs.take()) else {
            return Err(over());
        };
        let mut pump =
            Pump::new(Some((input, &asked.input)), output, error, asked.output, None).map_err(unavailable)?;
        let deadline = start.checked_add(asked.time).unwrap_or(start + STARTING);
        let why = pump.until(launched.status.as_fd(), Some(cancel.as_fd()), deadline).map_err(unavailable)?;
        if why != Why::Ended {
            launched.end(&mut pump)?;
        }
        match why {
            Why::Ended => {}
            Why::Cancelled => return Err(ProgramError::Stopped),
            Why::Late => {
                let (program, time) = (&asked.program, asked.time.as_millis());
                let text = format!("the time limit ended {program:?}: it may run for {time} ms");
                return Err(ProgramError::Limit { limit: Limit::Time, text });
            }
        }
        let status = launched.judged()?;
        let [output, error] = pump.taken;
        Ok(Finished {
            status,
            stdout: output.kept,
            stderr: error.kept,
            stdout_lost: output.lost,
            stderr_lost: error.lost,
        })
    }

    fn spawn(&self, asked: &Command) -> Result<Spawned, ProgramError> {
        if !asked.input.is_empty() {
            let text = "a program that is started with pipes takes its input from them";
            return Err(ProgramError::Invalid(text.to_owned()));
        }
        let mut launched = self.running(&prepare(asked)?)?;
        let (Some(stdin), Some([stdout, stderr])) = (launched.input.take(), launched.outputs.take()) else {
            return Err(over());
        };
        Ok(Spawned { stdin, stdout, stderr, running: Box::new(launched) })
    }

    fn end(&self) -> Result<(), ProgramError> {
        self.0.end().map_err(|error| unavailable(format!("programs could not be ended: {error}")))
    }
}

impl Inner {
    fn send(&self, request: &Request, fds: &[std::os::fd::BorrowedFd<'_>]) -> io::Result<()> {
        send(&mut self.socket.lock().unwrap_or_else(PoisonError::into_inner), request, fds)
    }

    /// Ends everything and waits until it is gone. Only the first call does anything.
    fn end(&self) -> io::Result<()> {
        if self.over.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        // The init exits at the end of file, and the kernel kills the rest of its process name space before the launcher
        // hears of it. The name space of mounts goes with the last of them.
        let _ = self.socket.lock().unwrap_or_else(PoisonError::into_inner).shutdown(Shutdown::Both);
        let mut launcher = self.launcher.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = i32::try_from(launcher.id()).ok().and_then(Pid::from_raw);
        let gone = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        if !gone.is_some_and(|gone| ready(gone.as_fd(), ENDING).unwrap_or(false)) {
            // The init dies with the launcher (PR_SET_PDEATHSIG).
            launcher.kill()?;
        }
        launcher.wait().map(drop)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Nobody is there to hear of it, and the kernel ends an init whose socket is closed.
        let _ = self.0.end();
    }
}

/// A command that was started.
struct Launched {
    inner: Arc<Inner>,
    run: Run,
    input: Option<OwnedFd>,
    outputs: Option<[OwnedFd; 2]>,
    status: OwnedFd,
    ended: Option<Result<Status, ProgramError>>,
}

impl Launched {
    /// Kills it and waits until the init says that it is gone. If it does not, the session goes.
    fn end(&mut self, pump: &mut Pump<'_>) -> Result<(), ProgramError> {
        let asked = self.inner.send(&Request::Kill(self.run.id), &[]);
        let why = pump.until(self.status.as_fd(), None, Instant::now() + ENDING).map_err(unavailable)?;
        self.ended = Some(Err(ProgramError::Stopped));
        if asked.is_err() || why != Why::Ended {
            let _ = self.inner.end();
        }
        Ok(())
    }

    /// How it ended. The status has to be readable.
    fn judged(&mut self) -> Result<Status, ProgramError> {
        if let Some(ended) = &self.ended {
            return ended.clone();
        }
        let mut told = Vec::new();
        let status = self.status.try_clone().map_err(unavailable)?;
        // The other end is closed without a word when the init is gone.
        let read = std::fs::File::from(status).read_to_end(&mut told);
        let ended = match read.ok().and_then(|_| serde_json::from_slice::<Ended>(&told).ok()) {
            Some(ended) => judge(&self.run, ended),
            None => {
                let _ = self.inner.end();
                Err(over())
            }
        };
        self.ended.insert(ended).clone()
    }
}

impl Running for Launched {
    fn wait(&mut self, time: Duration) -> Result<Option<Status>, ProgramError> {
        if self.ended.is_none() && !ready(self.status.as_fd(), time).map_err(unavailable)? {
            return Ok(None);
        }
        self.judged().map(Some)
    }

    fn kill(&mut self) {
        if self.ended.is_none() {
            // Where the init cannot be told, it and everything else is gone.
            let _ = self.inner.send(&Request::Kill(self.run.id), &[]);
        }
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        self.kill();
    }
}
