//! One warm container for one call.

mod argv;
mod command;
mod folder;
mod memory;
mod outlet;
mod process;
mod scratch;

pub(crate) use argv::{BOOT, OWNER};
pub use command::{Command, Finished, RunError, Status, environment};
pub use folder::{Access, Folder};
pub use process::Process;
pub(crate) use scratch::{forsaken, sweep};

use crate::engine::{Engine, EngineError};
use crate::gpu::Device;
use crate::image::Image;
use crate::owner;
use crate::probe::Proven;
use crate::profile::{Profile, ProfileError};
use crate::wire::Header;
use argv::Start;
use memory::Kills;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use scratch::Scratch;
use std::io::{self, IoSlice, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use vox_model::programs::Outlet;
use vox_pump::{Cancel, Sink, Stream};

/// How long a container may take to start: engines take a third of a second, a busy machine much longer.
const STARTING: Duration = Duration::from_secs(60);
/// How long the agent may take to connect once the engine says that the container runs.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long the first process may take to end after its socket was closed.
const ENDING: Duration = Duration::from_secs(3);

/// What a session is made with, besides what was proven.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// Names the call in the container's label: letters, digits, `.`, `_` and `-`.
    pub call: String,
    /// The folders that programs see. Without any, they run as a user who owns nothing.
    pub folders: Vec<Folder>,
    /// The devices that are attached.
    pub devices: Vec<Device>,
    /// Takes what programs say to the outside. Without one nothing listens in the container.
    pub outlet: Option<Arc<dyn Outlet>>,
}

impl SessionOptions {
    /// Checks what can be known before an engine is asked, as [`Session::start`] does.
    ///
    /// # Errors
    /// The name of the call or a folder cannot be given to a container.
    pub fn check(&self) -> Result<(), StartError> {
        self.checked().map(drop)
    }

    fn checked(&self) -> Result<Vec<folder::Checked<'_>>, StartError> {
        crate::check::word(&self.call).map_err(StartError::Name)?;
        folder::check(&self.folders)
    }
}

/// Why there is no session. Nothing of it is left then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The call has no proper name, or the image none by content.
    #[error("{0}")]
    Name(String),
    /// A folder cannot be given to a container.
    #[error("{0}")]
    Folder(String),
    /// A folder cannot be given to a container for writing.
    #[error("writes cannot be staged here: {0}")]
    Overlay(String),
    /// The state folder cannot be used.
    #[error("{0}")]
    Scratch(String),
    /// A limit that no engine can arm.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// There is no agent for this system.
    #[error("programs in containers need Linux on x86-64")]
    NoAgent,
    /// The engine did not start it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The container runs, but not here.
    #[error(
        "the container started, but its agent did not connect within {} s: the engine has to run on this machine, not behind \
         a network or in a virtual machine",
        CONNECTING.as_secs()
    )]
    Elsewhere,
    /// Nothing listens in the container, although programs were granted a way out.
    #[error(
        "the container started, but nothing can listen on its loopback, so its programs have no way to the network"
    )]
    Outlet,
    /// What programs have to trust cannot be made.
    #[error("programs cannot be given a way to the network: {0}")]
    Trust(String),
    /// Something of the system failed.
    #[error("a container could not be set up: {0}")]
    System(#[from] io::Error),
}

/// A warm container. Dropping it ends everything in it.
#[derive(Debug)]
pub struct Session {
    inner: Arc<Inner>,
}

/// What a session shares with the processes that it started.
#[derive(Debug)]
struct Inner {
    engine: Engine,
    name: String,
    profile: Profile,
    socket: Mutex<UnixStream>,
    /// The first process of the container, where its number is known in this view of the system.
    init: Option<OwnedFd>,
    kills: Kills,
    next: AtomicU32,
    over: AtomicBool,
    /// By which programs find the way out.
    variables: Vec<(String, String)>,
}

impl Session {
    /// Starts a container; it takes as long as the engine takes, 0.2 to 0.4 s.
    ///
    /// `state` is a folder of the caller's on a disk of this machine, private to the user, with a plain name.
    ///
    /// # Errors
    /// [`StartError`] says what stands in the way.
    pub fn start(proven: &Proven, state: &Path, options: &SessionOptions) -> Result<Self, StartError> {
        let as_owner = !options.folders.is_empty();
        Self::start_with(proven.engine(), proven.image(), proven.runtime(), proven.profile(), state, options, as_owner)
    }

    #[allow(clippy::too_many_arguments, reason = "the probe starts a session before there is a `Proven`")]
    pub(crate) fn start_with(
        engine: &Engine,
        image: &Image,
        runtime: &str,
        profile: &Profile,
        state: &Path,
        options: &SessionOptions,
        as_owner: bool,
    ) -> Result<Self, StartError> {
        profile.check()?;
        let folders = options.checked()?;
        let trust = options.outlet.as_ref().map(|outlet| outlet.trust()).transpose().map_err(StartError::Trust)?;
        let (scratch, listener) = Scratch::make(state, &folders, trust.as_deref())?;
        let boot = owner::boot()?;
        let start = Start {
            kind: engine.kind(),
            rootless: engine.rootless(),
            runtime,
            image: image.id(),
            profile,
            scratch: &scratch,
            folders: &folders,
            devices: &options.devices,
            call: &options.call,
            boot: &boot,
            as_owner,
            outlet: options.outlet.is_some(),
        };
        let started = engine.run_within(start.arguments(), STARTING).and_then(|ran| ran.succeeded());
        let connected = started.map_err(StartError::from).and_then(|_| connected(&listener));
        let connected = connected.and_then(|(socket, init)| {
            options.outlet.clone().map_or(Ok(()), |outlet| outlet::open(&socket, outlet))?;
            Ok((socket, init))
        });
        let (socket, init) = match connected {
            Ok(connected) => connected,
            Err(error) => {
                // The engine may have made the container and failed later. The first error is the one to tell.
                let _ = engine.remove(&scratch.name);
                return Err(error);
            }
        };
        let (init, kills) = match init {
            Some(pid) => (pidfd_open(pid, PidfdFlags::empty()).ok(), Kills::of(pid)),
            None => (None, Kills::unknown()),
        };
        // The container holds what it needs; the links and the socket's name are of no use from here on.
        let name = scratch.name.clone();
        drop(scratch);
        let inner = Inner {
            engine: engine.clone(),
            name,
            profile: *profile,
            socket: Mutex::new(socket),
            init,
            kills,
            next: AtomicU32::new(1),
            over: AtomicBool::new(false),
            variables: options.outlet.as_ref().map(|outlet| outlet::variables(&**outlet)).unwrap_or_default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The variables that programs of this session expect: [`environment`], and those by which they find the way out
    /// where there is one.
    pub fn environment(&self) -> Vec<(String, String)> {
        let mut all = environment();
        all.extend(self.inner.variables.iter().cloned());
        all
    }

    /// Runs a program to its end and keeps what it prints, up to the limit of the command.
    ///
    /// # Errors
    /// [`RunError`]. The session stays usable after every error but [`RunError::Over`].
    pub fn run(&self, command: &Command, cancel: &Cancel) -> Result<Finished, RunError> {
        self.run_with(command, cancel, None)
    }

    /// Runs a program to its end and gives away what it prints as it comes, up to the limit of the command.
    ///
    /// # Errors
    /// As for [`Session::run`].
    pub fn run_streamed(
        &self,
        command: &Command,
        cancel: &Cancel,
        sink: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<Finished, RunError> {
        self.run_with(command, cancel, Some(sink))
    }

    fn run_with<'a>(
        &self,
        command: &'a Command,
        cancel: &Cancel,
        sink: Option<Sink<'a>>,
    ) -> Result<Finished, RunError> {
        let prepared = command.prepare(&self.inner.profile)?;
        process::run(&self.inner, &prepared, command, cancel, sink)
    }

    /// Starts a program and comes back at once, with its pipes. The input of the command has to be empty: write into the
    /// pipe instead. Its time and output limits are for the caller to keep.
    ///
    /// # Errors
    /// As for [`Session::run`].
    pub fn spawn(&self, command: &Command) -> Result<Process, RunError> {
        if !command.input.is_empty() {
            return Err(RunError::Invalid("a program that is started with pipes takes its input from them".to_owned()));
        }
        Process::start(&self.inner, &command.prepare(&self.inner.profile)?)
    }

    /// Ends everything in the container and waits until it is gone. After that the upper folders no longer change.
    ///
    /// # Errors
    /// The engine could not remove it. What is left is found by [`reap`](crate::reap).
    pub fn end(self) -> Result<(), EngineError> {
        self.inner.end()
    }

    /// [`Session::end`] for a session that others hold as well.
    pub(crate) fn close(&self) -> Result<(), EngineError> {
        self.inner.end()
    }

    /// Whether the container still runs, as far as the kernel says.
    pub(crate) fn alive(&self) -> bool {
        let gone = self.inner.init.as_ref().map(|init| ready(init.as_fd(), Duration::ZERO));
        !matches!(gone, Some(Ok(true)))
    }

    /// Lets the agent measure the container from within; only the probe does that.
    pub(crate) fn measure(&self, processes: u32, memory: u64) -> Result<Vec<u8>, RunError> {
        process::measure(&self.inner, processes, memory)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Nobody is there to hear of it; the label stays for the next sweep.
        let _ = self.inner.end();
    }
}

impl Inner {
    /// Sends a request with its descriptors.
    fn send(&self, header: &Header, body: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let mut space = [const { std::mem::MaybeUninit::uninit() }; rustix::cmsg_space!(ScmRights(4))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(io::Error::other("there are more descriptors than a request has"));
        }
        let bytes = header.encode();
        // NOSIGNAL: that the agent is gone is an error here, not the end of the process.
        let sent = sendmsg(&*socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)?;
        socket.write_all(&bytes[sent..])?;
        socket.write_all(body)
    }

    /// Asks for the end of a command.
    fn kill(&self, id: u32) -> io::Result<()> {
        let header = Header { kind: crate::wire::KILL, id, ..Header::default() };
        self.send(&header, &[], &[])
    }

    /// Ends the container. Only the first call does anything.
    fn end(&self) -> Result<(), EngineError> {
        if self.over.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let closed = self.socket.lock().unwrap_or_else(PoisonError::into_inner).shutdown(Shutdown::Both);
        let Some(init) = &self.init else {
            return self.engine.remove(&self.name);
        };
        // The agent exits at the end of file, and the kernel kills the rest of its process namespace before the
        // descriptor of the process becomes readable. The engine removes its records by itself (`--rm`).
        if closed.is_ok() && ready(init.as_fd(), ENDING)? {
            return Ok(());
        }
        let _ = pidfd_send_signal(init, Signal::KILL);
        self.engine.remove(&self.name)
    }
}

/// Waits for a descriptor to become readable.
fn ready(fd: BorrowedFd<'_>, time: Duration) -> Result<bool, EngineError> {
    vox_pump::ready(fd, time).map_err(|error| EngineError::Odd(format!("waiting for a container failed: {error}")))
}

/// Waits for the agent, once: nobody else can connect after it.
fn connected(listener: &UnixListener) -> Result<(UnixStream, Option<Pid>), StartError> {
    if !ready(listener.as_fd(), CONNECTING)? {
        return Err(StartError::Elsewhere);
    }
    let (socket, _) = listener.accept()?;
    socket.set_nonblocking(false)?;
    // A request fits into the socket's buffer unless the agent has stopped reading.
    socket.set_write_timeout(Some(ENDING))?;
    let pid = rustix::net::sockopt::socket_peercred(&socket).ok().map(|peer| peer.pid);
    Ok((socket, pid))
}
