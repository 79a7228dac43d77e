//! The folder of a skill whose commands run in a container: where it is, and what is in it.

use crate::locate::LocateError;
use sha2::{Digest as _, Sha256};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use vox_model::Digest;

/// Entries of such a folder: it is read whole before each decision.
const MAX_ENTRIES: u64 = 1_000;

/// Bytes of all its files: a component, and code in another language.
const MAX_BYTES: u64 = 64 << 20;

/// Nesting of such a folder.
const MAX_LEVELS: u64 = 16;

/// The folder of a skill as its commands see it, at `/skill` and for reading alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillFolder {
    /// Where it is: absolute and without links.
    pub path: PathBuf,
    /// Of the names, kinds, modes and contents of everything in it. What was granted to other content asks again.
    pub digest: Digest,
}

impl SkillFolder {
    /// Reads all of a folder.
    ///
    /// # Errors
    /// It cannot be read, or holds too much.
    pub(crate) fn read(path: &Path) -> Result<Self, LocateError> {
        let wrong =
            |at: &Path, error: io::Error| LocateError::Unreadable { path: at.to_owned(), reason: error.to_string() };
        let path = path.canonicalize().map_err(|error| wrong(path, error))?;
        let mut walk = Walk { root: &path, entries: 0, bytes: 0, hasher: Sha256::new() };
        walk.folder(&path, 1)?;
        let digest = Digest(walk.hasher.finalize().into());
        Ok(Self { path, digest })
    }
}

struct Walk<'p> {
    root: &'p Path,
    entries: u64,
    bytes: u64,
    hasher: Sha256,
}

impl Walk<'_> {
    fn too_much(&self, what: &'static str, most: u64) -> LocateError {
        LocateError::Folder { path: self.root.to_owned(), what, most }
    }

    /// Adds one text to the digest, with its length, so that no two lists of texts give the same.
    fn add(&mut self, bytes: &[u8]) {
        self.hasher.update((bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
    }

    fn folder(&mut self, at: &Path, level: u64) -> Result<(), LocateError> {
        if level > MAX_LEVELS {
            return Err(self.too_much("levels of folders", MAX_LEVELS));
        }
        let wrong = |error: io::Error| LocateError::Unreadable { path: at.to_owned(), reason: error.to_string() };
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(at).map_err(wrong)? {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(self.too_much("files and folders", MAX_ENTRIES));
            }
            entries.push(entry.map_err(wrong)?);
        }
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            self.entry(&entry.path(), level)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, level: u64) -> Result<(), LocateError> {
        let wrong = |error: io::Error| LocateError::Unreadable { path: path.to_owned(), reason: error.to_string() };
        let about = std::fs::symlink_metadata(path).map_err(wrong)?;
        let name = path.strip_prefix(self.root).unwrap_or(path).as_os_str().as_bytes().to_vec();
        self.add(&name);
        if about.is_dir() {
            self.add(b"folder");
            self.folder(path, level + 1)
        } else if about.is_symlink() {
            // Where it leads is seen from within the container, where the host's files are not.
            self.add(b"link");
            let to = std::fs::read_link(path).map_err(wrong)?;
            self.add(to.as_os_str().as_bytes());
            Ok(())
        } else if about.is_file() {
            self.add(if about.permissions().mode() & 0o111 == 0 { b"file" } else { b"program" });
            let left = MAX_BYTES - self.bytes;
            let content = match crate::locate::read(path, left) {
                Err(LocateError::TooLarge { .. }) => return Err(self.too_much("bytes", MAX_BYTES)),
                content => content?,
            };
            self.bytes += content.len() as u64;
            self.add(&content);
            Ok(())
        } else {
            self.add(b"other");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn digest(folder: &Path) -> Digest {
        SkillFolder::read(folder).unwrap().digest
    }

    #[test]
    fn the_digest_is_of_names_modes_and_contents() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        fs::write(at("worker.py"), "a").unwrap();
        let first = digest(folder.path());
        assert_eq!(digest(folder.path()), first);
        fs::write(at("worker.py"), "b").unwrap();
        assert_ne!(digest(folder.path()), first);
        fs::write(at("worker.py"), "a").unwrap();
        assert_eq!(digest(folder.path()), first);
        fs::set_permissions(at("worker.py"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_ne!(digest(folder.path()), first);
        fs::set_permissions(at("worker.py"), fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(at("sub/more"), "").unwrap();
        assert_ne!(digest(folder.path()), first);
        fs::rename(at("sub/more"), at("more")).unwrap();
        let moved = digest(folder.path());
        std::os::unix::fs::symlink("more", at("link")).unwrap();
        assert_ne!(digest(folder.path()), moved);
    }

    #[test]
    fn a_folder_that_holds_too_much_is_no_skill() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..MAX_ENTRIES {
            fs::write(folder.path().join(number.to_string()), "").unwrap();
        }
        assert!(SkillFolder::read(folder.path()).is_ok());
        fs::write(folder.path().join("one more"), "").unwrap();
        let error = SkillFolder::read(folder.path()).unwrap_err();
        assert!(matches!(error, LocateError::Folder { what: "files and folders", .. }), "{error}");
        let folder = tempfile::tempdir().unwrap();
        fs::File::create(folder.path().join("large")).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert!(matches!(SkillFolder::read(folder.path()), Err(LocateError::Folder { what: "bytes", .. })));
    }
}
