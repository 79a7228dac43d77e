//! From a grant to a tree.

use crate::audit::Audit;
use crate::changes::StoreError;
use crate::direct::Direct;
use crate::front::Front;
use crate::grant::{Access, FolderGrant};
use crate::overlay::{Core, Draft, Plain, Staged, open_upper};
use crate::quota::Quota;
use crate::sys::{self, Root};
use crate::tree::Tree;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vox_model::CallScope;
use vox_model::programs::SharedFolder;

/// A granted folder, open for one call.
pub struct Folder {
    /// What the guest sees.
    pub tree: Arc<dyn Tree>,
    /// What it writes, if writes are staged.
    pub staged: Option<Staged>,
    /// The same folder for programs that run in the call.
    pub shared: Arc<dyn SharedFolder>,
}

/// A granted folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFolderError {
    /// It is not there, or not ours to open.
    #[error(
        "the granted folder {path} cannot be opened: {source}; bring it back, or grant the folder where it is now",
        path = path.display()
    )]
    Open {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A link leads to it, or to something else.
    #[error("{path} leads over a link, which was not so when it was granted; grant the folder again", path = path.display())]
    Moved {
        /// The folder.
        path: PathBuf,
    },
    /// The kernel cannot walk paths without links.
    #[error(
        "the granted folder {path} cannot be opened safely: this system has no `openat2` (Linux 5.6 or newer, and no \
         filter that blocks it)",
        path = path.display()
    )]
    Unsupported {
        /// The folder.
        path: PathBuf,
    },
    /// Writing is staged, and no place was given for it.
    #[error("writes to {path} are staged, and there is no place for them", path = path.display())]
    NoUpper {
        /// The folder.
        path: PathBuf,
    },
    /// The place for staged writes cannot be used.
    #[error("writes cannot be staged in {path}: {source}", path = path.display())]
    Upper {
        /// The place.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store of staged writes cannot be used.
    #[error("writes cannot be staged: {0}")]
    Store(#[from] StoreError),
    /// The skill could reach what vox itself keeps there.
    #[error(
        "the granted folder {path} holds vox's own state, {state}: a skill could reach what is waiting for approval; \
         grant a folder that does not hold it",
        path = path.display(), state = state.display()
    )]
    HoldsState {
        /// The folder.
        path: PathBuf,
        /// vox's own folder in it.
        state: PathBuf,
    },
}

impl Folder {
    /// Opens a granted folder for one call.
    ///
    /// `upper` is where staged writes lie, a folder made by [`Store::draft`](crate::changes::Store::draft); only
    /// folders granted with [`Access::Write`] need it. A folder that holds it is refused.
    ///
    /// # Errors
    /// See [`OpenFolderError`].
    pub fn open(
        grant: &FolderGrant,
        upper: Option<&Path>,
        quota: Quota,
        scope: CallScope,
    ) -> Result<Self, OpenFolderError> {
        let root = open_root(&grant.host)?;
        let path = grant.host.clone();
        let audit = Audit::new(scope, grant.flag(), grant.guest.clone());
        if grant.access != Access::Write {
            if let Some(upper) = upper {
                keep_apart(&root, &path, upper)?;
            }
            let through = grant.access == Access::WriteThrough;
            let direct = Direct::new(root, through, quota, audit);
            let shared = Arc::new(Plain::new(path, grant.guest.clone(), through));
            return Ok(Self { tree: Arc::new(Front(Arc::new(direct))), staged: None, shared });
        }
        let upper = upper.ok_or_else(|| OpenFolderError::NoUpper { path: path.clone() })?;
        keep_apart(&root, &path, upper)?;
        let unusable = |source| OpenFolderError::Upper { path: upper.to_owned(), source };
        let draft = Draft::make(upper).map_err(unusable)?;
        let private = open_upper(&draft).map_err(unusable)?;
        let core = Arc::new(Core::new(root, private, quota, audit));
        let staged = Staged::new(core.clone(), draft, path, grant.guest.clone());
        let shared = staged.share();
        Ok(Self { tree: Arc::new(Front(core)), staged: Some(staged), shared })
    }
}

impl FolderGrant {
    /// Whether a path lies in the granted folder, links resolved on both sides. For a caller's own folders, which no
    /// skill may reach.
    ///
    /// # Errors
    /// One of them cannot be opened.
    pub fn holds(&self, path: &Path) -> io::Result<bool> {
        Root::open(&std::fs::canonicalize(&self.host)?)?.holds(&Root::open(&std::fs::canonicalize(path)?)?)
    }
}

/// Opens the folder by its path, which has no links: one on the way was put there after the folder was granted, and
/// leads to another.
fn open_root(host: &Path) -> Result<Root, OpenFolderError> {
    let path = host.to_owned();
    if !host.is_absolute() {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it is not an absolute path");
        return Err(OpenFolderError::Open { path, source });
    }
    match Root::open(host) {
        Ok(root) => Ok(root),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Err(OpenFolderError::Unsupported { path }),
        // A link at the very end is told as something that is no folder.
        Err(error) if sys::met_a_link(&error) || host.is_symlink() => Err(OpenFolderError::Moved { path }),
        Err(source) => Err(OpenFolderError::Open { path, source }),
    }
}

/// Refuses a folder that holds the state of vox. As a rule that is there, by a path without links; otherwise the nearest
/// folder above that is there stands for it.
fn keep_apart(root: &Root, path: &Path, upper: &Path) -> Result<(), OpenFolderError> {
    let unusable = |source| OpenFolderError::Upper { path: upper.to_owned(), source };
    let (opened, state) = match Root::open(upper) {
        Ok(opened) => (opened, upper.to_owned()),
        Err(_) => {
            let nearest = upper.ancestors().find_map(|above| std::fs::canonicalize(above).ok());
            let state = nearest.unwrap_or_else(|| upper.to_owned());
            (Root::open(&state).map_err(unusable)?, state)
        }
    };
    match root.holds(&opened).map_err(unusable)? {
        false => Ok(()),
        true => Err(OpenFolderError::HoldsState { path: path.to_owned(), state }),
    }
}
