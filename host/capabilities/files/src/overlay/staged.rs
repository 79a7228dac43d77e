//! The other end of an overlay: what is done with it after the call.

use super::core::Core;
use super::shared::{self, Shared};
use crate::changes::{ChangeSet, Header, SealError, Store};
use crate::sys::{self, Root};
use crate::tree::Place;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vox_private::Others;

/// The name of the folder with staged data within a draft and within a change set.
pub(crate) const UPPER: &str = "upper";

/// The file in a draft that is locked while a process works on it.
pub(crate) const IN_USE: &str = "in-use";

/// What a call staged. Outlives the tree; once this is sealed or dropped, the tree and every open file of it refuse
/// everything. Dropping it throws away what was staged.
pub struct Staged {
    pub(crate) core: Arc<Core>,
    draft: Draft,
    folder: PathBuf,
    guest: String,
}

/// A folder of ours for one overlay; removed with everything in it unless it is kept.
pub(crate) struct Draft {
    path: PathBuf,
    _in_use: File,
    kept: bool,
}

impl Draft {
    /// Makes the folder. It must not be there yet, or be empty.
    pub(crate) fn make(path: &Path) -> io::Result<Self> {
        vox_private::folder(path, Others::Look)?;
        let in_use = sys::lock_file(&path.join(IN_USE))?
            .ok_or_else(|| io::Error::new(io::ErrorKind::ResourceBusy, "another process works with it"))?;
        std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(path.join(UPPER))?;
        Ok(Self { path: path.to_owned(), _in_use: in_use, kept: false })
    }

    pub(crate) fn upper(&self) -> PathBuf {
        self.path.join(UPPER)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // What stays behind is removed when the store is tidied up.
            let _ = sys::remove_tree(&self.path);
        }
    }
}

impl Staged {
    pub(crate) fn new(core: Arc<Core>, draft: Draft, folder: PathBuf, guest: String) -> Self {
        Self { core, draft, folder, guest }
    }

    /// The same overlay for programs that run in the call.
    pub(crate) fn share(&self) -> Arc<Shared> {
        Arc::new(Shared::new(self.core.clone(), &self.draft.path, self.folder.clone(), self.guest.clone()))
    }

    /// The live folder that the writes are for.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends the overlay and makes a change set of what is staged: the data becomes read-only and durable, the list is
    /// written and named by its digest. Gives nothing, and leaves nothing behind, if nothing was changed in the end.
    ///
    /// The upper folder given to [`Folder::open`](crate::Folder::open) must come from [`Store::draft`] of this store.
    ///
    /// # Errors
    /// The staged data cannot be read, or the store cannot be written. Nothing is kept then.
    pub fn seal(mut self, store: &Store) -> Result<Option<ChangeSet>, SealError> {
        self.core.close();
        if let Some(why) = self.core.spoilt() {
            return Err(SealError::Spoilt(why));
        }
        shared::remove_layers(&self.draft.path).map_err(crate::tree::FsError::Io)?;
        let changes = self.core.net()?;
        if changes.is_empty() {
            return Ok(None);
        }
        let scope = self.core.audit.scope();
        let header = Header {
            version: crate::changes::VERSION,
            folder: self.folder.clone(),
            inode: self.core.lower.meta(&Place::default())?.stamp.inode,
            guest: self.guest.clone(),
            skill: scope.skill.to_string(),
            digest: scope.digest,
            call: scope.call.to_string(),
            sealed: now(),
            rest_of: None,
        };
        let set = ChangeSet::new(header, changes)?;
        crate::changes::seal(store, &set, &self.draft.path)?;
        self.draft.kept = true;
        Ok(Some(set))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.core.close();
    }
}

impl std::fmt::Debug for Staged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staged").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Opens the private half of an overlay.
pub(crate) fn open_upper(draft: &Draft) -> io::Result<Root> {
    Root::open(&std::fs::canonicalize(draft.upper())?)
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
