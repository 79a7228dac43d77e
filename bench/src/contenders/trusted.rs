//! Commands in the process tier, whose confinement was measured.

use crate::contenders::local::{Timed, local};
use crate::runner::Contender;
use anyhow::{Result, anyhow, bail};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};
use vox_model::Limits;
use vox_model::programs::{Command, ProgramSession, Programs, SessionSetup, Status, Stop};
use vox_process::Trusted;

/// The first word that makes `vox` the launcher of the tier.
const LAUNCHER: &str = "__process";

/// The process tier of a release build.
pub struct Processes(Trusted);

impl Processes {
    /// The tier, measured.
    ///
    /// # Errors
    /// It is not offered here.
    pub fn new(vox: PathBuf) -> Result<Self> {
        let trusted = Trusted::new(vox, vec![LAUNCHER.into()]);
        trusted.offer().map_err(|lack| anyhow!("{}; {}", lack.what, lack.fix))?;
        Ok(Self(trusted))
    }

    fn session(&self) -> Result<Box<dyn ProgramSession>> {
        let setup =
            SessionSetup { call: "bench".to_owned(), memory: Limits::default().memory, ..SessionSetup::default() };
        Ok(self.0.start(&setup)?)
    }

    /// A command in a session that runs already.
    ///
    /// # Errors
    /// The session does not start.
    pub fn warm(&self, words: &[&str]) -> Result<Box<dyn Contender>> {
        let (session, command) = (self.session()?, prepared(words));
        Ok(local(move || finish(&*session, &command), |output| output))
    }

    /// A session, one command in it, and the end of the session.
    pub fn cold(self: &Rc<Self>, words: &[&str]) -> Box<dyn Contender> {
        let (processes, command) = (self.clone(), prepared(words));
        Box::new(Timed(move || {
            let start = Instant::now();
            let session = processes.session()?;
            let output = finish(&*session, &command)?;
            session.end()?;
            Ok((start.elapsed(), output))
        }))
    }
}

fn prepared(words: &[&str]) -> Command {
    let time = Duration::from_secs(10);
    Command {
        program: words[0].to_owned(),
        arguments: words[1..].iter().map(|word| (*word).to_owned()).collect(),
        environment: Vec::new(),
        folder: "/".to_owned(),
        input: Vec::new(),
        time,
        cpu: time,
        output: 1 << 20,
    }
}

/// Runs a command that has to go well, and gives what it printed.
fn finish(session: &dyn ProgramSession, command: &Command) -> Result<Vec<u8>> {
    let finished = session.run(command, &Stop::default())?;
    match finished.status {
        Status::Exited(0) => Ok(finished.stdout),
        status => bail!("{} ended with {status}: {}", command.program, String::from_utf8_lossy(&finished.stderr)),
    }
}
