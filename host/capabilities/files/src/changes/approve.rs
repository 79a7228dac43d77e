//! Approving: what is named is checked once more, then applied.

use super::apply::{Applier, Failed, Hook};
use super::check::{Conflict, check};
use super::choose::{choose, rest};
use super::danger::{Danger, dangers};
use super::journal::{Journal, Stage, returned};
use super::list::{ChangeSet, ListError};
use super::store::{JOURNAL, LIST, Store, StoreError, exists};
use crate::overlay::UPPER;
use crate::sys::{self, Root};
use crate::tree::{FsError, Kind, Place};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use vox_model::Digest;

/// A person's, or a policy's, yes to one change set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The digest of the change set that was shown.
    pub set: Digest,
    /// How much of it.
    pub choice: Choice,
    /// Whether it was said, apart from the rest, that changes may stay that make the host run something later.
    pub acknowledged: bool,
    /// Who said so, for the audit.
    pub principal: String,
}

/// How much of a change set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// All of it.
    All,
    /// The changes at these paths and below them, with the directories that they need.
    Paths(Vec<String>),
}

/// What was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The change set.
    pub set: Digest,
    /// The paths that changed.
    pub paths: Vec<String>,
    /// The change set that holds what was not chosen.
    pub rest: Option<Digest>,
    /// What could not be tidied up afterwards. The changes are in place all the same, and the next recovery tidies up.
    pub untidy: Option<String>,
}

/// Nothing was applied. Unless it says otherwise, nothing was changed either.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// The change set is not there, was altered, or the store is busy.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Paths were chosen at which nothing changes.
    #[error("nothing changes at {}; choose paths of the change set", .0.iter().map(|path| format!("`{}`", super::escape::line(path))).collect::<Vec<_>>().join(", "))]
    Unknown(Vec<String>),
    /// Some of it would make the host run something, and that was not acknowledged.
    #[error("{} would make this machine run something later and need a yes of their own: {}", .0.len(), .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Dangerous(Vec<Danger>),
    /// The live folder is no longer what the skill saw.
    #[error("the folder has changed since the skill ran, and nothing was applied: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Conflicts(Vec<Conflict>),
    /// The folder is not there, or is another one.
    #[error("{path} cannot be changed: {why}", path = path.display())]
    Folder {
        /// The live folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Copying or renaming failed; everything is as it was.
    #[error("nothing was applied: {0}")]
    Failed(String),
    /// Changing back met something in the way.
    #[error(
        "the folder changed while the change set was applied, and going back is not finished; the originals lie in \
         {originals}. Move away what is in the way and recover again: {}",
        conflicts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        originals = originals.display()
    )]
    Stuck {
        /// What is in the way.
        conflicts: Vec<Conflict>,
        /// Where the originals are.
        originals: PathBuf,
    },
}

impl From<ListError> for ApproveError {
    fn from(error: ListError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Store {
    /// Applies what an approval names, if the live folder is still what the skill saw. What was not chosen stays as a
    /// smaller change set of its own.
    ///
    /// # Errors
    /// See [`ApproveError`].
    pub fn approve(&self, approval: &Approval) -> Result<Applied, ApproveError> {
        self.approve_with(approval, &|_| {})
    }

    pub(crate) fn approve_with(&self, approval: &Approval, hook: Hook<'_>) -> Result<Applied, ApproveError> {
        let _one = self.lock()?;
        let name = approval.set.to_string();
        let home = self.set_folder(&approval.set);
        if exists(&home.join(JOURNAL)).map_err(|source| self.unusable(source))? {
            return Err(StoreError::Unfinished(name).into());
        }
        let set = self.load(&name)?;
        let chosen = match &approval.choice {
            Choice::Paths(paths) if paths.is_empty() => {
                return Err(ApproveError::Failed("no path was chosen".to_owned()));
            }
            Choice::All => (0..set.changes.len()).collect(),
            Choice::Paths(paths) => choose(&set, paths).map_err(ApproveError::Unknown)?,
        };
        let dangers: Vec<Danger> =
            chosen.iter().flat_map(|number| dangers(&set.changes[*number])).filter(|d| d.hazard.runs()).collect();
        if !approval.acknowledged && !dangers.is_empty() {
            return Err(ApproveError::Dangerous(dangers));
        }
        let (root, _held) = open_live(&set.header.folder, set.header.inode)?;
        let failed = |error: FsError| ApproveError::Failed(error.to_string());
        let returned = returned(&home).map_err(|source| self.unusable(source))?;
        let checked = check(&root, &set, &chosen, &returned).map_err(failed)?;
        if !checked.conflicts.is_empty() {
            return Err(ApproveError::Conflicts(checked.conflicts));
        }
        let upper = std::fs::canonicalize(home.join(UPPER)).and_then(|path| Root::open(&path));
        let upper = upper.map_err(|source| StoreError::Unusable { path: home.join(UPPER), source })?;
        let journal = Journal::new(&set, chosen, checked.seen, &approval.principal);
        let mut applier = Applier { home: &home, set: &set, root, journal, hook };
        applier.run(&upper)?;
        let paths = applier.journal.chosen.iter().map(|number| set.changes[*number].path.clone()).collect();
        let left = rest(&set, &applier.journal.chosen)?.map(|rest| rest.id);
        let tidied = applier
            .clear()
            .map_err(|error| error.to_string())
            .and_then(|()| finish(self, &home, Some(&set), &applier.journal, hook).map_err(|error| error.to_string()));
        Ok(Applied { set: set.id, paths, rest: left, untidy: tidied.err() })
    }
}

/// Opens the live folder by a path without a single link, if it is the one that was meant, and locks it.
pub(super) fn open_live(folder: &Path, inode: u64) -> Result<(Root, File), ApproveError> {
    let wrong = |why: String| ApproveError::Folder { path: folder.to_owned(), why };
    let root = Root::open(folder).map_err(|error| wrong(error.to_string()))?;
    let meta = root.meta(&Place::default()).map_err(|error| wrong(error.to_string()))?;
    if meta.stamp.inode != inode || meta.kind != Kind::Directory {
        return Err(wrong("another folder stands in its place now".to_owned()));
    }
    match sys::lock_directory(folder) {
        Ok(Some(held)) => Ok((root, held)),
        Ok(None) => Err(StoreError::Busy.into()),
        Err(error) => Err(wrong(error.to_string())),
    }
}

impl Applier<'_> {
    /// From staging to committed, or back to where it began.
    fn run(&mut self, upper: &Root) -> Result<(), ApproveError> {
        let nothing_yet = |failed: Failed| match failed {
            Failed::Altered(path) => {
                let why = format!("the staged data of `{}` is not what was sealed", super::escape::line(&path));
                StoreError::Altered { id: String::new(), why }.into()
            }
            failed => ApproveError::Failed(failed.to_string()),
        };
        let free = matches!(self.root.look(&self.journal.temp()), Ok(sys::Look::Absent));
        if !free {
            let path = self.journal.folder.join(self.journal.temp().to_string());
            let text = format!("{} is in the way, left by an apply that nobody finished; remove it", path.display());
            return Err(ApproveError::Failed(text));
        }
        self.enter(Stage::Staging).map_err(nothing_yet)?;
        let staged = self.stage(upper).and_then(|()| self.enter(Stage::Intent));
        if let Err(failed) = staged {
            self.give_up().map_err(|error| ApproveError::Failed(format!("{failed}; and afterwards: {error}")))?;
            return Err(match nothing_yet(failed) {
                ApproveError::Store(StoreError::Altered { why, .. }) => {
                    StoreError::Altered { id: self.set.id.to_string(), why }.into()
                }
                error => error,
            });
        }
        match self.forward() {
            Ok(()) => self.enter(Stage::Committed).map_err(|failed| ApproveError::Failed(failed.to_string())),
            Err(failed) => Err(self.turn_back(failed)),
        }
    }

    /// Removes what was staged, and the journal last.
    pub(super) fn give_up(&self) -> Result<(), Failed> {
        self.clear()?;
        (self.hook)(&super::apply::Event::Store("forget the journal"));
        forget_journal(self.home)?;
        Ok(())
    }

    /// Puts everything back as it was. Gives the error that says so.
    pub(super) fn turn_back(&mut self, failed: Failed) -> ApproveError {
        let back = self.enter(Stage::Back).and_then(|()| self.backward());
        match back {
            Ok(stuck) if stuck.is_empty() => match (self.keep_returned().and_then(|()| self.give_up()), failed) {
                (Err(error), failed) => ApproveError::Failed(format!("{failed}; and afterwards: {error}")),
                (Ok(()), Failed::Conflict(conflict)) => ApproveError::Conflicts(vec![conflict]),
                (Ok(()), failed) => ApproveError::Failed(failed.to_string()),
            },
            Ok(conflicts) => ApproveError::Stuck {
                conflicts,
                originals: self.journal.folder.join(self.journal.old_folder().to_string()),
            },
            Err(error) => {
                ApproveError::Failed(format!("{failed}; going back failed, too, and is left to recovery: {error}"))
            }
        }
    }
}

fn forget_journal(home: &Path) -> io::Result<()> {
    match std::fs::remove_file(home.join(JOURNAL)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::open(home)?.sync_all()
}

/// Takes out of the store what was applied. Can be done again at any point; the journal goes last.
///
/// `set` is the list in the folder: that which was approved, what is left of it, or none any more.
pub(super) fn finish(
    store: &Store,
    home: &Path,
    set: Option<&ChangeSet>,
    journal: &Journal,
    hook: Hook<'_>,
) -> Result<(), ApproveError> {
    let event = |what| hook(&super::apply::Event::Store(what));
    let unusable = |source| StoreError::Unusable { path: home.to_owned(), source };
    let approved = set.filter(|set| set.id.to_string() == journal.set);
    let left = match (approved, journal.whole) {
        (Some(set), false) => rest(set, &journal.chosen)?,
        (None, false) => set.cloned(),
        (_, true) => None,
    };
    let Some(left) = left else {
        event("remove the data");
        sys::remove_tree(&home.join(UPPER)).map_err(unusable)?;
        event("remove the list");
        match std::fs::remove_file(home.join(LIST)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(error).into()),
            _ => {}
        }
        // The list must be gone before the journal is: without one, it would be a change set that waits.
        File::open(home).and_then(|folder| folder.sync_all()).map_err(unusable)?;
        event("remove the change set");
        return sys::remove_tree(home).map_err(|error| unusable(error).into());
    };
    if let Some(set) = approved {
        event("remove applied data");
        forget_data(set, journal, home).map_err(unusable)?;
        event("write the rest");
        vox_private::write(home, LIST, &left.to_json()?).map_err(unusable)?;
    }
    let name = store.set_folder(&left.id);
    if name != home {
        event("rename the rest");
        store.adopt(home, &left.id)?;
    }
    event("forget the journal");
    Ok(forget_journal(&name).map_err(unusable)?)
}

/// Removes the staged data of changes that were applied.
fn forget_data(set: &ChangeSet, journal: &Journal, home: &Path) -> io::Result<()> {
    let upper = Root::open(&std::fs::canonicalize(home.join(UPPER))?)?;
    for change in journal.chosen.iter().filter_map(|number| set.changes.get(*number)) {
        let Some((place, parent)) = change.place().and_then(|place| Some((place.clone(), place.parent()?))) else {
            continue;
        };
        if !matches!(change.after, Some(super::After::File { .. })) {
            continue;
        }
        let removed = upper.set_mode(&parent, 0o700).and_then(|()| upper.remove_file(&place));
        match removed {
            Ok(()) | Err(FsError::NotFound) => {}
            Err(FsError::Io(error)) => return Err(error),
            Err(error) => return Err(io::Error::other(error.to_string())),
        }
        // Left as it was found: sealed.
        upper.set_mode(&parent, 0o500).map_err(|error| io::Error::other(error.to_string()))?;
    }
    Ok(())
}
