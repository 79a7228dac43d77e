//! The granted folders of a call, all together.

use crate::changes::Store;
use crate::folder::{Folder, OpenFolderError};
use crate::grant::{Access, Grant};
use crate::quota::Quota;
use std::path::PathBuf;
use vox_model::{CallScope, Digest, GrantOf};

/// The granted folders of one call.
///
/// None is opened before somebody asks for them. Most calls of a skill that may use its folders never do, and opening
/// one takes as long as such a call: the way to it is walked without links, it is held against vox's own state, and
/// for staged writes a private folder is made.
pub struct Folders {
    grant: GrantOf<Grant>,
    /// Where staged writes wait for approval; none where the host has no place for them.
    changes: Option<PathBuf>,
    scope: CallScope,
    open: Option<Open>,
}

struct Open {
    folders: Vec<Folder>,
    store: Option<Store>,
}

/// What became of the staged writes of a call.
#[derive(Debug, Default)]
pub struct Sealed {
    /// The change sets, one for each folder in which something was changed.
    pub changes: Vec<Digest>,
    /// Why something that was staged could not be kept, by folder.
    pub lost: Vec<String>,
}

impl Folders {
    /// The folders of a fresh call. `changes` is the root of a [`Store`], for what is staged.
    pub fn new(grant: GrantOf<Grant>, changes: Option<PathBuf>, scope: CallScope) -> Self {
        Self { grant, changes, scope, open: None }
    }

    /// The folders in the order of the grant, opened now if they were not before.
    ///
    /// # Errors
    /// See [`OpenFolderError`]. None is open then, and nothing of them is left behind.
    pub fn open(&mut self) -> Result<&[Folder], OpenFolderError> {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.open_all()?,
        };
        Ok(&self.open.insert(open).folders)
    }

    fn open_all(&self) -> Result<Open, OpenFolderError> {
        let grants = &(*self.grant).as_ref().folders;
        let mut open = Open { folders: Vec::with_capacity(grants.len()), store: None };
        // Only what is written needs the store: reading is not to make folders, and not to wait for them.
        if grants.iter().any(|grant| grant.access == Access::Write)
            && let Some(root) = &self.changes
        {
            let store = Store::open(root)?;
            // Nobody may ever look at the store where calls are made unattended. What cannot go now is told of by
            // `Store::recover`.
            let _ = store.tidy_drafts();
            open.store = Some(store);
        }
        for grant in grants {
            let draft = match (&open.store, grant.access) {
                (Some(store), Access::Write) => Some(store.draft()?),
                (None, Access::Write) => None,
                // Only to keep it out of reach.
                _ => self.changes.clone(),
            };
            let folder = Folder::open(grant, draft.as_deref(), Quota::default(), self.scope.clone());
            open.folders.push(folder.inspect_err(|_| {
                // Empty if it is left at all: it belongs to nobody else.
                let _ = draft.filter(|_| grant.access == Access::Write).map(std::fs::remove_dir);
            })?);
        }
        Ok(open)
    }

    /// Ends the overlays, and makes change sets of what is staged in them. Nothing of the guest may hold a file any
    /// more, and no program may write one.
    pub fn seal(self) -> Sealed {
        let mut sealed = Sealed::default();
        let Some(Open { folders, store: Some(store) }) = self.open else { return sealed };
        for staged in folders.into_iter().filter_map(|folder| folder.staged) {
            let folder = staged.folder().display().to_string();
            match staged.seal(&store) {
                Ok(Some(set)) => sealed.changes.push(set.id),
                Ok(None) => {}
                Err(error) => sealed.lost.push(format!("{folder}: {error}")),
            }
        }
        sealed
    }
}
