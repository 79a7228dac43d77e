//! From a draft to a change set: read-only, durable, listed, named.

use super::list::{After, ChangeSet, ListError};
use super::store::{LIST, Store, StoreError};
use crate::overlay::{IN_USE, UPPER};
use crate::sys::{self, Access, Root};
use crate::tree::{FsError, FsResult, Kind, Place};
use std::path::Path;

/// Files up to which each is made durable by itself; for more, everything on the file system is.
const ONE_BY_ONE: usize = 32;

/// Permission bits of sealed data. What the files get in the live folder stands in the list.
const SEALED_FILE: u32 = 0o400;
const SEALED_DIRECTORY: u32 = 0o500;

/// What was staged cannot be made a change set.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The staged data cannot be read or frozen.
    #[error("the staged files cannot be sealed: {0}")]
    Staged(#[from] FsError),
    /// Programs left it in a state that must not be kept.
    #[error("{0}")]
    Spoilt(String),
    /// The list cannot be written down.
    #[error(transparent)]
    List(#[from] ListError),
    /// The store cannot take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Seals a draft and moves it to the store's change sets.
pub(crate) fn seal(store: &Store, set: &ChangeSet, draft: &Path) -> Result<(), SealError> {
    freeze(set, &draft.join(UPPER))?;
    let unwritable = |source| StoreError::Unusable { path: draft.to_owned(), source };
    vox_private::write(draft, LIST, &set.to_json()?).map_err(unwritable)?;
    std::fs::remove_file(draft.join(IN_USE)).map_err(unwritable)?;
    store.adopt(draft, &set.id)?;
    Ok(())
}

fn freeze(set: &ChangeSet, upper: &Path) -> FsResult<()> {
    let upper = Root::open(&std::fs::canonicalize(upper)?)?;
    let is_file = |after: &Option<After>| matches!(after, Some(After::File { .. }));
    let files: Vec<Place> =
        set.changes.iter().filter(|change| is_file(&change.after)).filter_map(|change| change.place()).collect();
    for place in &files {
        // The descriptor that reads is asked for before the mode that may forbid it.
        let (file, _) = upper.open_file(place, Access::Read)?;
        sys::set_mode(&file, SEALED_FILE)?;
        if files.len() <= ONE_BY_ONE {
            sys::sync(&file)?;
        }
    }
    let mut directories = vec![Place::default()];
    let mut next = 0;
    while let Some(place) = directories.get(next).cloned() {
        next += 1;
        let below = upper.list(&place)?.0;
        directories
            .extend(below.iter().filter(|(_, kind)| *kind == Kind::Directory).map(|(name, _)| place.child(name)));
    }
    // The deepest first: a sealed directory still lets the way through, but so nothing depends on it.
    for place in directories.iter().rev() {
        if files.len() <= ONE_BY_ONE {
            upper.sync_directory(place)?;
        }
        upper.set_mode(place, SEALED_DIRECTORY)?;
    }
    if files.len() > ONE_BY_ONE {
        sys::sync_all(&upper)?;
    }
    Ok(())
}
