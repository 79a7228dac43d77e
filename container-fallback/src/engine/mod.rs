//! Podman and Docker, driven by their command lines.

mod detect;
mod run;

pub use detect::Detection;
pub use run::EngineError;
pub(crate) use run::Ran;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// Podman: no daemon.
    Podman,
    /// Docker: a client and a daemon.
    Docker,
}

impl EngineKind {
    /// In the order in which they are tried.
    pub const ALL: [Self; 2] = [Self::Podman, Self::Docker];

    /// The name of the program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Podman => "Podman",
            Self::Docker => "Docker",
        })
    }
}

/// What engines may see of the environment. Everything else is kept from them: proxies, which they would pass on into
/// containers, addresses of remote engines, secrets.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    kept: Vec<(OsString, OsString)>,
}

/// The variables that engines need to find their files, helpers and sockets.
const KEPT: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "CONTAINERS_CONF",
    "CONTAINERS_STORAGE_CONF",
    "DOCKER_CONFIG",
    "DOCKER_HOST",
];

impl Surroundings {
    /// Takes what engines need out of an environment. `DOCKER_HOST` counts only as a socket of this machine: containers
    /// have to share its kernel.
    pub fn of(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let local = |value: &OsStr| value.to_string_lossy().starts_with("unix://");
        let kept = environment
            .into_iter()
            .filter(|(name, value)| KEPT.iter().any(|kept| name == kept) && (name != "DOCKER_HOST" || local(value)))
            .collect();
        Self { kept }
    }

    /// The program of this name on the search path.
    pub(crate) fn find(&self, program: &str) -> Option<PathBuf> {
        let (_, path) = self.kept.iter().find(|(name, _)| name == "PATH")?;
        std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(program))
            .find(|file| file.is_file())
    }
}

/// An engine that answered.
#[derive(Clone, Debug)]
pub struct Engine {
    kind: EngineKind,
    program: PathBuf,
    surroundings: Arc<Surroundings>,
    version: String,
    rootless: bool,
    runtimes: Vec<String>,
}

/// Long enough for a busy machine, short enough for a person who waits.
const ORDINARY: Duration = Duration::from_secs(30);

impl Engine {
    /// Which one it is.
    pub fn kind(&self) -> EngineKind {
        self.kind
    }

    /// Its version, as it says.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether its containers have no rights of root on this machine at all.
    pub fn rootless(&self) -> bool {
        self.rootless
    }

    /// The runtimes that may start containers, the configured one first. Which one does is measured by the probe.
    pub fn runtimes(&self) -> &[String] {
        &self.runtimes
    }

    /// Runs a command of the engine to its end.
    pub(crate) fn run<I>(&self, arguments: I) -> Result<Ran, EngineError>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        self.run_within(arguments, ORDINARY)
    }

    /// Runs a command of the engine that may take so long.
    pub(crate) fn run_within<I>(&self, arguments: I, time: Duration) -> Result<Ran, EngineError>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        run::run(&self.program, &self.surroundings, &arguments, time)
    }

    /// Removes a container with its anonymous volumes, whatever state it is in. That there is none is no error.
    pub(crate) fn remove(&self, container: &str) -> Result<(), EngineError> {
        let removed = self.run(["rm", "--force", "--volumes", "--", container])?;
        // Both engines fail when the container is going away by itself at this moment, and older ones when it has gone.
        let gone = ["no such container", "no container with", "already in progress", "not found"];
        let said = removed.said.to_lowercase();
        if removed.success || gone.iter().any(|words| said.contains(words)) {
            return Ok(());
        }
        Err(removed.failed())
    }

    /// A path of a helper program, as engines see it.
    pub(crate) fn helper(&self, program: &str) -> Option<PathBuf> {
        self.surroundings.find(program)
    }

    /// Runs a helper program with the same environment.
    pub(crate) fn run_helper(
        &self,
        program: &std::path::Path,
        arguments: &[OsString],
        time: Duration,
    ) -> Result<Ran, EngineError> {
        run::run(program, &self.surroundings, arguments, time)
    }
}
