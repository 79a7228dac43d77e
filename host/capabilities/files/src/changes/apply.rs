//! Changing the live folder so that after any crash it is wholly old or wholly new.
//!
//! 1. *Staging*: new data is copied to `.vox-ID/new` at the folder's root, on its file system, checked against the
//!    list's digests while it is copied, and made durable.
//! 2. *Intent*: that is written down, durably. From here on a crash goes forward.
//! 3. Names change, by rename only and never over anything: originals move to `.vox-ID/old`, where they are compared
//!    once more with what was checked; new data moves into place. Parents are walked without following a link.
//! 4. Directories are made durable, then *committed* is written down.
//! 5. `.vox-ID` is removed, and the change set, or what was approved of it.
//!
//! Each rename can be seen to have happened or not, so any part can be done again. Something in the way between 2 and 4
//! turns it all *back*.

use super::Conflict;
use super::journal::{Journal, Stage};
use super::list::{After, Change, ChangeSet};
use super::steps::{Step, steps};
use crate::sys::{self, Access, Look, Root, Stamp};
use crate::tree::{FsError, FsResult, Kind, Place};
use std::collections::BTreeSet;
use std::path::Path;

/// Called before each step that changes something: tests stop there.
pub(crate) type Hook<'a> = &'a dyn Fn(&Event<'_>);

/// What is about to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// Something is made.
    Make(&'a Place),
    /// A file is made durable.
    Sync(&'a Place),
    /// A directory's entries are made durable.
    SyncDirectory(&'a Place),
    /// Something moves.
    Move(&'a Place, &'a Place),
    /// Something is removed for good.
    Remove(&'a Place),
    /// The journal goes on.
    Journal(Stage),
    /// The store changes.
    Store(&'static str),
}

/// Why names could not be changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("{0}")]
    Conflict(Conflict),
    #[error("the staged data of {0} is not what was sealed")]
    Altered(String),
    #[error("{0}: {1}")]
    At(String, FsError),
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// One apply of one change set to its folder.
pub(super) struct Applier<'a> {
    /// The change set's folder in the store.
    pub(super) home: &'a Path,
    pub(super) set: &'a ChangeSet,
    pub(super) root: Root,
    pub(super) journal: Journal,
    pub(super) hook: Hook<'a>,
}

impl Applier<'_> {
    fn change(&self, number: usize) -> FsResult<(&Change, Place)> {
        let change = self.set.changes.get(number).ok_or(FsError::Invalid)?;
        Ok((change, change.place().ok_or(FsError::Invalid)?))
    }

    fn steps(&self) -> Vec<Step> {
        steps(self.set, &self.journal.chosen)
    }

    /// Writes down what comes next.
    pub(super) fn enter(&mut self, stage: Stage) -> Result<(), Failed> {
        self.journal.stage = stage;
        (self.hook)(&Event::Journal(stage));
        Ok(self.journal.save(self.home)?)
    }

    /// Copies all new data next to where it will stand, durably.
    pub(super) fn stage(&mut self, upper: &Root) -> Result<(), Failed> {
        for folder in [self.journal.temp(), self.journal.new_folder(), self.journal.old_folder()] {
            (self.hook)(&Event::Make(&folder));
            self.root.create_directory(&folder, 0o700)?;
        }
        for at in 0..self.journal.chosen.len() {
            let number = self.journal.chosen[at];
            let (change, place) = self.change(number)?;
            let Some(after) = change.after.clone() else { continue };
            let path = super::escape::line(&change.path);
            let replaced = change.before.as_ref().is_some_and(|before| before.kind == Kind::File);
            let stamp = self.stage_one(upper, number, &place, &after, replaced).map_err(|failed| match failed {
                Failed::Fs(error) => Failed::At(path.clone(), error),
                Failed::Io(error) => Failed::At(path.clone(), error.into()),
                failed => failed,
            })?;
            self.journal.fresh[at] = Some(stamp);
        }
        for folder in [self.journal.new_folder(), self.journal.temp(), Place::default()] {
            (self.hook)(&Event::SyncDirectory(&folder));
            self.root.sync_directory(&folder)?;
        }
        Ok(())
    }

    fn stage_one(
        &self,
        upper: &Root,
        number: usize,
        place: &Place,
        after: &After,
        replaced: bool,
    ) -> Result<Stamp, Failed> {
        let new = self.journal.new_folder().child(&number.to_string());
        (self.hook)(&Event::Make(&new));
        match after {
            After::Directory { mode } => {
                self.root.create_directory(&new, 0o700)?;
                self.root.set_mode(&new, *mode)?;
                (self.hook)(&Event::SyncDirectory(&new));
                self.root.sync_directory(&new)?;
            }
            After::Link { target } => self.root.create_link(target, &new)?,
            After::File { size, sha256, mode } => {
                let altered = || Failed::Altered(place.to_string());
                let (data, meta) = upper.open_file(place, Access::Read)?;
                if meta.stamp.size != *size {
                    return Err(altered());
                }
                let file = self.root.create_file(&new, 0o600, Access::ReadWrite)?;
                if sys::copy_and_hash(&data, &file, *size)? != *sha256 {
                    return Err(altered());
                }
                if replaced {
                    let (original, meta) = self.root.open_file(place, Access::Read)?;
                    sys::carry_over(&original, (meta.owner, meta.group), &file).map_err(|error| {
                        let text = format!("its owner or its attributes cannot be given to the new content: {error}");
                        std::io::Error::new(error.kind(), text)
                    })?;
                }
                sys::set_mode(&file, *mode)?;
                (self.hook)(&Event::Sync(&new));
                sys::sync(&file)?;
            }
        }
        Ok(self.root.meta(&new)?.stamp)
    }

    /// Changes all names, or as many as are left to change, and makes that durable.
    pub(super) fn forward(&self) -> Result<(), Failed> {
        for step in self.steps() {
            match step {
                Step::Aside(number) => self.aside(number)?,
                Step::Place(number) => self.place(number)?,
            }
        }
        self.sync_touched()
    }

    fn aside(&self, number: usize) -> Result<(), Failed> {
        let (change, place) = self.change(number)?;
        let old = self.journal.old_folder().child(&number.to_string());
        if matches!(self.root.look(&old)?, Look::Absent) {
            self.rename(change, &place, &old)?;
        }
        // It may have changed between the check and the rename: what was moved is what counts.
        let meta = self.root.meta(&old)?;
        let seen = self.journal.seen(number);
        let same = match meta.kind {
            Kind::Directory => {
                let (entries, others) = self.root.list(&old)?;
                let same = seen.is_some_and(|seen| (seen.inode, seen.mode) == (meta.stamp.inode, meta.stamp.mode));
                same && !others && entries.is_empty()
            }
            Kind::File | Kind::Link => seen.is_some_and(|seen| seen.same_but_moved(&meta.stamp)),
        };
        if same { Ok(()) } else { Err(in_the_way(change, "it was changed while the change set was applied")) }
    }

    fn place(&self, number: usize) -> Result<(), Failed> {
        let (change, place) = self.change(number)?;
        let new = self.journal.new_folder().child(&number.to_string());
        match self.root.look(&new)? {
            Look::Absent => Ok(()),
            _ => self.rename(change, &new, &place),
        }
    }

    fn rename(&self, change: &Change, from: &Place, to: &Place) -> Result<(), Failed> {
        (self.hook)(&Event::Move(from, to));
        self.root.move_to(from, &self.root, to).map_err(|error| match error {
            FsError::NotFound | FsError::NotDirectory | FsError::NotPermitted => {
                in_the_way(change, "it, or its directory, was moved away while the change set was applied")
            }
            FsError::Exists => in_the_way(change, "something else was put there while the change set was applied"),
            error => Failed::At(super::escape::line(&change.path), error),
        })
    }

    /// Makes every directory durable whose names changed. One that is gone had its last change in its parent.
    pub(super) fn sync_touched(&self) -> Result<(), Failed> {
        let mut touched = BTreeSet::from([self.journal.new_folder(), self.journal.old_folder()]);
        for step in self.steps() {
            let (Step::Aside(number) | Step::Place(number)) = step;
            touched.extend(self.change(number)?.1.parent());
        }
        for folder in touched {
            (self.hook)(&Event::SyncDirectory(&folder));
            match self.root.sync_directory(&folder) {
                Ok(()) | Err(FsError::NotFound | FsError::NotDirectory) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Changes all names back, or as many as are left. Gives what stands in the way; then the rest is back all the
    /// same, and originals that could not be put back stay in `.vox-ID/old`.
    pub(super) fn backward(&self) -> Result<Vec<Conflict>, Failed> {
        let mut stuck = Vec::new();
        for step in self.steps().into_iter().rev() {
            let (Step::Aside(number) | Step::Place(number)) = step;
            let (change, place) = self.change(number)?;
            let undone = match step {
                Step::Place(_) => self.take_back(number, change, &place),
                Step::Aside(_) => self.put_back(number, change, &place),
            };
            match undone {
                Err(Failed::Conflict(conflict)) => stuck.push(conflict),
                undone => undone?,
            }
        }
        self.sync_touched()?;
        Ok(stuck)
    }

    fn take_back(&self, number: usize, change: &Change, place: &Place) -> Result<(), Failed> {
        let new = self.journal.new_folder().child(&number.to_string());
        if !matches!(self.root.look(&new)?, Look::Absent) {
            return Ok(());
        }
        let meta = match self.root.look(place) {
            Ok(Look::Here(meta)) => meta,
            Ok(Look::Absent) => return Ok(()),
            Ok(Look::Hidden) | Err(FsError::NotDirectory | FsError::NotPermitted) => {
                return Err(in_the_way(change, "something else stands there or on the way to it; move it away"));
            }
            Err(error) => return Err(error.into()),
        };
        let ours = self.journal.fresh(number).is_some_and(|fresh| match meta.kind {
            Kind::Directory => fresh.inode == meta.stamp.inode,
            Kind::File | Kind::Link => fresh.same_but_moved(&meta.stamp),
        });
        if !ours {
            return Err(in_the_way(change, "it was changed after the change set was put there; move it away"));
        }
        if meta.kind == Kind::Directory && self.root.list(place)? != (Vec::new(), false) {
            return Err(in_the_way(change, "something was put into it that would be lost; move it away"));
        }
        self.rename(change, place, &new)
    }

    fn put_back(&self, number: usize, change: &Change, place: &Place) -> Result<(), Failed> {
        let old = self.journal.old_folder().child(&number.to_string());
        match self.root.look(&old)? {
            Look::Absent => Ok(()),
            _ => self.rename(change, &old, place),
        }
    }

    /// Keeps what originals are like now that they are back, so that the set can be approved again.
    pub(super) fn keep_returned(&self) -> Result<(), Failed> {
        let mut returned = super::journal::returned(self.home)?;
        for number in &self.journal.chosen {
            let (change, place) = self.change(*number)?;
            let (Some(seen), Ok(Look::Here(meta))) = (self.journal.seen(*number), self.root.look(&place)) else {
                continue;
            };
            if seen.same_but_moved(&meta.stamp) {
                returned.insert(change.path.clone(), meta.stamp);
            }
        }
        (self.hook)(&Event::Store("keep what was returned"));
        Ok(super::journal::keep_returned(self.home, &returned)?)
    }

    /// Removes `.vox-ID`.
    pub(super) fn clear(&self) -> Result<(), Failed> {
        if matches!(self.root.look(&self.journal.temp())?, Look::Absent) {
            return Ok(());
        }
        for folder in [self.journal.new_folder(), self.journal.old_folder()] {
            let entries = match self.root.list(&folder) {
                Err(FsError::NotFound) => continue,
                entries => entries?.0,
            };
            for (name, kind) in entries {
                let place = folder.child(&name);
                (self.hook)(&Event::Remove(&place));
                match kind {
                    Kind::Directory => self.root.remove_directory(&place)?,
                    Kind::File | Kind::Link => self.root.remove_file(&place)?,
                }
            }
            (self.hook)(&Event::Remove(&folder));
            self.root.remove_directory(&folder)?;
        }
        let temp = self.journal.temp();
        (self.hook)(&Event::Remove(&temp));
        self.root.remove_directory(&temp)?;
        (self.hook)(&Event::SyncDirectory(&Place::default()));
        Ok(self.root.sync_directory(&Place::default())?)
    }
}

fn in_the_way(change: &Change, why: &str) -> Failed {
    Failed::Conflict(Conflict { path: change.path.clone(), why: why.to_owned() })
}
