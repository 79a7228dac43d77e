//! The container tier as the rest of vox knows it: what is offered, sessions, devices.

use crate::engine::{Detection, Engine, Surroundings};
use crate::gpu::{self, GpuError};
use crate::image::{self, Image, ImageError};
use crate::pool::Pool;
use crate::probe::{ProbeError, Proven, probe};
use crate::profile::{Enforcement, LEAST_MEMORY, Profile};
use crate::session::{self, Access, Command, Finished, Folder, Process, RunError, Session, SessionOptions, StartError};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use vox_model::Limits;
use vox_model::programs as model;
use vox_model::programs::{Lack, Mount, MountAccess, Offered, ProgramError, Running, SessionSetup, Spawned, Stop};
use vox_pump::Cancel;

/// What a container of the strict profile was seen to hold before it is offered: see [`crate::Shortfall`].
const MEASURED: &str = "measured in a container: memory and processes are capped, there is no network, the root is read-only, \
                        no capabilities, no new privileges, system calls are filtered";

/// What makes the image where there is none.
const MAKE_IMAGE: &str = "run `vox doctor --fix`, which makes it";

/// Runs programs in containers of the first engine that was seen to hold them. Nothing is looked for before somebody asks.
#[derive(Debug)]
pub struct Fallback {
    state: PathBuf,
    surroundings: Surroundings,
    enforcement: Enforcement,
    found: OnceLock<Result<Found, Lack>>,
    /// Images that skills name, by their names. A name by content never means another image.
    named: Mutex<BTreeMap<String, Image>>,
    /// Containers that are started before they are needed.
    ready: usize,
    pool: OnceLock<Arc<Pool>>,
}

/// An engine with an image, in which a container held.
#[derive(Debug)]
struct Found {
    engine: Engine,
    image: Image,
    runtime: String,
}

impl Fallback {
    /// Containers of the strict profile. `state` is a folder of the caller's on a disk of this machine, private to the user.
    pub fn new(state: PathBuf, surroundings: Surroundings) -> Self {
        let (found, named, pool) = (OnceLock::new(), Mutex::default(), OnceLock::new());
        Self { state, surroundings, enforcement: Enforcement::Cgroups, found, named, ready: 0, pool }
    }

    /// Keeps so many containers started ahead, for calls that need neither folders nor devices nor the network nor another
    /// memory limit than the default. For processes that serve many calls: what is started ahead takes memory until it is
    /// used, each is used by one call, and all end with this value.
    #[must_use]
    pub fn with_ready(mut self, containers: usize) -> Self {
        self.ready = containers;
        self
    }

    /// Another profile: only where a person accepted it by name.
    #[must_use]
    pub fn with_enforcement(mut self, enforcement: Enforcement) -> Self {
        self.enforcement = enforcement;
        self
    }

    /// Makes the image for the first engine that works, unless it has one; gives what happened in a sentence. It may take
    /// minutes, and fetches packages.
    ///
    /// # Errors
    /// No engine works, or the image cannot be made.
    pub fn make_image(&self) -> Result<String, Lack> {
        let all = Engine::detect_all(&self.surroundings);
        let engine = all.iter().find_map(Detection::engine).ok_or_else(|| no_engine(&all))?;
        let image = image::ensure(engine, &self.state).map_err(|error| Lack {
            what: error.to_string(),
            fix: match error {
                ImageError::NoBuilder => "run `sudo apt-get install mmdebstrap`, then `vox doctor --fix`".to_owned(),
                _ => "see what the engine says, then run `vox doctor --fix`".to_owned(),
            },
        })?;
        Ok(format!("{} has the image for programs, {}", engine.kind(), image.id()))
    }

    /// Removes what processes that were killed left behind; gives how many containers, volumes and folders that were. It may
    /// be called at any time, and asks the engine only where something is left.
    ///
    /// # Errors
    /// The engine did not answer.
    pub fn tidy(&self) -> Result<usize, crate::EngineError> {
        if !session::forsaken(&self.state).is_ok_and(|left| !left.is_empty()) {
            return Ok(0);
        }
        let Ok(found) = self.found() else { return Ok(0) };
        let reaped = crate::reap(&found.engine, &self.state)?;
        Ok(reaped.containers + reaped.volumes + reaped.folders)
    }

    fn found(&self) -> Result<&Found, Lack> {
        self.found.get_or_init(|| self.look()).as_ref().map_err(Clone::clone)
    }

    fn profile(&self, memory: u64) -> Profile {
        let profile = Profile::of(&Limits { memory, ..Limits::default() });
        // An address space has to hold the program itself and its libraries, not only what it uses. `offer` says the number.
        let memory = if self.enforcement == Enforcement::Rlimits { memory.max(1 << 30) } else { memory };
        Profile { memory: memory.max(LEAST_MEMORY), enforcement: self.enforcement, ..profile }
    }

    /// The first engine that works, has the image, and holds a program.
    fn look(&self) -> Result<Found, Lack> {
        fs::create_dir_all(&self.state).map_err(|error| Lack {
            what: format!("the folder {} cannot be made: {error}", self.state.display()),
            fix: "set VOX_HOME to a folder of yours".to_owned(),
        })?;
        let all = Engine::detect_all(&self.surroundings);
        let mut lacks = Vec::new();
        for engine in all.iter().filter_map(Detection::engine) {
            match self.hold(engine) {
                Ok(found) => return Ok(found),
                Err(lack) => lacks.push(lack),
            }
        }
        match lacks.into_iter().next() {
            // An engine that works and lacks something is nearer than one that is not there.
            Some(lack) => Err(lack),
            None => Err(no_engine(&all)),
        }
    }

    fn hold(&self, engine: &Engine) -> Result<Found, Lack> {
        let image = match image::existing(engine) {
            Ok(Some(image)) => image,
            Ok(None) => {
                let what = format!("{} {} works, but has no image for programs", engine.kind(), engine.version());
                return Err(Lack { what, fix: MAKE_IMAGE.to_owned() });
            }
            Err(error) => {
                return Err(Lack { what: error.to_string(), fix: format!("run `{} images`", engine.kind().program()) });
            }
        };
        match probe(engine, &image, &self.profile(Limits::default().memory), &self.state) {
            Ok(proven) => Ok(Found { engine: engine.clone(), image, runtime: proven.runtime().to_owned() }),
            // What the kernel does not hold for a user cannot be mended by an engine.
            Err(error @ ProbeError::Short { .. }) if self.enforcement == Enforcement::Rlimits => {
                let fix = "run vox as another user than root, or without `--container-profile rlimits`".to_owned();
                Err(Lack { what: error.to_string(), fix })
            }
            Err(error) => Err(Lack { what: error.to_string(), fix: error.help().to_owned() }),
        }
    }

    /// The image of this name in the engine that was found.
    fn named(&self, found: &Found, name: &str) -> Result<Image, Lack> {
        if let Some(image) = self.named.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(image.clone());
        }
        let program = found.engine.kind().program();
        let image = Image::find(&found.engine, name).map_err(|error| match error {
            // Registries know digests of manifests, and an id alone only those who have the image.
            ImageError::Missing { engine, name, .. } => Lack {
                what: format!("{engine} does not have the image {name}"),
                fix: match name.contains('@') {
                    true => format!("run `{program} pull {name}`"),
                    false => format!(
                        "run `{program} load --input FILE`, with the archive that the author of the skill gives"
                    ),
                },
            },
            error => Lack { what: error.to_string(), fix: format!("run `{program} image inspect {name}`") },
        })?;
        self.named.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), image.clone());
        Ok(image)
    }

    fn proven(&self, memory: u64, image: Option<&str>) -> Result<Proven, ProgramError> {
        let lacking = |lack: Lack| ProgramError::Unavailable(lack.told());
        let found = self.found().map_err(lacking)?;
        let image = match image {
            Some(name) => self.named(found, name).map_err(lacking)?,
            None => found.image.clone(),
        };
        probe(&found.engine, &image, &self.profile(memory), &self.state)
            .map_err(|error| ProgramError::Unavailable(format!("{error}; {}", error.help())))
    }

    /// Takes the devices for this process: a file for each, locked as long as the session lives.
    fn hold_devices(&self, devices: &[gpu::Device]) -> Result<Vec<File>, ProgramError> {
        let folder = self.state.join("devices");
        let failed =
            |error: io::Error| ProgramError::Unavailable(format!("{} cannot be used: {error}", folder.display()));
        let mut held = Vec::new();
        for device in devices {
            fs::create_dir_all(&folder).map_err(failed)?;
            let name: String = device.id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
            let file = File::create(folder.join(name)).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => held.push(file),
                Err(fs::TryLockError::WouldBlock) => {
                    let text =
                        format!("the accelerator {} is in use by another call; try again when it has ended", device.id);
                    return Err(ProgramError::Unavailable(text));
                }
                Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Ok(held)
    }
}

/// What is wrong with all engines.
fn no_engine(all: &[Detection]) -> Lack {
    let problems: Vec<String> = all.iter().filter_map(Detection::problem).collect();
    // One that is there and does not work comes before one that would have to be installed.
    let absent = |one: &&Detection| matches!(one, Detection::Absent(_));
    let first = all.iter().find(|one| !absent(one)).or(all.first());
    let fix = first.and_then(Detection::fix).unwrap_or("sudo apt-get install podman runc");
    Lack { what: format!("no container engine works here: {}", problems.join("; ")), fix: format!("run `{fix}`") }
}

impl model::Programs for Fallback {
    fn offer(&self) -> Result<Offered, Lack> {
        let Found { engine, runtime, .. } = self.found()?;
        let weaker = (self.enforcement == Enforcement::Rlimits).then(|| {
            "programs ran under the profile `rlimits`: each process may have an address space of 1 GiB, or the memory of the \
             call where that is more, and processes of this user in all containers are counted together"
                .to_owned()
        });
        Ok(Offered { by: format!("{} {} with {runtime}", engine.kind(), engine.version()), weaker })
    }

    fn told(&self) -> Result<String, String> {
        let Offered { by, weaker } = self.offer().map_err(|lack| lack.told())?;
        Ok(format!("{by}; {}", weaker.as_deref().unwrap_or(MEASURED)))
    }

    fn image(&self, name: &str) -> Result<(), Lack> {
        self.named(self.found()?, name).map(drop)
    }

    fn start(&self, setup: &SessionSetup) -> Result<Box<dyn model::ProgramSession>, ProgramError> {
        // What cannot be removed is no reason to refuse this call: `vox doctor` tells of it.
        let _ = self.tidy();
        let proven = self.proven(setup.memory, setup.image.as_deref())?;
        if self.ready > 0 && is_plain(setup) {
            let pool = || Arc::new(Pool::new(proven.clone(), self.state.clone(), self.ready));
            let pool = self.pool.get_or_init(pool);
            let session = pool.take().map_err(start_error)?;
            pool.fill_soon();
            return Ok(Box::new(Warm { session, _devices: Vec::new() }));
        }
        let devices = match setup.devices.is_empty() {
            true => Vec::new(),
            false => gpu::devices(proven.engine(), Path::new("/"))
                .and_then(|all| gpu::choose(all, &setup.devices))
                .map_err(|error| ProgramError::Unavailable(error.to_string()))?,
        };
        let held = self.hold_devices(&devices)?;
        let folders = setup.folders.iter().map(folder).collect();
        let call = if setup.call.is_empty() { "call".to_owned() } else { setup.call.clone() };
        let options = SessionOptions { call, folders, devices, outlet: setup.outlet.clone() };
        let session = Session::start(&proven, &self.state, &options).map_err(start_error)?;
        Ok(Box::new(Warm { session, _devices: held }))
    }

    fn devices(&self) -> Result<Vec<model::Device>, ProgramError> {
        let found = self.found().map_err(|lack| ProgramError::Unavailable(format!("{}; {}", lack.what, lack.fix)))?;
        match gpu::devices(&found.engine, Path::new("/")) {
            Ok(all) => Ok(all
                .into_iter()
                .map(|gpu::Device { id, vendor, model, memory, .. }| model::Device {
                    id,
                    vendor: vendor.to_owned(),
                    model,
                    memory,
                })
                .collect()),
            Err(GpuError::None) => Ok(Vec::new()),
            Err(error) => Err(ProgramError::Unavailable(error.to_string())),
        }
    }
}

/// Whether a container that knows nothing of the call can serve it.
fn is_plain(setup: &SessionSetup) -> bool {
    let SessionSetup { call: _, memory, folders, devices, outlet, image } = setup;
    let nothing = folders.is_empty() && devices.is_empty() && outlet.is_none() && image.is_none();
    nothing && *memory == Limits::default().memory
}

fn folder(mount: &Mount) -> Folder {
    let access = match &mount.access {
        MountAccess::Read => Access::Read,
        MountAccess::Write { upper, work } => Access::Write { upper: upper.clone(), work: work.clone() },
        MountAccess::Direct => Access::Direct,
    };
    Folder { host: mount.host.clone(), guest: mount.guest.clone(), access }
}

fn start_error(error: StartError) -> ProgramError {
    match error {
        StartError::Folder(text) | StartError::Name(text) => ProgramError::Invalid(text),
        error => ProgramError::Unavailable(error.to_string()),
    }
}

/// A session of one call.
struct Warm {
    session: Session,
    /// Locked as long as this lives.
    _devices: Vec<File>,
}

fn command(session: &Session, asked: &model::Command) -> Command {
    let mut environment = session.environment();
    for (name, value) in &asked.environment {
        environment.retain(|(known, _)| known != name);
        environment.push((name.clone(), value.clone()));
    }
    Command {
        program: asked.program.clone(),
        arguments: asked.arguments.clone(),
        environment,
        folder: asked.folder.clone(),
        input: asked.input.clone(),
        time: asked.time,
        cpu: Some(asked.cpu),
        output: asked.output,
    }
}

fn run_error(error: RunError) -> ProgramError {
    let text = error.to_string();
    match error {
        RunError::NotFound(_) => ProgramError::NotFound(text),
        RunError::NotRunnable { .. } | RunError::WorkingFolder { .. } | RunError::Invalid(_) => {
            ProgramError::Invalid(text)
        }
        RunError::Limit { limit, .. } => ProgramError::Limit { limit, text },
        RunError::Busy(_) => ProgramError::Limit { limit: vox_model::Limit::Handles, text },
        RunError::Cancelled => ProgramError::Stopped,
        RunError::Over | RunError::System(_) => ProgramError::Unavailable(text),
    }
}

fn status(status: session::Status) -> model::Status {
    match status {
        session::Status::Exited(code) => model::Status::Exited(code),
        session::Status::Signalled(number) => model::Status::Signalled(number),
    }
}

impl model::ProgramSession for Warm {
    fn run(&self, asked: &model::Command, stop: &Stop) -> Result<model::Finished, ProgramError> {
        let cancel = Cancel::new().map_err(|error| ProgramError::Unavailable(error.to_string()))?;
        let later = cancel.clone();
        stop.then(move || later.cancel());
        let Finished { status: ended, stdout, stderr, stdout_lost, stderr_lost, .. } =
            self.session.run(&command(&self.session, asked), &cancel).map_err(run_error)?;
        Ok(model::Finished { status: status(ended), stdout, stderr, stdout_lost, stderr_lost })
    }

    fn spawn(&self, asked: &model::Command) -> Result<Spawned, ProgramError> {
        let mut process = self.session.spawn(&command(&self.session, asked)).map_err(run_error)?;
        match (process.stdin.take(), process.stdout.take(), process.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => {
                Ok(Spawned { stdin, stdout, stderr, running: Box::new(Going(process)) })
            }
            _ => Err(ProgramError::Unavailable("a program was started without its pipes".to_owned())),
        }
    }

    fn end(&self) -> Result<(), ProgramError> {
        self.session.close().map_err(|error| ProgramError::Unavailable(error.to_string()))
    }
}

/// A program that runs.
struct Going(Process);

impl Running for Going {
    fn wait(&mut self, time: Duration) -> Result<Option<model::Status>, ProgramError> {
        Ok(self.0.wait(time).map_err(run_error)?.map(status))
    }

    fn kill(&mut self) {
        self.0.kill();
    }
}
