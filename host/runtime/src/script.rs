//! Running a script: the same grants, folders, limits and audit as a component, around an interpreter in a container.

use crate::decide::Admitted;
use crate::host::{Host, OpenError, Shared};
use crate::program::{guarded, went_well};
use crate::scripts::Listed;
use crate::watch::{Denials, Told, Watched};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;
use vox_capabilities::base::{Invocation, Sink};
use vox_capabilities::subprocess::{Order, Serving};
use vox_capabilities::{CallData, Finished, Setup};
use vox_model::programs::{Mount, MountAccess, ProgramError, SharedFolder, Status, Stop};
use vox_model::{Effects, Failure, Outcome, Output, Plan, Usage};
use vox_scripts::{SEAT, Tree};

/// A script that may run.
pub struct Script {
    shared: Arc<Shared>,
    admitted: Admitted,
}

/// What a run of a script brings.
#[derive(Default)]
pub struct ScriptCall {
    /// Arguments, without the script's own name.
    pub arguments: Vec<String>,
    /// Standard input, whole.
    pub input: Vec<u8>,
    /// Variables that it gets besides the fixed ones; each has to be granted.
    pub environment: Vec<(String, String)>,
    /// Where standard output goes as it is written, instead of into the outcome.
    pub stdout: Option<Box<dyn io::Write + Send>>,
    /// Where standard error goes as it is written, instead of into the outcome.
    pub stderr: Option<Box<dyn io::Write + Send>>,
    /// Who watches: takes effects down, and may take grants back while the script runs.
    pub watched: Option<Watched>,
    /// Ends the run from another thread.
    pub stop: Stop,
}

impl Host {
    /// A script that was admitted: see [`Host::inspect_script`] and [`decide`](crate::decide()).
    ///
    /// # Errors
    /// The skill was admitted without a script, or with one that is a component.
    pub fn script(&self, admitted: Admitted) -> Result<Script, OpenError> {
        let skill = admitted.skill();
        match skill.script().is_some_and(|script| script.asked.interpreter.is_some()) {
            true => Ok(Script { shared: self.shared().clone(), admitted }),
            false => Err(OpenError::Content {
                name: skill.artifact().name.clone(),
                reason: "no script of it was chosen that an interpreter runs".to_owned(),
            }),
        }
    }
}

impl Script {
    /// The decision it runs under.
    pub fn plan(&self) -> &Plan {
        self.admitted.plan()
    }

    /// Runs it in a fresh container with every limit armed. Blocks until it ended.
    ///
    /// An exit status other than 0 is [`Failure::Exit`]; a signal counts as 128 and its number, as shells have it.
    pub fn run(&self, call: ScriptCall) -> Outcome {
        let mut outcome = Outcome::nothing();
        guarded(&mut outcome, |outcome| self.run_into(call, outcome));
        outcome
    }

    fn run_into(&self, call: ScriptCall, outcome: &mut Outcome) -> Result<(), Failure> {
        let started = Instant::now();
        let (skill, limits) = (self.admitted.skill(), self.plan().limits);
        let missing = || Failure::Host("a script was admitted and is not there".to_owned());
        let listed = skill.script().ok_or_else(missing)?;
        let scripts = skill.scripts().ok_or_else(missing)?;
        let services = &self.shared.services;
        let root = services.scripts.as_deref();
        let root = root.ok_or_else(|| Failure::Setup("this host has no folder for scripts to lie in".to_owned()))?;
        let laid = Laid::new(root, scripts.tree())
            .map_err(|error| Failure::Setup(format!("the script cannot be laid out in {}: {error}", root.display())))?;
        let cap = limits.output;
        let sink = |to: Option<Box<dyn io::Write + Send>>| to.map_or_else(|| Sink::keep(cap), |to| Sink::pass(cap, to));
        let streams = (sink(call.stdout), sink(call.stderr));
        let (stdout, stderr) = streams.clone();
        let denials = Denials::new(call.watched);
        // Clients of the network belong to the thread that moves them.
        let runtime = self.shared.reactors.shared()?;
        let entered = runtime.enter();
        let setup = Setup {
            invocation: Invocation::default(),
            streams,
            granted: self.admitted.granted(),
            requests: skill.requests(),
            serving: Serving::default(),
            services,
            scope: denials.scope((&skill.package, skill.digest())),
            limits,
            until: started.checked_add(limits.time).unwrap_or(started),
            beside: vec![Arc::new(laid)],
        };
        let mut data = CallData::new((), setup).map_err(|error| Failure::Setup(error.to_string()))?;
        drop(entered);
        let order = order(listed, call.arguments, call.input, call.environment);
        let how = data.run_program(order, &call.stop);
        outcome.result = if call.stop.is_stopped() { Err(Failure::Cancelled) } else { ended(how) };
        let ((stdout, lost_out), (stderr, lost_err)) = (stdout.take(), stderr.take());
        outcome.output = Output { stdout, stderr, lost: lost_out + lost_err };
        outcome.usage = Usage { time: started.elapsed(), memory: 0 };
        let Finished { changes, lost, no_folder, notes } = data.finish(went_well(outcome));
        let Told { denied, failed } = denials.take();
        outcome.effects = Effects { changes, lost, denied, failed, no_folder, notes };
        Ok(())
    }
}

/// The command that runs a script: its interpreter with the file, then the arguments.
fn order(listed: &Listed, arguments: Vec<String>, input: Vec<u8>, environment: Vec<(String, String)>) -> Order {
    let file = format!("{SEAT}/{}", listed.asked.path);
    let program = listed.asked.interpreter.clone().unwrap_or_default();
    Order { program, arguments: std::iter::once(file).chain(arguments).collect(), environment, input }
}

fn ended(how: Result<Status, ProgramError>) -> Result<Option<vox_model::Value>, Failure> {
    match how {
        Ok(Status::Exited(0)) => Ok(None),
        Ok(Status::Exited(code)) => Err(Failure::Exit(code)),
        Ok(Status::Signalled(number)) => Err(Failure::Exit(number.saturating_add(128))),
        Err(ProgramError::Limit { limit, text }) => Err(Failure::Limit { limit, detail: text }),
        Err(ProgramError::Stopped) => Err(Failure::Cancelled),
        Err(error) => Err(Failure::Setup(error.to_string())),
    }
}

/// A skill folder as it was inspected, in a place of ours, for programs to read: whoever changes the skill's own folder
/// meanwhile changes nothing of the run.
struct Laid {
    place: PathBuf,
    /// Removed at the end.
    _folder: TempDir,
    /// Locked as long as this lives, so that nobody takes it for one that a killed process left.
    _lock: File,
}

impl Laid {
    fn new(root: &Path, tree: &Tree) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        let root = fs::canonicalize(root)?;
        // Held while others are looked at and this one is made: nothing is seen that is not locked yet.
        let all = File::open(&root)?;
        all.lock()?;
        tidy(&root);
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&root)?;
        let lock = File::open(folder.path())?;
        lock.lock()?;
        drop(all);
        let place = folder.path().join("skill");
        fs::DirBuilder::new().mode(0o755).create(&place)?;
        tree.lay(&place)?;
        Ok(Self { place, _folder: folder, _lock: lock })
    }
}

/// Removes what processes that were killed left behind. What cannot be removed is tried again the next time.
fn tidy(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let path = entry.path();
        if File::open(&path).is_ok_and(|folder| folder.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

impl SharedFolder for Laid {
    fn guest(&self) -> &str {
        SEAT
    }

    fn mount(&self, guest: &str) -> Result<Mount, String> {
        Ok(Mount { host: self.place.clone(), guest: guest.to_owned(), access: MountAccess::Read })
    }

    fn stale(&self) -> bool {
        false
    }

    fn over(&self) -> Option<String> {
        None
    }

    fn take(&self) -> Result<Vec<String>, ProgramError> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vox_scripts::Entry;

    fn tree() -> Tree {
        let bytes = b"print(1)".to_vec();
        Tree::of(vec![Entry { path: "scripts/a.py".to_owned(), executable: true, bytes }])
    }

    #[test]
    fn what_was_read_is_laid_out_and_goes_with_the_run() {
        let root = tempfile::tempdir().unwrap();
        let laid = Laid::new(root.path(), &tree()).unwrap();
        let mount = laid.mount(laid.guest()).unwrap();
        assert_eq!((mount.guest.as_str(), mount.access), ("/skill", MountAccess::Read));
        assert_eq!(Tree::read(&mount.host).unwrap().digest(), tree().digest());
        drop(laid);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_runs_is_not() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("run-left/skill")).unwrap();
        let first = Laid::new(root.path(), &tree()).unwrap();
        assert!(!root.path().join("run-left").exists());
        let second = Laid::new(root.path(), &tree()).unwrap();
        assert!(first.place.join("scripts/a.py").exists() && second.place.join("scripts/a.py").exists());
    }
}
