//! What was written: the upper folder of a kernel overlay, read after its container has ended.
//!
//! The kernel writes down deletions as character devices 0:0 and directories that hide what was below as an extended
//! attribute (Documentation/filesystems/overlayfs.rst). Everything here is the work of a program that was not trusted: links
//! are not followed, devices and pipes are not opened, and numbers are bounded.

use rustix::fs::lgetxattr;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// As for staged files elsewhere: `docs/limits.md`.
const ENTRIES: usize = 10_000;
/// As for staged files elsewhere.
const DEPTH: usize = 64;

/// One entry that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where, below the folder. Its parts are names: none is `..`.
    pub path: PathBuf,
    /// What is there now.
    pub kind: ChangeKind,
    /// The mode, with all twelve bits; 0 for what was deleted.
    pub mode: u32,
    /// Bytes of a file, else 0.
    pub size: u64,
}

/// What stands at a path now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A regular file, new or in place of whatever was there. Its content is in the upper folder.
    File,
    /// A directory. It may be there for what is in it alone; it may also have a new mode.
    Directory {
        /// Whether it hides everything that was there before.
        opaque: bool,
    },
    /// A symbolic link with this target, new or in place of whatever was there.
    Link(OsString),
    /// Nothing: what was there is deleted.
    Deleted,
    /// A pipe, a socket or a device. No change set can hold it; it has to be left out and reported.
    Special,
}

/// The folder cannot be read as a list of changes.
#[derive(Debug, thiserror::Error)]
pub enum ChangesError {
    /// There are more entries than may be staged.
    #[error("more than {ENTRIES} entries were written")]
    TooMany,
    /// Directories lie in each other more deeply than may be staged.
    #[error("directories nest more than {DEPTH} levels below {}", .0.display())]
    TooDeep(PathBuf),
    /// The kernel wrote down a move or a change of attributes instead of content.
    #[error(
        "{} refers to content elsewhere ({attribute}); overlays of this machine have to be without redirect_dir and metacopy: \
         run `echo N | sudo tee /sys/module/overlay/parameters/redirect_dir /sys/module/overlay/parameters/metacopy`",
        path.display()
    )]
    Indirect {
        /// Where.
        path: PathBuf,
        /// The attribute.
        attribute: String,
    },
    /// It cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Lists what was written into an upper folder, parents before what is in them, names in order of their bytes.
///
/// The session has to be over ([`Session::end`](crate::Session::end)).
///
/// # Errors
/// [`ChangesError`]: too much was written, or it cannot be read.
pub fn changes(upper: &Path) -> Result<Vec<Change>, ChangesError> {
    // Overlays of root use one name space of attributes, those of user name spaces another. Programs can write the
    // second one, so it counts only where the first cannot be used.
    let space = if rustix::process::geteuid().is_root() { "trusted.overlay." } else { "user.overlay." };
    let mut found = Vec::new();
    let mut todo = vec![PathBuf::new()];
    let mut count = 0;
    while let Some(folder) = todo.pop() {
        if folder.components().count() >= DEPTH {
            return Err(ChangesError::TooDeep(folder));
        }
        let at = upper.join(&folder);
        let failed = |source| ChangesError::Read { path: at.clone(), source };
        for entry in fs::read_dir(&at).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            count += 1;
            if count > ENTRIES {
                return Err(ChangesError::TooMany);
            }
            let path = folder.join(entry.file_name());
            let change = read(&entry.path(), path, space)?;
            if matches!(change.kind, ChangeKind::Directory { .. }) {
                todo.push(change.path.clone());
            }
            found.push(change);
        }
    }
    found.sort_by(|a, b| a.path.as_os_str().as_bytes().cmp(b.path.as_os_str().as_bytes()));
    Ok(found)
}

fn read(at: &Path, path: PathBuf, space: &str) -> Result<Change, ChangesError> {
    let failed = |source| ChangesError::Read { path: at.to_owned(), source };
    let meta = fs::symlink_metadata(at).map_err(failed)?;
    let kind = if whiteout(&meta) {
        return Ok(Change { path, kind: ChangeKind::Deleted, mode: 0, size: 0 });
    } else if meta.is_dir() {
        refuse_indirect(at, &format!("{space}redirect"))?;
        ChangeKind::Directory { opaque: attribute(at, &format!("{space}opaque"))?.as_deref() == Some(b"y") }
    } else if meta.is_file() {
        refuse_indirect(at, &format!("{space}metacopy"))?;
        refuse_indirect(at, &format!("{space}redirect"))?;
        ChangeKind::File
    } else if meta.is_symlink() {
        ChangeKind::Link(fs::read_link(at).map_err(failed)?.into_os_string())
    } else {
        ChangeKind::Special
    };
    let size = if kind == ChangeKind::File { meta.len() } else { 0 };
    Ok(Change { path, kind, mode: meta.mode() & 0o7777, size })
}

fn whiteout(meta: &Metadata) -> bool {
    meta.file_type().is_char_device() && meta.rdev() == 0
}

fn refuse_indirect(at: &Path, name: &str) -> Result<(), ChangesError> {
    match attribute(at, name)? {
        None => Ok(()),
        Some(_) => Err(ChangesError::Indirect { path: at.to_owned(), attribute: name.to_owned() }),
    }
}

/// An extended attribute of the entry itself, not of what a link leads to.
fn attribute(at: &Path, name: &str) -> Result<Option<Vec<u8>>, ChangesError> {
    let mut value = vec![0; 256];
    match lgetxattr(at, name, &mut value[..]) {
        Ok(length) => {
            value.truncate(length);
            Ok(Some(value))
        }
        Err(rustix::io::Errno::NODATA | rustix::io::Errno::OPNOTSUPP) => Ok(None),
        // Longer than any that matters here: it is there.
        Err(rustix::io::Errno::RANGE) => Ok(Some(value)),
        Err(error) => Err(ChangesError::Read { path: at.to_owned(), source: error.into() }),
    }
}
