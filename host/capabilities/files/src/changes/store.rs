//! Where change sets wait.
//!
//! ```text
//! lock             one applier at a time
//! drafts/NAME/     overlays of running calls: upper/, in-use (locked while the call runs)
//! sets/ID/         sealed: list.json, upper/; journal.json while it is applied, returned.json if that was undone
//! ```

use super::list::{ChangeSet, ListError};
use crate::sys;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vox_model::Digest;
use vox_private::Others;

/// The file with a change set's list.
pub(crate) const LIST: &str = "list.json";

/// The file that says how far an apply has come.
pub(crate) const JOURNAL: &str = "journal.json";

/// The file with what originals are like that were moved aside and back again: that alone changes a stamp.
pub(crate) const RETURNED: &str = "returned.json";

const SETS: &str = "sets";
const DRAFTS: &str = "drafts";
const LOCK: &str = "lock";

/// Bytes of a list or a journal that are read: ten thousand entries with the longest paths.
pub(super) const MAX_LIST: u64 = 128 << 20;

/// How long an applier waits for another one.
const PATIENCE: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(20);

/// A folder with change sets. Opening it changes nothing; [`Store::recover`] finishes what a crash left.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// A store, or something in it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Its folder cannot be read or written.
    #[error("the change sets in {path} cannot be used: {source}", path = path.display())]
    Unusable {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is nothing of this name.
    #[error("there is no change set `{0}`: it was applied, discarded, or never was; list those that wait")]
    NotFound(String),
    /// More than one has a name that begins so.
    #[error("`{prefix}` is the beginning of {count} change sets; give more digits")]
    Ambiguous {
        /// What was given.
        prefix: String,
        /// How many begin with it.
        count: usize,
    },
    /// It is not what its name says.
    #[error("the change set {id} was altered after it was sealed: {why}; it is never applied; run `vox discard {id}`")]
    Altered {
        /// Its name.
        id: String,
        /// What does not fit.
        why: String,
    },
    /// An apply of it was cut off and has to be finished first.
    #[error("an apply of the change set {0} was cut off; recover it first")]
    Unfinished(String),
    /// Another process applies changes.
    #[error("another process is applying changes; try again when it is done")]
    Busy,
}

/// What waits in a store.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Change sets that check out, the newest first.
    pub sets: Vec<ChangeSet>,
    /// Names of those that do not, with the reason.
    pub damaged: Vec<(String, String)>,
}

/// The name of a change set that does not check out, and why.
type Damaged = (String, StoreError);

impl Store {
    /// Opens a store, making its folders where they are missing: for this user only.
    ///
    /// # Errors
    /// They cannot be made, or others may write to them.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let store = Self { root: root.to_owned() };
        for folder in [root.to_owned(), store.sets(), store.drafts()] {
            vox_private::folder(&folder, Others::Look)
                .map_err(|source| StoreError::Unusable { path: folder, source })?;
        }
        Ok(store)
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn sets(&self) -> PathBuf {
        self.root.join(SETS)
    }

    pub(super) fn drafts(&self) -> PathBuf {
        self.root.join(DRAFTS)
    }

    pub(super) fn set_folder(&self, id: &Digest) -> PathBuf {
        self.sets().join(id.to_string())
    }

    /// A name for the staged writes of one folder in one call, for [`Folder::open`](crate::Folder::open).
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn draft(&self) -> Result<PathBuf, StoreError> {
        let private = std::fs::Permissions::from_mode(0o700);
        let made = tempfile::Builder::new().prefix("draft-").permissions(private).tempdir_in(self.drafts());
        made.map(tempfile::TempDir::keep).map_err(|source| self.unusable(source))
    }

    /// All change sets.
    ///
    /// # Errors
    /// The store cannot be read. A single one that is damaged is listed as such.
    pub fn list(&self) -> Result<Listed, StoreError> {
        let (sets, damaged) = self.all()?;
        let damaged = damaged.into_iter().map(|(name, error)| (name, error.to_string())).collect();
        Ok(Listed { sets, damaged })
    }

    /// The newest change set.
    ///
    /// # Errors
    /// The store cannot be read, or one of its change sets cannot: that one may be the newest, and it is not for us to
    /// take another one for it.
    pub fn latest(&self) -> Result<Option<ChangeSet>, StoreError> {
        let (sets, damaged) = self.all()?;
        match damaged.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(sets.into_iter().next()),
        }
    }

    /// Those that check out, the newest first, and the names of the others.
    fn all(&self) -> Result<(Vec<ChangeSet>, Vec<Damaged>), StoreError> {
        let (mut sets, mut damaged) = (Vec::new(), Vec::new());
        for name in self.names()? {
            match self.load(&name) {
                Ok(set) => sets.push(set),
                // Gone in between.
                Err(StoreError::NotFound(_)) => {}
                Err(error) => damaged.push((name, error)),
            }
        }
        sets.sort_by_key(|set| (std::cmp::Reverse(set.header.sealed), set.id));
        Ok((sets, damaged))
    }

    /// The change set whose name begins with these digits.
    ///
    /// # Errors
    /// None or several do, or it was altered since it was sealed.
    pub fn get(&self, prefix: &str) -> Result<ChangeSet, StoreError> {
        self.load(&self.find(prefix)?.to_string())
    }

    /// The whole name of the change set whose name begins with these digits, whether it checks out or not.
    ///
    /// # Errors
    /// None or several do.
    pub fn find(&self, prefix: &str) -> Result<Digest, StoreError> {
        let prefix = prefix.strip_prefix("sha256:").unwrap_or(prefix).to_ascii_lowercase();
        let mut names = self.names()?;
        names.retain(|name| !prefix.is_empty() && name.starts_with(&prefix));
        let missing = || StoreError::NotFound(super::escape::line(&prefix));
        match names.as_slice() {
            [] => Err(missing()),
            [name] => name.parse().map_err(|_| missing()),
            several => Err(StoreError::Ambiguous { prefix, count: several.len() }),
        }
    }

    /// Throws a change set away, by its whole name. Damaged ones can be thrown away too.
    ///
    /// # Errors
    /// There is none of this name, it is being applied, or it cannot be removed.
    pub fn discard(&self, id: &Digest) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        let folder = self.set_folder(id);
        if !exists(&folder).map_err(|source| self.unusable(source))? {
            return Err(StoreError::NotFound(id.to_string()));
        }
        if exists(&folder.join(JOURNAL)).map_err(|source| self.unusable(source))? {
            return Err(StoreError::Unfinished(id.to_string()));
        }
        sys::remove_tree(&folder).map_err(|source| StoreError::Unusable { path: folder, source })
    }

    /// Names of all change sets.
    pub(super) fn names(&self) -> Result<Vec<String>, StoreError> {
        let entries = std::fs::read_dir(self.sets()).map_err(|source| self.unusable(source))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| self.unusable(source))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.parse::<Digest>().is_ok() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Reads a change set and checks that it is the one that its name says.
    pub(super) fn load(&self, name: &str) -> Result<ChangeSet, StoreError> {
        let set = self.load_unnamed(&self.sets().join(name), name)?;
        if set.id.to_string() == name {
            return Ok(set);
        }
        let why = format!("its list has the digest {}", set.id);
        Err(StoreError::Altered { id: name.to_owned(), why })
    }

    /// Reads the list in a folder, whatever its digest.
    pub(super) fn load_unnamed(&self, folder: &Path, name: &str) -> Result<ChangeSet, StoreError> {
        let bytes = match read_private(&folder.join(LIST)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NotFound(name.to_owned()));
            }
            Err(source) => return Err(StoreError::Unusable { path: folder.join(LIST), source }),
        };
        ChangeSet::from_json(&bytes)
            .map_err(|error: ListError| StoreError::Altered { id: name.to_owned(), why: error.to_string() })
    }

    /// Takes a sealed draft in.
    pub(super) fn adopt(&self, draft: &Path, id: &Digest) -> Result<(), StoreError> {
        let moved = std::fs::rename(draft, self.set_folder(id));
        let durable = moved.and_then(|()| File::open(self.sets())?.sync_all());
        durable.map_err(|source| self.unusable(source))
    }

    /// Becomes the only one who applies, recovers or discards. Waits a while for others.
    pub(super) fn lock(&self) -> Result<File, StoreError> {
        let path = self.root.join(LOCK);
        let until = Instant::now() + PATIENCE;
        loop {
            match sys::lock_file(&path) {
                Ok(Some(file)) => return Ok(file),
                Ok(None) if Instant::now() < until => std::thread::sleep(AGAIN),
                Ok(None) => return Err(StoreError::Busy),
                Err(source) => return Err(StoreError::Unusable { path, source }),
            }
        }
    }

    pub(super) fn unusable(&self, source: io::Error) -> StoreError {
        StoreError::Unusable { path: self.root.clone(), source }
    }
}

pub(super) fn read_private(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    vox_private::open(path, MAX_LIST)?.take(MAX_LIST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn exists(path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
