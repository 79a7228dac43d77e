//! Programs that run for a skill outside its sandbox: what to run, how it ended, and who can run it.
//!
//! Nothing here runs anything. A back end implements [`Programs`]; whoever serves a call asks it for a [`ProgramSession`]
//! and keeps the granted folders in step through [`SharedFolder`].

use crate::Limit;
use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What to run. There is no shell: the program gets the arguments as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program: a name that is looked up on the path of the session, or a path with a `/`.
    pub program: String,
    /// Its arguments, without its own name.
    pub arguments: Vec<String>,
    /// Variables besides the fixed base that every program gets; nothing of the host's is in either.
    pub environment: Vec<(String, String)>,
    /// The working folder, absolute, as programs see it.
    pub folder: String,
    /// What it reads from standard input, whole.
    pub input: Vec<u8>,
    /// Wall-clock time that it may take.
    pub time: Duration,
    /// Processor time of each of its processes.
    pub cpu: Duration,
    /// Bytes of standard output and of standard error that are kept, each; what is beyond is counted.
    pub output: u64,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It exited with this code.
    Exited(u8),
    /// A signal ended it, by the number of Linux on x86-64.
    Signalled(u8),
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit {code}"),
            Self::Signalled(number) => write!(f, "signal {number}"),
        }
    }
}

/// A program that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// Why a program did not run, or did not finish. The cases are those of the interface that skills see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// Not granted; the text says what a person would have to grant.
    #[error("{0}")]
    Denied(String),
    /// There is no such program.
    #[error("{0}")]
    NotFound(String),
    /// The command itself is wrong.
    #[error("{0}")]
    Invalid(String),
    /// A limit ended it.
    #[error("{text}")]
    Limit {
        /// Which one.
        limit: Limit,
        /// What was allowed, in words.
        text: String,
    },
    /// Whoever started it ended it.
    #[error("the program was ended before it finished")]
    Stopped,
    /// What runs programs failed.
    #[error("{0}")]
    Unavailable(String),
}

/// What this machine lacks for running programs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Lack {
    /// What is missing or does not hold, as it was found or measured.
    pub what: String,
    /// The command that mends it, or what a person can do.
    pub fix: String,
}

impl Lack {
    /// What is missing and what mends it, in one line.
    pub fn told(&self) -> String {
        format!("{}; {}", self.what, self.fix)
    }
}

/// What is offered, after it was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// What runs programs, such as `Podman 4.3.1 with runc`.
    pub by: String,
    /// How it is weaker than the strict profile; none where it is not. Told with every outcome.
    pub weaker: Option<String>,
}

/// How programs see a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The folder of the host, absolute and without links.
    pub host: PathBuf,
    /// The path under which programs see it, absolute.
    pub guest: String,
    /// What programs may do with it.
    pub access: MountAccess,
}

/// What programs may do with a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountAccess {
    /// Read it.
    Read,
    /// Read it and write into `upper`, a layer of an overlay in the form of the Linux kernel; the folder stays as it is.
    Write {
        /// The layer. What lies in it when the session starts is part of what programs see.
        upper: PathBuf,
        /// An empty folder of the kernel's on the same file system.
        work: PathBuf,
    },
    /// Read it and write into it at once.
    Direct,
}

/// What a session is started with.
#[derive(Clone, Debug, Default)]
pub struct SessionSetup {
    /// Names the call: letters and digits.
    pub call: String,
    /// Bytes of memory of all its programs together.
    pub memory: u64,
    /// The folders that programs see.
    pub folders: Vec<Mount>,
    /// The accelerators that are attached, by id.
    pub devices: Vec<String>,
    /// What takes the connections that programs make to the outside. None: nothing listens, and nothing is reached.
    pub outlet: Option<Arc<dyn Outlet>>,
    /// The image of the programs by its content, as in [`Programs::image`]; none for the one of the back end.
    pub image: Option<String>,
}

/// The one way out for the programs of a call: whoever runs them listens where they are, and hands every connection that
/// they make to this. It says itself what may leave.
pub trait Outlet: fmt::Debug + Send + Sync {
    /// What programs have to trust when they speak to it: certificates as PEM. A file that programs can read has this text.
    ///
    /// # Errors
    /// It cannot be made; the text says why.
    fn trust(&self) -> Result<String, String>;

    /// The variables by which programs find it, given where it listens for them and the path of the file with
    /// [`Outlet::trust`]. Names are not given twice.
    fn variables(&self, address: SocketAddr, trust: &str) -> Vec<(String, String)>;

    /// Takes a connection that a program made. Must not block; a connection that is not wanted is answered or dropped.
    fn take(&self, connection: TcpStream);

    /// Cuts everything that is under way and takes no further connection. When this returns, nothing is sent any more.
    fn end(&self);
}

/// One accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The name to ask for it by, such as `nvidia.com/gpu=0`.
    pub id: String,
    /// The maker, such as `nvidia`.
    pub vendor: String,
    /// The model as its driver reports it.
    pub model: String,
    /// Its memory in bytes, 0 where the driver does not say.
    pub memory: u64,
}

/// Runs programs. Implemented by the back end that a host is given.
pub trait Programs: fmt::Debug + Send + Sync {
    /// Whether programs can be run here. The first call finds out and measures; later ones give the same answer.
    ///
    /// # Errors
    /// What is missing, or what was measured not to hold.
    fn offer(&self) -> Result<Offered, Lack>;

    /// Whether programs can run in an image, named by its content: `sha256:…` or `name@sha256:…`. Nothing is fetched.
    ///
    /// # Errors
    /// It is not there, or cannot be used; with the command that brings it.
    fn image(&self, name: &str) -> Result<(), Lack> {
        let what = format!("what runs programs here has one image, and {name} is another");
        Err(Lack { what, fix: "leave `image` out of skill.toml, or use another host".to_owned() })
    }

    /// Starts a session for one call.
    ///
    /// # Errors
    /// [`ProgramError::Unavailable`] in most cases: nothing of the session is left then.
    fn start(&self, setup: &SessionSetup) -> Result<Box<dyn ProgramSession>, ProgramError>;

    /// The accelerators that are present.
    ///
    /// # Errors
    /// Nothing runs programs here. That there is no accelerator is an empty list.
    fn devices(&self) -> Result<Vec<Device>, ProgramError>;

    /// The offer in words, for [`crate::TierOffer`].
    ///
    /// # Errors
    /// What is missing, and what would change that.
    fn told(&self) -> Result<String, String> {
        self.offer().map(|offered| offered.by).map_err(|lack| lack.told())
    }
}

/// What runs the programs of one call. Dropping it ends everything in it.
pub trait ProgramSession: Send + Sync {
    /// Runs a program to its end and keeps what it prints. When this returns, nothing of the program runs any more.
    ///
    /// # Errors
    /// [`ProgramError`]. The session stays usable unless it says that it has ended.
    fn run(&self, command: &Command, stop: &Stop) -> Result<Finished, ProgramError>;

    /// Starts a program and returns at once, with its pipes. `input` of the command is empty.
    ///
    /// # Errors
    /// As for [`ProgramSession::run`].
    fn spawn(&self, command: &Command) -> Result<Spawned, ProgramError>;

    /// Ends everything and waits until nothing runs any more. After that no layer changes.
    ///
    /// # Errors
    /// It could not be ended; the text says what is left.
    fn end(&self) -> Result<(), ProgramError>;
}

/// One end of a pipe.
#[cfg(unix)]
pub type Pipe = std::os::fd::OwnedFd;
/// One end of a pipe.
#[cfg(windows)]
pub type Pipe = std::os::windows::io::OwnedHandle;

/// A program that runs while the caller goes on.
pub struct Spawned {
    /// Writes to its standard input; dropping it closes it.
    pub stdin: Pipe,
    /// Reads its standard output.
    pub stdout: Pipe,
    /// Reads its standard error.
    pub stderr: Pipe,
    /// The program itself.
    pub running: Box<dyn Running>,
}

/// The handle of a program that runs. Dropping it kills the program and its children.
pub trait Running: Send {
    /// Waits for the end, at most so long; none when it still runs then.
    ///
    /// # Errors
    /// As for [`ProgramSession::run`]: that it could not be started shows here.
    fn wait(&mut self, time: Duration) -> Result<Option<Status>, ProgramError>;

    /// Kills it and its children at once. Does nothing when it has ended.
    fn kill(&mut self);
}

/// A granted folder that both a skill and the programs of its call see.
pub trait SharedFolder: Send + Sync {
    /// The path under which the skill sees it, as it was granted.
    fn guest(&self) -> &str;

    /// Makes what is staged visible to a session that is about to start, and says how the folder is mounted. Programs will
    /// see it as `guest`.
    ///
    /// # Errors
    /// It cannot be laid out; the text says why.
    fn mount(&self, guest: &str) -> Result<Mount, String>;

    /// Whether the skill wrote since the last [`SharedFolder::mount`], so that programs of that session do not see all.
    fn stale(&self) -> bool;

    /// Whether programs wrote more than may be staged: which limit, in words. Asked while programs run.
    fn over(&self) -> Option<String>;

    /// Takes over what programs wrote since it was last asked, and names what had to be left out.
    ///
    /// # Errors
    /// It could not be taken over. Nothing of this folder is kept at the end of the call then.
    fn take(&self) -> Result<Vec<String>, ProgramError>;
}

/// Ends what runs from another thread. Clones share one state; once stopped it stays so.
#[derive(Clone, Default)]
pub struct Stop(Arc<Mutex<Stopping>>);

#[derive(Default)]
struct Stopping {
    stopped: bool,
    then: Vec<Box<dyn FnOnce() + Send>>,
}

impl Stop {
    /// Stops. Everything that was given to [`Stop::then`] is done now.
    pub fn stop(&self) {
        let then = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.stopped = true;
            std::mem::take(&mut state.then)
        };
        then.into_iter().for_each(|act| act());
    }

    /// Whether it was stopped.
    pub fn is_stopped(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stopped
    }

    /// Does something as soon as it is stopped; at once where it was.
    pub fn then(&self, act: impl FnOnce() + Send + 'static) {
        {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !state.stopped {
                state.then.push(Box::new(act));
                return;
            }
        }
        act();
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.is_stopped()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Stop;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_stop_is_heard_before_and_after_it() {
        let heard = Arc::new(AtomicU32::new(0));
        let hear = || {
            let heard = heard.clone();
            move || {
                heard.fetch_add(1, Ordering::SeqCst);
            }
        };
        let stop = Stop::default();
        stop.then(hear());
        assert_eq!((stop.is_stopped(), heard.load(Ordering::SeqCst)), (false, 0));
        stop.clone().stop();
        stop.stop();
        assert_eq!((stop.is_stopped(), heard.load(Ordering::SeqCst)), (true, 1));
        stop.then(hear());
        assert_eq!(heard.load(Ordering::SeqCst), 2);
    }
}
