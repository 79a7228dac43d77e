//! Commands in a container of vox, whose limits were measured, and the same commands with the engine's own `run`.

use crate::contenders::local::{Timed, local};
use crate::contenders::podman;
use crate::contenders::process::Process;
use crate::runner::Contender;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use vox_container::{
    Cancel, Command, Detection, Engine, EngineKind, Profile, Proven, Session, SessionOptions, Status, Surroundings,
    image, probe,
};
use vox_model::programs::Outlet;

/// An engine that was measured, with the image of the sandbox.
pub struct Programs {
    proven: Proven,
    program: PathBuf,
    image: String,
    state: PathBuf,
}

/// What is wrong with an engine; none when it works.
pub fn problem(kind: EngineKind) -> Option<String> {
    Engine::detect(kind, &Surroundings::of(std::env::vars_os())).problem()
}

impl Programs {
    /// Finds the engine and its image, and measures whether the limits hold; nothing is built.
    ///
    /// # Errors
    /// The engine or the image is missing, or a limit does not hold here.
    pub fn new(kind: EngineKind, state: &Path) -> Result<Self> {
        let found = Engine::detect(kind, &Surroundings::of(std::env::vars_os()));
        let Detection::Working(engine) = &found else { bail!("{}", found.problem().unwrap_or_default()) };
        let image = image::existing(engine)?.context("the image of the sandbox is missing: cargo xtask setup")?;
        std::fs::create_dir_all(state)?;
        let proven = probe(engine, &image, &Profile::default(), state)?;
        let program = crate::contenders::process::find(kind.program())?;
        Ok(Self { proven, program, image: image.id().to_owned(), state: state.to_owned() })
    }

    /// A warm container; with a way out where one is given.
    ///
    /// # Errors
    /// It does not start.
    pub fn session(&self, outlet: Option<Arc<dyn Outlet>>) -> Result<Session> {
        let options = SessionOptions { call: "bench".to_owned(), outlet, ..SessionOptions::default() };
        Ok(Session::start(&self.proven, &self.state, &options)?)
    }

    /// A command in a container that runs already.
    ///
    /// # Errors
    /// The container does not start.
    pub fn warm(&self, command: &[&str]) -> Result<Box<dyn Contender>> {
        let (session, cancel, command) = (self.session(None)?, Cancel::new()?, prepared(command));
        Ok(local(move || finish(&session, &command, &cancel), |output| output))
    }

    /// The first command in a new container. Whether the end of the container counts is for the caller to say; it is
    /// waited for in either case.
    pub fn cold(self: &std::rc::Rc<Self>, command: &[&str], with_end: bool) -> Box<dyn Contender> {
        let (programs, command) = (self.clone(), prepared(command));
        Box::new(Timed(move || {
            let cancel = Cancel::new()?;
            let start = Instant::now();
            let session = programs.session(None)?;
            let output = finish(&session, &command, &cancel)?;
            let without_end = start.elapsed();
            session.end()?;
            Ok((if with_end { start.elapsed() } else { without_end }, output))
        }))
    }

    /// A container of the engine's own for each command, of the same image.
    pub fn run(&self, kind: EngineKind, command: &[&str]) -> Box<dyn Contender> {
        let arguments = match kind {
            EngineKind::Podman => podman::run(&self.image, command),
            EngineKind::Docker => {
                let words = ["run", "--rm", "--network", "none", &self.image];
                words.iter().chain(command).map(|word| (*word).to_owned()).collect()
            }
        };
        Process::new(&self.program, arguments).boxed()
    }
}

fn prepared(words: &[&str]) -> Command {
    Command::new(words[0], words[1..].iter().copied())
}

/// Runs a command that has to go well, and gives what it printed.
///
/// # Errors
/// It did not.
pub fn finish(session: &Session, command: &Command, cancel: &Cancel) -> Result<Vec<u8>> {
    let finished = session.run(command, cancel)?;
    match finished.status {
        Status::Exited(0) => Ok(finished.stdout),
        status => bail!("{} ended with {status:?}: {}", command.program, String::from_utf8_lossy(&finished.stderr)),
    }
}
