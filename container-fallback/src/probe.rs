//! Measuring that limits hold. What was not seen to hold is not offered.

mod cache;
mod report;

pub use report::{Report, Shortfall};

use crate::engine::Engine;
use crate::image::Image;
use crate::profile::{Enforcement, Profile};
use crate::session::{RunError, Session, SessionOptions, StartError};
use std::path::Path;

/// Memory of the container that is measured. Small, so that taking twice as much takes little time.
const MEMORY: u64 = 48 << 20;
/// Processes of the container that is measured.
const PROCESSES: u32 = 24;
/// Processes that are tried: the machine bears them where nothing stops them.
const TRIED: u32 = 200;

/// An engine, an image and a profile that were seen to hold on this machine. Only [`probe`] makes it, so a session without
/// a measurement does not compile.
#[derive(Clone, Debug)]
pub struct Proven {
    engine: Engine,
    image: Image,
    profile: Profile,
    runtime: String,
    report: Report,
}

impl Proven {
    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The image.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// The profile of the sessions that are started with this.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The runtime that started the container that was measured.
    pub fn runtime(&self) -> &str {
        &self.runtime
    }

    /// What was measured.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

/// Why containers are not offered.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// No runtime started one.
    #[error("{engine} starts no container here:\n{}", .tried.iter().map(|(name, why)| format!("  with {name}: {why}")).collect::<Vec<_>>().join("\n"))]
    Start {
        /// The engine and its version.
        engine: String,
        /// Each runtime, and why it did not.
        tried: Vec<(String, StartError)>,
    },
    /// Limits were accepted and are not enforced.
    #[error("{engine} does not hold a program here:\n{}", .missing.iter().map(|one| format!("  {one}")).collect::<Vec<_>>().join("\n"))]
    Short {
        /// The engine, its version and the runtime.
        engine: String,
        /// What does not hold.
        missing: Vec<Shortfall>,
    },
    /// The container ended while it was measured.
    #[error("the container ended while it was measured: {0}")]
    Broken(#[from] RunError),
    /// The profile has a limit that no engine can arm.
    #[error(transparent)]
    Profile(#[from] crate::ProfileError),
}

impl ProbeError {
    /// What a person can do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Start { .. } | Self::Broken(_) => {
                "see what the engine says; where crun refuses the control groups of this machine, run \
                 `sudo apt-get install runc`"
            }
            Self::Short { missing, .. } if missing.iter().all(Shortfall::by_cgroups) => {
                "this engine cannot use control groups here, as rootless engines under cgroup v1: start the machine with \
                 `systemd.unified_cgroup_hierarchy=1`, run the engine as root, or accept the weaker profile `rlimits`"
            }
            Self::Short { .. } => "use another engine; there is no profile without this",
            Self::Profile(_) => "choose a limit in the range",
        }
    }
}

/// Measures in one container, or takes the measurement of this run of the machine from `state`.
///
/// The answer is kept for this boot, engine, version, image and profile. A failure is not kept: it may be mended.
///
/// # Errors
/// [`ProbeError`]: no container starts, or something does not hold.
pub fn probe(engine: &Engine, image: &Image, profile: &Profile, state: &Path) -> Result<Proven, ProbeError> {
    profile.check()?;
    let proven = |runtime: String, report: Report| Proven {
        engine: engine.clone(),
        image: image.clone(),
        profile: *profile,
        runtime,
        report,
    };
    let key = cache::key(engine, image, profile);
    if let Some(known) = key.as_deref().and_then(|key| cache::find(state, key)) {
        return Ok(proven(known.runtime, known.report));
    }
    let (runtime, report) = measure(engine, image, profile, state)?;
    let missing = report.missing(profile.enforcement, PROCESSES);
    if !missing.is_empty() {
        let engine = format!("{} {} with {runtime}", engine.kind(), engine.version());
        return Err(ProbeError::Short { engine, missing });
    }
    if let Some(key) = key {
        cache::keep(state, cache::Entry { key, runtime: runtime.clone(), report: report.clone() });
    }
    Ok(proven(runtime, report))
}

/// Starts a container with the first runtime that can and lets it measure itself.
fn measure(engine: &Engine, image: &Image, profile: &Profile, state: &Path) -> Result<(String, Report), ProbeError> {
    // An address space has to hold the program itself, so a limit on it is not made smaller than asked for.
    let memory = match profile.enforcement {
        Enforcement::Cgroups => MEMORY,
        Enforcement::Rlimits => profile.memory,
    };
    let small = Profile { memory, processes: PROCESSES, temporary: 1 << 20, ..*profile };
    let options = SessionOptions { call: "probe".to_owned(), ..SessionOptions::default() };
    let mut tried = Vec::new();
    for runtime in engine.runtimes() {
        // As the owner of folders would run, which is the more dangerous of the two users.
        match Session::start_with(engine, image, runtime, &small, state, &options, true) {
            Ok(session) => {
                let text = session.measure(TRIED, memory.saturating_mul(2))?;
                return Ok((runtime.clone(), Report::read(&String::from_utf8_lossy(&text))));
            }
            Err(error) => tried.push((runtime.clone(), error)),
        }
    }
    Err(ProbeError::Start { engine: format!("{} {}", engine.kind(), engine.version()), tried })
}
