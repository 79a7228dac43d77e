//! What only Linux has: every path is walked by the kernel beneath an open directory, without links, without magic
//! links, without mount points (`openat2`, Linux 5.6). The rest of the crate hands over [`Place`](crate::tree::Place)s,
//! which are resolved names, and never joins paths itself.
//!
//! On a system without `openat2` a folder cannot be opened at all, so a missing guard is a missing feature.

mod copy;
mod file;
mod layer;
mod remove;
mod root;
mod stamp;

pub(crate) use copy::{Hasher, carry_over, copy_and_hash, hash};
pub(crate) use file::{append_at_end, read_at, set_mode, set_modified, write_at};
pub(crate) use layer::{Layered, Written};
pub(crate) use remove::remove_tree;
#[cfg(test)]
pub(crate) use root::Listing;
pub(crate) use root::{Access, Look, Root, fs_error};
pub(crate) use stamp::Meta;
pub use stamp::Stamp;

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

/// How the names of files begin that are not whole yet.
const HALF_WRITTEN: &str = ".new-";

/// Makes what was written to a file or a directory durable.
pub(crate) fn sync(fd: impl AsFd) -> io::Result<()> {
    Ok(rustix::io::retry_on_intr(|| rustix::fs::fsync(&fd))?)
}

/// What an open file is.
pub(crate) fn meta_of(file: impl AsFd) -> crate::tree::FsResult<Meta> {
    let stat = rustix::fs::fstat(file).map_err(fs_error)?;
    Meta::new(&stat).ok_or(crate::tree::FsError::NotPermitted)
}

/// Makes everything on the file system of this file durable: cheaper than one by one for many files.
pub(crate) fn sync_all(fd: impl AsFd) -> io::Result<()> {
    Ok(rustix::io::retry_on_intr(|| rustix::fs::syncfs(&fd))?)
}

/// Whether a path could not be walked because a link is on it.
pub(crate) fn met_a_link(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP)
}

/// Makes a folder of our own that nobody else may look into, if it is not there.
///
/// # Errors
/// It cannot be made, it is no folder, it belongs to somebody else, or others may write to it.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let denied = |text: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let about = rustix::fs::statat(rustix::fs::CWD, path, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
    if rustix::fs::FileType::from_raw_mode(about.st_mode) != rustix::fs::FileType::Directory {
        return denied(format!("{} is no folder", path.display()));
    }
    if about.st_uid != rustix::process::geteuid().as_raw() {
        return denied(format!("{} belongs to somebody else", path.display()));
    }
    if about.st_mode & 0o022 != 0 {
        // Made by us it has 0700: somebody opened it up, and others could plant entries.
        return denied(format!("others may write to it; run `chmod 700 {}`", path.display()));
    }
    Ok(())
}

/// Opens a file of our own for reading: regular, ours, readable by nobody else, under one name, not larger than `max`.
///
/// # Errors
/// It is not there, or it is none of that.
pub(crate) fn open_private(path: &Path, max: u64) -> io::Result<std::fs::File> {
    use rustix::fs::{Mode, OFlags};
    use std::os::unix::fs::MetadataExt as _;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = std::fs::File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let about = file.metadata()?;
    let ours = about.is_file()
        && about.uid() == rustix::process::geteuid().as_raw()
        && about.mode() & 0o077 == 0
        && about.nlink() == 1;
    if !ours || about.len() > max {
        let text = format!("{} is not a private file of this user", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    Ok(file)
}

/// Writes a file of our own so that it is there whole or not at all, and durably.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write_private(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    let mut file = tempfile::Builder::new()
        .prefix(HALF_WRITTEN)
        .permissions(std::fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name)).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}

/// Removes what [`write_private`] left in a folder when it was killed. The caller sees to it that nobody writes there.
///
/// # Errors
/// The folder cannot be read, or something in it cannot be removed. That the folder is not there is no error.
pub(crate) fn remove_half_written(folder: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(HALF_WRITTEN.as_bytes()) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Locks a file of our own, making it if need be. None if another process, or another handle, holds it.
///
/// # Errors
/// It cannot be made or locked.
pub(crate) fn lock_file(path: &Path) -> io::Result<Option<std::fs::File>> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
        .open(path)?;
    locked(file.try_lock()).map(|locked| locked.then_some(file))
}

/// Locks a directory against everybody else who asks. Where the file system knows no such locks, it counts as locked.
///
/// # Errors
/// It cannot be opened.
pub(crate) fn lock_directory(path: &Path) -> io::Result<Option<std::fs::File>> {
    let file = std::fs::File::open(path)?;
    Ok(locked(file.try_lock()).unwrap_or(true).then_some(file))
}

fn locked(tried: Result<(), std::fs::TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(std::fs::TryLockError::WouldBlock) => Ok(false),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}
