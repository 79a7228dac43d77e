//! What a crash left, finished: forward if all new data is durable, otherwise back.

use super::apply::{Applier, Failed, Hook};
use super::approve::{ApproveError, finish, open_live};
use super::journal::{Journal, Stage};
use super::list::ChangeSet;
use super::store::{JOURNAL, LIST, Store, StoreError, exists};
use crate::overlay::IN_USE;
use crate::sys;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How old a draft has to be before it counts as left behind: the process that makes one locks it a moment later.
const SETTLED: Duration = Duration::from_secs(60);

/// What a recovery did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Change sets whose apply was finished.
    pub forward: Vec<String>,
    /// Change sets whose apply was undone; they wait for approval again.
    pub back: Vec<String>,
    /// Those that could not be finished either way.
    pub stuck: Vec<Stuck>,
    /// Overlays of calls that crashed, thrown away.
    pub drafts: usize,
}

/// An apply that can be neither finished nor undone by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The change set.
    pub set: String,
    /// Why, and what to do.
    pub why: String,
}

impl Store {
    /// Finishes what crashes left: applies go forward if all their data was durable, otherwise back, and overlays of
    /// calls that no longer run are thrown away. To be called when a program starts; can be cut off and called again.
    ///
    /// # Errors
    /// The store cannot be read, or another process is applying changes.
    pub fn recover(&self) -> Result<Recovered, StoreError> {
        self.recover_with(&|_| {})
    }

    pub(crate) fn recover_with(&self, hook: Hook<'_>) -> Result<Recovered, StoreError> {
        let _one = self.lock()?;
        let mut recovered = Recovered::default();
        for name in self.names()? {
            let home = self.sets().join(&name);
            let done = match Journal::load(&home) {
                Ok(None) => {
                    tidy_set(&home).map_err(|source| self.unusable(source))?;
                    continue;
                }
                Ok(Some(journal)) => one(self, &home, &name, journal, hook),
                Err(error) => Err(format!("its journal cannot be read: {error}")),
            };
            match done {
                Ok(true) => recovered.forward.push(name),
                Ok(false) => recovered.back.push(name),
                Err(why) => recovered.stuck.push(Stuck { set: name, why }),
            }
        }
        for name in self.names()? {
            vox_private::tidy(&self.sets().join(name), Duration::ZERO).map_err(|source| self.unusable(source))?;
        }
        recovered.drafts = self.tidy_drafts().map_err(|source| self.unusable(source))?;
        Ok(recovered)
    }

    /// Throws overlays of calls away that no longer run; how many there were.
    pub(crate) fn tidy_drafts(&self) -> io::Result<usize> {
        let mut removed = 0;
        for entry in std::fs::read_dir(self.drafts())? {
            let entry = entry?;
            let settled = entry
                .metadata()
                .and_then(|about| about.modified())
                .is_ok_and(|modified| SystemTime::now().duration_since(modified).is_ok_and(|age| age >= SETTLED));
            if !settled {
                continue;
            }
            // Held until it is gone.
            if let Ok(Some(_held)) = sys::lock_file(&entry.path().join(IN_USE)) {
                sys::remove_tree(&entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// Removes the remains of a change set that was being removed: without a list it is none any more.
fn tidy_set(home: &Path) -> io::Result<()> {
    if exists(&home.join(LIST))? { Ok(()) } else { sys::remove_tree(home) }
}

/// Finishes one apply. Says whether it went forward.
fn one(store: &Store, home: &Path, name: &str, journal: Journal, hook: Hook<'_>) -> Result<bool, String> {
    let set = match store.load_unnamed(home, name) {
        Ok(set) => Some(set),
        // Taken out already.
        Err(StoreError::NotFound(_)) if journal.stage == Stage::Committed => None,
        Err(error) => return Err(error.to_string()),
    };
    let text = |error: &dyn std::fmt::Display| error.to_string();
    // Before the commit the list is the one that was approved; after it, it may be what is left.
    let approved = set.as_ref().filter(|set| set.id.to_string() == journal.set);
    let Some(approved) = approved else {
        if journal.stage != Stage::Committed {
            return Err("its list was altered after the apply began; the originals are still in the folder".to_owned());
        }
        return finish(store, home, set.as_ref(), &journal, hook).map(|()| true).map_err(|error| text(&error));
    };
    let (root, _held) = open_live(&journal.folder, journal.inode).map_err(|error| text(&error))?;
    let mut applier = Applier { home, set: approved, root, journal, hook };
    match applier.journal.stage {
        Stage::Staging => applier.give_up().map(|()| false).map_err(|error| text(&error)),
        Stage::Back => go_back(&applier),
        Stage::Intent => match applier.forward() {
            Ok(()) => {
                applier.enter(Stage::Committed).map_err(|error| text(&error))?;
                tidy(store, home, approved, &applier)
            }
            Err(failed) => {
                let error = applier.turn_back(failed);
                // The journal goes when everything is back.
                let left = exists(&home.join(JOURNAL)).map_err(|error| text(&error))?;
                if left { Err(error.to_string()) } else { Ok(false) }
            }
        },
        Stage::Committed => tidy(store, home, approved, &applier),
    }
}

fn go_back(applier: &Applier<'_>) -> Result<bool, String> {
    let stuck = applier.backward().map_err(|error| error.to_string())?;
    if stuck.is_empty() {
        let given_up = applier.keep_returned().and_then(|()| applier.give_up());
        return given_up.map(|()| false).map_err(|error: Failed| error.to_string());
    }
    let originals = applier.journal.folder.join(applier.journal.old_folder().to_string());
    Err(ApproveError::Stuck { conflicts: stuck, originals }.to_string())
}

fn tidy(store: &Store, home: &Path, set: &ChangeSet, applier: &Applier<'_>) -> Result<bool, String> {
    applier.clear().map_err(|error| error.to_string())?;
    finish(store, home, Some(set), &applier.journal, applier.hook).map(|()| true).map_err(|error| error.to_string())
}
