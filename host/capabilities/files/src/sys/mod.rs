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
