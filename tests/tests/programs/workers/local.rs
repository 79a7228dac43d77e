//! Programs as plain processes of this machine: no container, no limits. For what does not depend on either.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use vox_model::programs::{
    Command, Device, Finished, Lack, Offered, Pipe, ProgramError, ProgramSession, Programs, Running, SessionSetup,
    Spawned, Status, Stop,
};

/// Runs programs beside the tests.
#[derive(Debug)]
pub struct Local;

struct Session {
    /// What programs would see as `/skill`.
    skill: PathBuf,
}

struct Going(Child);

fn unavailable(error: impl std::fmt::Display) -> ProgramError {
    ProgramError::Unavailable(error.to_string())
}

impl Programs for Local {
    fn offer(&self) -> Result<Offered, Lack> {
        Ok(Offered { by: "this machine itself".to_owned(), weaker: None })
    }

    fn start(&self, setup: &SessionSetup) -> Result<Box<dyn ProgramSession>, ProgramError> {
        let skill = setup.folders.iter().find(|mount| mount.guest == "/skill");
        let skill = skill.ok_or_else(|| unavailable("no folder of the skill is mounted"))?.host.clone();
        Ok(Box::new(Session { skill }))
    }

    fn devices(&self) -> Result<Vec<Device>, ProgramError> {
        Ok(Vec::new())
    }
}

impl ProgramSession for Session {
    fn run(&self, _: &Command, _: &Stop) -> Result<Finished, ProgramError> {
        Err(unavailable("the tests run no programs to their end here"))
    }

    fn spawn(&self, command: &Command) -> Result<Spawned, ProgramError> {
        let skill = self.skill.to_string_lossy();
        let arguments = command.arguments.iter().map(|word| word.replace("/skill", &skill));
        // A group of its own: what it forks is killed with it.
        let mut child = std::process::Command::new(&command.program)
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| ProgramError::NotFound(format!("{}: {error}", command.program)))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else { return Err(unavailable("a pipe is missing")) };
        let (stdin, stdout, stderr) = (Pipe::from(stdin), Pipe::from(stdout), Pipe::from(stderr));
        Ok(Spawned { stdin, stdout, stderr, running: Box::new(Going(child)) })
    }

    fn end(&self) -> Result<(), ProgramError> {
        Ok(())
    }
}

fn status(status: ExitStatus) -> Status {
    use std::os::unix::process::ExitStatusExt as _;
    match status.code() {
        Some(code) => Status::Exited(code as u8),
        None => Status::Signalled(status.signal().unwrap_or_default() as u8),
    }
}

impl Running for Going {
    fn wait(&mut self, time: Duration) -> Result<Option<Status>, ProgramError> {
        let until = Instant::now() + time;
        loop {
            if let Some(ended) = self.0.try_wait().map_err(unavailable)? {
                return Ok(Some(status(ended)));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn kill(&mut self) {
        if let Some(group) = rustix::process::Pid::from_raw(self.0.id() as i32) {
            // Nobody is left in it where it has ended.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.kill();
        let _ = self.0.wait();
    }
}
