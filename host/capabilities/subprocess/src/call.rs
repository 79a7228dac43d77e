//! The programs of one call: one session for all of them, and folders that both sides see alike.
//!
//! Everything here blocks and runs on threads for that. The host functions of a skill wait for it and may give up waiting;
//! what was begun is then ended here.

use crate::limits::{ENDING, KILLING, LOOK, MAX_NOTES, WATCH};
use crate::seat::SKILL;
use crate::serve::Serving;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use vox_model::Limit;
use vox_model::programs::{
    Command, Finished, Mount, MountAccess, Outlet, ProgramError, ProgramSession, Programs, Running, SessionSetup,
    SharedFolder, Spawned, Status, Stop,
};

/// What a program needs of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// Bytes of memory of all programs together.
    pub(crate) memory: u64,
    /// Ids of devices, in order.
    pub(crate) devices: Vec<String>,
}

/// A granted folder and where programs see it.
pub(crate) struct Seat {
    pub(crate) seat: String,
    pub(crate) folder: Arc<dyn SharedFolder>,
}

/// The programs of one call.
pub(crate) struct Shared {
    pub(crate) programs: Arc<dyn Programs>,
    folders: Vec<Seat>,
    /// The way to the network; none where the skill was granted none.
    outlet: Option<Arc<dyn Outlet>>,
    /// The folder of the skill, where commands of its own run.
    skill: Option<PathBuf>,
    image: Option<String>,
    call: String,
    slot: Mutex<Slot>,
    idle: Condvar,
}

#[derive(Default)]
struct Slot {
    live: Option<Live>,
    /// Programs that run, or whose work is being taken over.
    running: u32,
    /// The call has ended.
    over: bool,
    /// What people have to be told.
    notes: Vec<String>,
}

struct Live {
    session: Arc<dyn ProgramSession>,
    need: Need,
}

impl Shared {
    pub(crate) fn new(
        programs: Arc<dyn Programs>,
        folders: Vec<Seat>,
        serving: &Serving,
        outlet: Option<Arc<dyn Outlet>>,
        call: String,
    ) -> Self {
        let (skill, image) = (serving.folder.clone(), serving.image.clone());
        Self { programs, folders, outlet, skill, image, call, slot: Mutex::default(), idle: Condvar::new() }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session that fits, in which one more program runs until [`Shared::leave`].
    fn enter(&self, need: &Need) -> Result<Arc<dyn ProgramSession>, ProgramError> {
        let mut slot = self.slot();
        if slot.over {
            return Err(ProgramError::Stopped);
        }
        let fits = slot.live.as_ref().is_some_and(|live| live.need == *need);
        let stale = self.folders.iter().any(|seat| seat.folder.stale());
        // What the skill wrote meanwhile is shown as soon as no program runs: a mounted layer cannot be changed.
        if !fits && slot.running > 0 {
            return Err(ProgramError::Invalid(
                "a program with another limit of memory or other devices cannot start while others run: wait for their end"
                    .to_owned(),
            ));
        }
        if !fits || stale && slot.running == 0 {
            if let Some(live) = slot.live.take() {
                live.session.end()?;
            }
            let session = self.start(need)?;
            slot.live = Some(Live { session, need: need.clone() });
        }
        let Some(live) = &slot.live else { return Err(ProgramError::Stopped) };
        let session = live.session.clone();
        slot.running += 1;
        Ok(session)
    }

    fn start(&self, need: &Need) -> Result<Arc<dyn ProgramSession>, ProgramError> {
        let mounts = self.folders.iter().map(|seat| seat.folder.mount(&seat.seat));
        let mut folders: Vec<Mount> = mounts.collect::<Result<_, _>>().map_err(ProgramError::Unavailable)?;
        // Whoever else brings the folder of the skill brings the same one.
        let there = folders.iter().any(|mount| mount.guest == SKILL);
        folders.extend(self.skill.iter().filter(|_| !there).map(|host| Mount {
            host: host.clone(),
            guest: SKILL.to_owned(),
            access: MountAccess::Read,
        }));
        let setup = SessionSetup {
            call: self.call.clone(),
            memory: need.memory,
            folders,
            devices: need.devices.clone(),
            outlet: self.outlet.clone(),
            image: self.image.clone(),
        };
        Ok(self.programs.start(&setup)?.into())
    }

    /// Takes over what programs wrote while they go on.
    pub(crate) fn take_now(&self) -> Result<(), ProgramError> {
        if self.folders.is_empty() { Ok(()) } else { self.take() }
    }

    /// Takes over what programs wrote.
    fn take(&self) -> Result<(), ProgramError> {
        let mut slot = self.slot();
        let mut failed = None;
        for seat in &self.folders {
            match seat.folder.take() {
                Ok(left) => left.into_iter().for_each(|line| note(&mut slot.notes, &line)),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// One program less. A session that failed is not used again.
    fn leave(&self, failed: bool) {
        let mut slot = self.slot();
        slot.running -= 1;
        if failed && slot.running == 0 {
            slot.live = None;
        }
        self.idle.notify_all();
    }

    /// Runs a program to its end; `tell` hears how that was before anybody can take the call for finished.
    pub(crate) fn run(
        &self,
        need: &Need,
        command: &Command,
        stop: &Stop,
        tell: impl FnOnce(&Result<Finished, ProgramError>),
    ) -> Result<Finished, ProgramError> {
        let session = match self.enter(need) {
            Ok(session) => session,
            Err(error) => {
                let done = Err(error);
                tell(&done);
                return done;
            }
        };
        let (ran, over) = self.watched(stop, || session.run(command, stop));
        let taken = self.take();
        let failed = matches!(ran, Err(ProgramError::Unavailable(_)));
        let done = match (over, taken) {
            (Some(text), _) => Err(ProgramError::Limit { limit: Limit::Output, text }),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => ran,
        };
        tell(&done);
        self.leave(failed);
        done
    }

    /// Runs something while the disk is watched; stops it when programs write too much, and says so.
    fn watched<T>(&self, stop: &Stop, run: impl FnOnce() -> T) -> (T, Option<String>) {
        let (ended, waiting) = (Mutex::new(false), Condvar::new());
        std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let mut done = ended.lock().unwrap_or_else(PoisonError::into_inner);
                while !*done {
                    done = waiting.wait_timeout(done, WATCH).unwrap_or_else(PoisonError::into_inner).0;
                    if !*done && let Some(text) = self.over() {
                        stop.stop();
                        return Some(text);
                    }
                }
                None
            });
            let ran = run();
            *ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
            waiting.notify_all();
            (ran, watch.join().unwrap_or_default())
        })
    }

    fn over(&self) -> Option<String> {
        self.folders.iter().find_map(|seat| seat.folder.over())
    }

    /// Starts a program. [`Shared::wait`] has to be called with what it gives.
    pub(crate) fn spawn(&self, need: &Need, command: &Command) -> Result<Spawned, ProgramError> {
        let session = self.enter(need)?;
        session.spawn(command).inspect_err(|error| self.leave(matches!(error, ProgramError::Unavailable(_))))
    }

    /// Waits for the end of a program that was spawned, until its time is over or somebody stops it.
    pub(crate) fn wait(
        &self,
        mut running: Box<dyn Running>,
        until: Instant,
        stop: &Stop,
        tell: impl FnOnce(&Result<Status, ProgramError>),
    ) -> Result<Status, ProgramError> {
        let ended = self.wait_for(&mut *running, until, stop);
        drop(running);
        let taken = self.take();
        let failed = matches!(ended, Err(ProgramError::Unavailable(_)));
        let done = taken.and(ended);
        tell(&done);
        self.leave(failed);
        done
    }

    fn wait_for(&self, running: &mut dyn Running, until: Instant, stop: &Stop) -> Result<Status, ProgramError> {
        let mut looked = Instant::now();
        let mut killed: Option<(Instant, Option<ProgramError>)> = None;
        loop {
            if let Some(status) = running.wait(LOOK)? {
                return killed.and_then(|(_, why)| why).map_or(Ok(status), Err);
            }
            let now = Instant::now();
            match &mut killed {
                Some((when, _)) if now.duration_since(*when) > KILLING => {
                    return Err(ProgramError::Unavailable("a program did not end when it was killed".to_owned()));
                }
                Some(_) => continue,
                None => {}
            }
            let mut over = None;
            if now.duration_since(looked) > WATCH {
                looked = now;
                over = self.over().map(|text| ProgramError::Limit { limit: Limit::Output, text });
            }
            if now >= until {
                let text = "the time limit ended the program".to_owned();
                over = Some(ProgramError::Limit { limit: Limit::Time, text });
            }
            if over.is_some() || stop.is_stopped() {
                running.kill();
                killed = Some((now, over));
            }
        }
    }

    fn wait_idle(&self, time: Duration) {
        drop(self.idle.wait_timeout_while(self.slot(), time, |slot| slot.running > 0));
    }

    /// Ends all programs and what served them, and takes over the last of what they wrote where that is wanted. Gives what
    /// people have to be told.
    pub(crate) fn end(&self, keep: bool) -> Vec<String> {
        self.slot().over = true;
        // Whoever held a program has let go of it, so it is being killed: its end is worth a moment, for the audit.
        self.wait_idle(ENDING);
        let live = self.slot().live.take();
        let ended = live.map_or(Ok(()), |live| live.session.end());
        self.wait_idle(KILLING);
        // Nobody is left who could ask for anything; what is under way is cut and taken down.
        if let Some(outlet) = &self.outlet {
            outlet.end();
        }
        if let Err(error) = ended {
            note(&mut self.slot().notes, &error.to_string());
        }
        // What went wrong was noted by the folder itself, which is then not kept.
        let _ = if keep { self.take() } else { Ok(()) };
        std::mem::take(&mut self.slot().notes)
    }
}

/// Keeps a note, once, and not more than people read.
fn note(notes: &mut Vec<String>, line: &str) {
    let line = vox_cap_log::escape_within(line, 512).text;
    if notes.len() < MAX_NOTES && !notes.contains(&line) {
        notes.push(line);
    }
}
