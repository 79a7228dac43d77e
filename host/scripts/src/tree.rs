//! A skill folder as it was at one moment: every file, in memory. What is inspected is what runs.

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use vox_model::Digest;

/// Files of a skill folder: what hosts of Agent Skills should serve at most (SEP-2640).
pub const MAX_FILES: usize = 512;

/// Bytes of all files of a skill folder together, from the same source.
pub const MAX_BYTES: u64 = 16 << 20;

/// Folders within folders.
pub const MAX_DEPTH: usize = 16;

/// Bytes of a path within the folder: a quarter of what the system takes.
const MAX_PATH: usize = 1024;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path from the folder, with `/` between names.
    pub path: String,
    /// Whether its owner may execute it.
    pub executable: bool,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A folder that was read whole, in the order of its paths.
#[derive(Clone, Debug)]
pub struct Tree {
    files: Vec<Entry>,
    digest: Digest,
}

/// A folder that cannot be a skill.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// It cannot be read.
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Something in it is neither a file nor a folder.
    #[error("{} is {what}; a skill folder holds files and folders alone", path.display())]
    Odd {
        /// What.
        path: PathBuf,
        /// What it is, such as `a link`.
        what: &'static str,
    },
    /// A name that cannot be shown or written down.
    #[error("{} has an entry named {name:?}; names are UTF-8 without control characters", path.display())]
    Name {
        /// The folder.
        path: PathBuf,
        /// The name, as far as it is text.
        name: String,
    },
    /// It is larger than a skill may be.
    #[error("{} has more than {what}, which is all that a skill folder may have", path.display())]
    TooLarge {
        /// The folder.
        path: PathBuf,
        /// What there is too much of, with the number.
        what: String,
    },
}

struct Reader {
    root: PathBuf,
    files: Vec<Entry>,
    /// Folders count as well: empty ones are work too.
    entries: usize,
    bytes: u64,
}

impl Tree {
    /// Reads a folder.
    ///
    /// # Errors
    /// See [`TreeError`]: links, pipes and the like, names that are no text, too much of anything.
    pub fn read(folder: &Path) -> Result<Self, TreeError> {
        let failed = |error: io::Error| TreeError::Unreadable { path: folder.to_owned(), why: error.to_string() };
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let root = rustix::fs::open(folder, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
        let mut reader = Reader { root: folder.to_owned(), files: Vec::new(), entries: 0, bytes: 0 };
        reader.folder(&root, "", 0)?;
        Ok(Self::of(reader.files))
    }

    /// A folder that was made up.
    pub fn of(mut files: Vec<Entry>) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let digest = digest(&files);
        Self { files, digest }
    }

    /// All files, in the order of their paths.
    pub fn files(&self) -> &[Entry] {
        &self.files
    }

    /// The file at a path.
    pub fn file(&self, path: &str) -> Option<&Entry> {
        self.files.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok().map(|at| &self.files[at])
    }

    /// What identifies the content: paths, contents, and which files are executable.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.bytes.len() as u64).sum()
    }

    /// Writes the files into an empty folder, so that everybody may read them and only the owner of vox write.
    ///
    /// # Errors
    /// Something cannot be written.
    pub fn lay(&self, to: &Path) -> io::Result<()> {
        for entry in &self.files {
            let place = to.join(&entry.path);
            if let Some(above) = place.parent() {
                fs::DirBuilder::new().recursive(true).mode(0o755).create(above)?;
            }
            let mode = if entry.executable { 0o755 } else { 0o644 };
            let mut file = File::options().write(true).create_new(true).mode(mode).open(&place)?;
            file.write_all(&entry.bytes)?;
        }
        Ok(())
    }
}

/// Lengths go in, so that no two folders have one form.
fn digest(files: &[Entry]) -> Digest {
    let mut whole = Sha256::new();
    whole.update(b"vox skill folder v1");
    for file in files {
        whole.update((file.path.len() as u64).to_le_bytes());
        whole.update(&file.path);
        whole.update([u8::from(file.executable)]);
        whole.update((file.bytes.len() as u64).to_le_bytes());
        whole.update(&file.bytes);
    }
    Digest(whole.finalize().into())
}

impl Reader {
    fn folder(&mut self, at: &OwnedFd, path: &str, depth: usize) -> Result<(), TreeError> {
        if depth > MAX_DEPTH {
            return Err(self.too_large(format!("{MAX_DEPTH} folders within each other")));
        }
        let shown = self.root.join(path);
        let failed = |error: rustix::io::Errno| TreeError::Unreadable {
            path: shown.clone(),
            why: io::Error::from(error).to_string(),
        };
        for entry in Dir::read_from(at).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let text = name.to_str().ok().filter(|text| !text.chars().any(char::is_control));
            let text = text.ok_or_else(|| TreeError::Name {
                path: shown.clone(),
                name: name.to_string_lossy().chars().take(255).collect(),
            })?;
            self.entries += 1;
            if self.entries > 2 * MAX_FILES {
                return Err(self.too_large(format!("{} files and folders", 2 * MAX_FILES)));
            }
            let below = if path.is_empty() { text.to_owned() } else { format!("{path}/{text}") };
            if below.len() > MAX_PATH {
                return Err(self.too_large(format!("{MAX_PATH} bytes in a path")));
            }
            self.entry(at, text, below, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, at: &OwnedFd, name: &str, path: String, depth: usize) -> Result<(), TreeError> {
        let shown = self.root.join(&path);
        let failed = |error: io::Error| TreeError::Unreadable { path: shown.clone(), why: error.to_string() };
        let about = statat(at, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| failed(error.into()))?;
        let what = match FileType::from_raw_mode(about.st_mode) {
            FileType::RegularFile => return self.file(at, name, path, about.st_mode & 0o100 != 0),
            FileType::Directory => {
                let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
                let below = openat(at, name, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
                return self.folder(&below, &path, depth + 1);
            }
            FileType::Symlink => "a link",
            FileType::Fifo => "a pipe",
            FileType::Socket => "a socket",
            _ => "a device",
        };
        Err(TreeError::Odd { path: shown, what })
    }

    fn file(&mut self, at: &OwnedFd, name: &str, path: String, executable: bool) -> Result<(), TreeError> {
        let shown = self.root.join(&path);
        let failed = |error: io::Error| TreeError::Unreadable { path: shown.clone(), why: error.to_string() };
        if self.files.len() >= MAX_FILES {
            return Err(self.too_large(format!("{MAX_FILES} files")));
        }
        // What was a file a moment ago may be a pipe now: opening one must not wait.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::RDONLY | OFlags::CLOEXEC;
        let file = File::from(openat(at.as_fd(), name, flags, Mode::empty()).map_err(|error| failed(error.into()))?);
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(TreeError::Odd { path: shown, what: "no file any more" });
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES - self.bytes + 1).read_to_end(&mut bytes).map_err(failed)?;
        self.bytes += bytes.len() as u64;
        if self.bytes > MAX_BYTES {
            return Err(self.too_large(format!("{} MiB", MAX_BYTES >> 20)));
        }
        self.files.push(Entry { path, executable, bytes });
        Ok(())
    }

    fn too_large(&self, what: String) -> TreeError {
        TreeError::TooLarge { path: self.root.clone(), what }
    }
}

#[cfg(test)]
#[path = "tests/tree.rs"]
mod tests;
