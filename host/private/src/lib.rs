//! Folders and files that belong to one user alone: the one place that knows of their owners, modes and names.
//!
//! What vox keeps for itself (compiled code, change sets, stores) decides what runs and what is written, so a file is taken
//! only from a folder and with a mode that let nobody else put it there. Files are written under a name that nobody
//! knows, made durable, and then given their own: they are there whole or not at all.

use rustix::fs::{Mode, OFlags};
use std::fs::{DirBuilder, File, Permissions, read_dir, remove_file};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::NamedTempFile;

/// How the names of files begin that are not whole yet.
const DRAFT: &str = ".new-";

/// What others may do with a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// See the names in it. Its files are closed to them all the same.
    Look,
    /// Nothing.
    Nothing,
}

/// Makes a folder that is ours, or checks that it is: a folder, no link, owned by this user, and closed to others but for
/// what they may do with it. What is made has mode 0700, its parents too.
///
/// # Errors
/// It cannot be made, or is none of that. [`io::ErrorKind::PermissionDenied`] says what is wrong and how to mend it.
pub fn folder(path: &Path, others: Others) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let about = std::fs::symlink_metadata(path)?;
    if !about.is_dir() {
        return Err(denied(format!("{} is no folder", path.display())));
    }
    if about.uid() != rustix::process::geteuid().as_raw() {
        return Err(denied(format!("{} belongs to somebody else", path.display())));
    }
    // Made by us it has 0700: somebody opened it up.
    let (closed, may) = match others {
        Others::Look => (0o022, "write to"),
        Others::Nothing => (0o077, "look into"),
    };
    match about.mode() & closed {
        0 => Ok(()),
        _ => Err(denied(format!("others may {may} it; run `chmod 700 {}`", path.display()))),
    }
}

/// Opens a file for reading that must be a regular one of ours, closed to everybody else, under one name only, and not
/// larger than `max` bytes. One that is replaced at that moment is read as it was.
///
/// # Errors
/// It is not there, or it is none of that.
pub fn open(path: &Path, max: u64) -> io::Result<File> {
    open_with(path, OFlags::RDONLY, max)
}

/// The same for reading and writing, of any size.
///
/// # Errors
/// As for [`open`].
pub fn open_to_write(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::RDWR, u64::MAX)
}

fn open_with(path: &Path, access: OFlags, max: u64) -> io::Result<File> {
    // Without blocking, or a FIFO under that name would make us wait for ever.
    let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let about = file.metadata()?;
    if about.nlink() == 0 && access != OFlags::RDONLY {
        // Replaced or removed since it was opened: what was there can be read, what is written would be lost.
        return Err(io::ErrorKind::NotFound.into());
    }
    let ours = about.is_file()
        && about.uid() == rustix::process::geteuid().as_raw()
        && about.mode() & 0o077 == 0
        && about.nlink() <= 1;
    if !ours {
        let what = "is not a private file of this user (regular, mode 0600, one name)";
        return Err(denied(format!("{} {what}", path.display())));
    }
    if about.len() > max {
        return Err(denied(format!("{} has {} bytes, at most {max} are taken", path.display(), about.len())));
    }
    Ok(file)
}

/// An empty file with mode 0600 under a name that nobody knows, to be given its own when it is whole. Dropping it removes it.
///
/// # Errors
/// It cannot be made.
pub fn draft(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(DRAFT).permissions(Permissions::from_mode(0o600)).tempfile_in(folder)
}

/// Writes a file so that it is there whole or not at all, and durably. What had the name is replaced.
///
/// # Errors
/// It cannot be written; what had the name is still there then.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    draft_of(folder, bytes)?.persist(folder.join(name)).map_err(|error| error.error)?;
    sync(folder)
}

/// The same, but what has the name already stays.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], or it cannot be written.
pub fn write_new(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    draft_of(folder, bytes)?.persist_noclobber(folder.join(name)).map_err(|error| error.error)?;
    sync(folder)
}

fn draft_of(folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = draft(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Makes the names in a folder durable.
///
/// # Errors
/// The system cannot.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes drafts that were not written to for so long: whoever made them was killed. One that somebody holds a lock on
/// stays.
///
/// # Errors
/// The folder cannot be read, or a draft cannot be removed. That the folder is not there is no error.
pub fn tidy(folder: &Path, age: Duration) -> io::Result<()> {
    let entries = match read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(DRAFT.as_bytes()) {
            continue;
        }
        let modified = entry.metadata()?.modified()?;
        let left = age.is_zero() || SystemTime::now().duration_since(modified).is_ok_and(|since| since >= age);
        // Held until it is gone: whoever still works on it holds it, too. What is no file of ours nobody works on.
        let draft = open_to_write(&entry.path());
        if left && draft.as_ref().map_or(true, |draft| draft.try_lock().is_ok()) {
            remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn denied(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests;
