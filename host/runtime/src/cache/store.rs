//! Entries as files.

use super::Key;
use super::envelope;
use super::pages::Pages;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use vox_private::Others;

/// The largest entry that is read: more code than a component within the size gates compiles to.
const MAX_ENTRY: u64 = 1 << 30;

/// A cache cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[error("the cache {path} cannot be used: {source}", path = path.display())]
pub struct CacheError {
    /// Its folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// How much a cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Entries with compiled code.
    pub code: u64,
    /// Entries with facts.
    pub facts: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Entries that did not check out and were put aside.
    pub quarantined: u64,
}

/// A cache folder.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
    secret: [u8; 32],
    notes: Mutex<Vec<String>>,
}

impl Cache {
    /// Opens a cache, making its folder and its key where they are missing.
    ///
    /// # Errors
    /// The folder cannot be made, is not ours alone, or the key cannot be read or written.
    pub fn open(root: &Path) -> Result<Self, CacheError> {
        let wrong = |source| CacheError { path: root.to_owned(), source };
        vox_private::folder(root, Others::Look).map_err(wrong)?;
        vox_private::folder(&root.join("v1"), Others::Look).map_err(wrong)?;
        let secret = secret(root).map_err(wrong)?;
        Ok(Self { root: root.to_owned(), secret, notes: Mutex::default() })
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What went wrong with single entries since the cache was opened, for diagnostics.
    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The content of this key's entry, if there is one and it checks out.
    pub fn get(&self, key: &Key) -> Option<Vec<u8>> {
        self.opened(key, |mut file, length| envelope::open(&self.secret, key, &mut file, length))
    }

    /// The same in memory that can no longer be changed, to run code from.
    pub fn get_pages(&self, key: &Key) -> Option<Pages> {
        self.opened(key, |mut file, length| Pages::read(&self.secret, key, &mut file, length))
    }

    /// Opens an entry with `open`; one that does not check out is put aside.
    fn opened<T>(&self, key: &Key, open: impl FnOnce(File, u64) -> Result<T, envelope::Broken>) -> Option<T> {
        let private = vox_private::open(&self.path(key), MAX_ENTRY);
        let opened = match private.and_then(|file| Ok((file.metadata()?.len(), file))) {
            Ok((length, file)) => open(file, length),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => Err(error.into()),
        };
        match opened {
            Ok(content) => return Some(content),
            // That says nothing about the entry.
            Err(envelope::Broken::Io(error)) if error.kind() == io::ErrorKind::OutOfMemory => {
                self.note(format!("{key} was not read: {error}"));
            }
            Err(broken) => self.set_aside(key, &broken),
        }
        None
    }

    /// Adds an entry. One that is there already stays; a cache that cannot be written is noted and passed over.
    pub fn put(&self, key: &Key, content: &[u8]) {
        let sealed = envelope::seal(&self.secret, key, content);
        if let Err(error) = self.write(key, &sealed) {
            self.note(format!("{key} was not kept: {error}"));
        }
    }

    /// Puts an entry aside that its user found wrong: it is made anew, never tried again.
    pub fn reject(&self, key: &Key, why: &dyn std::fmt::Display) {
        self.set_aside(key, why);
    }

    /// Counts what is there.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn usage(&self) -> io::Result<Usage> {
        let mut usage = Usage::default();
        for entry in std::fs::read_dir(self.root.join("v1"))? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            match name.split('-').next() {
                Some("code") => usage.code += 1,
                Some("facts") => usage.facts += 1,
                _ => continue,
            }
            usage.bytes += entry.metadata().map_or(0, |m| m.len());
        }
        usage.quarantined = match std::fs::read_dir(self.root.join("quarantine")) {
            Ok(entries) => entries.count() as u64,
            Err(_) => 0,
        };
        Ok(usage)
    }

    /// Removes all entries and what was put aside; the key stays.
    ///
    /// # Errors
    /// An entry cannot be removed.
    pub fn clear(&self) -> io::Result<Usage> {
        let usage = self.usage()?;
        for folder in ["v1", "quarantine"] {
            match std::fs::read_dir(self.root.join(folder)) {
                Ok(entries) => entries.flatten().try_for_each(|entry| std::fs::remove_file(entry.path()))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(usage)
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join("v1").join(key.to_string())
    }

    /// Writes to a name of its own, makes it durable, then links it into place without replacing anything:
    /// whoever loses the race finds an equal entry there.
    fn write(&self, key: &Key, sealed: &[u8]) -> io::Result<()> {
        let folder = self.root.join("v1");
        for folder in [&self.root, &folder] {
            // What cannot be tidied up is in nobody's way.
            let _ = vox_private::tidy(folder, ABANDONED);
        }
        match vox_private::write_new(&folder, &key.to_string(), sealed) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            written => written,
        }
    }

    fn set_aside(&self, key: &Key, why: &dyn std::fmt::Display) {
        self.note(format!("{key} was put aside: {why}"));
        let quarantine = self.root.join("quarantine");
        let moved = vox_private::folder(&quarantine, Others::Look)
            .and_then(|()| std::fs::rename(self.path(key), quarantine.join(key.to_string())));
        if moved.is_err() {
            // Not even that: then at least nobody reads it again.
            let _ = std::fs::remove_file(self.path(key));
        }
    }

    fn note(&self, note: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }
}

/// How long nothing was written to such a file before it counts as left behind by a process that was killed.
const ABANDONED: Duration = Duration::from_secs(600);

/// The installation's key, made once: written to another name first, so that nobody ever reads half of it.
fn secret(root: &Path) -> io::Result<[u8; 32]> {
    const NAME: &str = "mac.key";
    let path = root.join(NAME);
    for _ in 0..2 {
        match vox_private::open(&path, 32) {
            Ok(mut file) => {
                let mut bytes = Vec::with_capacity(32);
                file.read_to_end(&mut bytes)?;
                return bytes.try_into().map_err(|_| {
                    let text = format!("{} is damaged; remove it and run again", path.display());
                    io::Error::new(io::ErrorKind::InvalidData, text)
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(io::Error::other)?;
        match vox_private::write_new(root, NAME, &fresh) {
            Ok(()) => return Ok(fresh),
            // Another process made it in between: that one is read.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the key could not be made"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Kind;

    /// An entry is put aside for what is wrong with it, not for a system that lacks memory to read it.
    #[test]
    fn an_entry_that_finds_no_memory_stays() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::open(home.path()).unwrap();
        let key = Key { kind: Kind::Code, hash: [1; 32] };
        cache.put(&key, b"code");
        let lacking = |_, _| Err::<(), _>(io::Error::from(io::ErrorKind::OutOfMemory).into());
        assert!(cache.opened(&key, lacking).is_none());
        assert_eq!((cache.notes().len(), cache.get(&key)), (1, Some(b"code".to_vec())));
    }
}
