//! Where stores are, and which of them are open.

use crate::disk::{Opened, unusable};
use crate::fault::Fault;
use crate::limits::{LOCK_POLL, LOCK_WAIT};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use vox_private::Others;

/// Letters of an owner's name that stand in the name of its file, for people who look into the folder.
const MAX_SLUG: usize = 40;

/// How old a file has to be that became no store before it counts as left behind: whoever makes one locks it a moment later.
const SETTLED: Duration = Duration::from_secs(60);

/// How the names of files end that are stores.
pub(crate) const EXTENSION: &str = ".redb";

/// The folder that stores are in. One for a process: it knows which files are open, because a file cannot be opened
/// twice.
#[derive(Debug)]
pub struct Home {
    folder: PathBuf,
    open: Mutex<HashMap<String, Weak<Opened>>>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

impl Home {
    /// Stores are in this folder. It is made, for this user alone, when the first one is.
    pub fn new(folder: PathBuf) -> Arc<Self> {
        Arc::new(Self { folder, open: Mutex::default() })
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of an owner, whether it is there or not. Equal names lead to the same file, different ones never do.
    pub fn path(&self, owner: &str) -> PathBuf {
        self.folder.join(file_name(owner))
    }

    /// Opens the store of an owner, or makes an empty one. Waits for another process that has it.
    pub(crate) async fn open(self: &Arc<Self>, owner: &str) -> Result<Arc<Opened>, Fault> {
        let name = file_name(owner);
        let until = Instant::now() + LOCK_WAIT;
        loop {
            let (home, wanted) = (Arc::clone(self), name.clone());
            // All of the file is read, which may take longer than a call has: the call's deadline must be able to end
            // the waiting.
            let opened = tokio::task::spawn_blocking(move || home.open_now(&wanted)).await;
            match opened {
                Ok(Ok(Some(opened))) => return Ok(opened),
                Ok(Ok(None)) if Instant::now() < until => tokio::time::sleep(LOCK_POLL).await,
                Ok(Ok(None)) => return Err(Fault::Busy),
                Ok(Err(fault)) => return Err(fault),
                Err(ended) => return Err(unusable(&self.folder.join(&name), &ended)),
            }
        }
    }

    /// The store of this name, if nobody else has it.
    fn open_now(&self, name: &str) -> Result<Option<Arc<Opened>>, Fault> {
        if let Some(opened) = self.known(name) {
            return Ok(Some(opened));
        }
        let path = self.folder.join(name);
        let opened = match vox_private::open_to_write(&path) {
            Ok(file) => Opened::open(&path, file)?,
            Err(error) if error.kind() == ErrorKind::NotFound => self.make(&path)?,
            Err(error) => return Err(unusable(&path, &error)),
        };
        let Some(opened) = opened.map(Arc::new) else {
            // Another thread of this process may have been quicker.
            return Ok(self.known(name));
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, opened| opened.strong_count() > 0);
        open.insert(name.to_owned(), Arc::downgrade(&opened));
        Ok(Some(opened))
    }

    fn known(&self, name: &str) -> Option<Arc<Opened>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(name).and_then(Weak::upgrade).filter(|opened| opened.is_sound())
    }

    /// Makes a store under a name that nobody knows and links it into place when it is whole, so that no file is ever
    /// found half made. Whoever loses that race opens the winner's.
    fn make(&self, path: &Path) -> Result<Option<Opened>, Fault> {
        let wrong = |error: std::io::Error| unusable(path, &error);
        vox_private::folder(&self.folder, Others::Nothing).map_err(|error| unusable(&self.folder, &error))?;
        // What cannot be tidied up is in nobody's way.
        let _ = vox_private::tidy(&self.folder, SETTLED);
        let (file, temporary) = vox_private::draft(&self.folder).map_err(wrong)?.into_parts();
        let Some(opened) = Opened::make(path, file)? else { return Ok(None) };
        match temporary.persist_noclobber(path) {
            Ok(()) => {
                vox_private::sync(&self.folder).map_err(wrong)?;
                Ok(Some(opened))
            }
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(wrong(error.error)),
        }
    }
}

/// A file name that any owner can have: readable letters, then a hash, which alone decides. Owners are package names or
/// digests, given by the embedder; a publisher may have chosen them, so they are not trusted to be file names.
fn file_name(owner: &str) -> String {
    let start: String = owner.chars().take(MAX_SLUG).collect();
    let hash = blake3::hash(owner.as_bytes()).to_hex();
    format!("{}-{}{EXTENSION}", slug(&start).trim_matches('-'), &hash[..32])
}

/// A text in the letters that names of files have.
pub(crate) fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_follow_from_owners_and_never_lead_elsewhere() {
        let home = Home::new(PathBuf::from("/data"));
        let mut seen = std::collections::BTreeSet::new();
        for owner in [
            "acme:notes",
            "acme-notes",
            "ACME:notes",
            "",
            "..",
            "../../etc/passwd",
            "a/b",
            "a\0b",
            "ü\u{202e}",
            &"x".repeat(5000),
        ] {
            let path = home.path(owner);
            assert_eq!(path.parent(), Some(Path::new("/data")));
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(
                name.len() < 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b)),
                "{name}"
            );
            assert!(seen.insert(name.to_ascii_lowercase()), "{name}");
        }
        assert!(home.path("acme:notes").to_str().unwrap().starts_with("/data/acme-notes-"));
        assert_eq!(home.path("acme:notes"), home.path("acme:notes"));
    }
}
