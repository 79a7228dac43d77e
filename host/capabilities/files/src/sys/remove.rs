//! Removing what is ours, with everything in it.

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Removes a folder of ours and everything in it, read-only or not. Links are removed, never followed. The way goes
/// down with a list instead of recursion, so that depth costs descriptors of no more than one path.
///
/// # Errors
/// Something cannot be removed. That nothing is there is no error.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let parent = match rustix::fs::open(parent, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        opened => opened?,
    };
    let name = CString::new(name.as_encoded_bytes())?;
    // Each level: the open directory and the names in it that are directories themselves.
    let mut levels: Vec<(OwnedFd, Vec<CString>)> = vec![(parent, vec![name])];
    loop {
        let depth = levels.len();
        let Some((at, pending)) = levels.last_mut() else { return Ok(()) };
        let Some(name) = pending.last() else {
            levels.pop();
            // What was emptied stands last in the list of the level above.
            match levels.last_mut() {
                Some((above, names)) => {
                    if let Some(name) = names.pop() {
                        gone(rustix::fs::unlinkat(above, name.as_c_str(), AtFlags::REMOVEDIR))?;
                    }
                }
                None => return Ok(()),
            }
            continue;
        };
        match open_directory(&at, name) {
            Ok(directory) => {
                let below = empty(&directory)?;
                levels.push((directory, below));
            }
            Err(Errno::NOENT) => {
                pending.pop();
            }
            Err(Errno::NOTDIR | Errno::LOOP) => {
                gone(rustix::fs::unlinkat(&at, name.as_c_str(), AtFlags::empty()))?;
                pending.pop();
            }
            Err(error) => return Err(error.into()),
        }
        debug_assert!(levels.len() <= depth + 1);
    }
}

fn open_directory(at: impl AsFd, name: &CString) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = match rustix::fs::openat(&at, name.as_c_str(), flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            // Sealed. `chmodat` would follow a link, but a link cannot be refused for its mode: this is a directory.
            rustix::fs::chmodat(&at, name.as_c_str(), Mode::RWXU, AtFlags::empty())?;
            rustix::fs::openat(&at, name.as_c_str(), flags, Mode::empty())
        }
        opened => opened,
    }?;
    rustix::fs::fchmod(&opened, Mode::RWXU)?;
    Ok(opened)
}

/// Removes everything from a directory that is no directory, and names those that are.
fn empty(directory: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut buffer = vec![MaybeUninit::uninit(); 16 << 10];
    let mut raw = rustix::fs::RawDir::new(directory, &mut buffer);
    let (mut directories, mut others) = (Vec::new(), Vec::new());
    while let Some(entry) = raw.next() {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        match entry.file_type() {
            FileType::Directory | FileType::Unknown => directories.push(name.to_owned()),
            _ => others.push(name.to_owned()),
        }
    }
    for name in others {
        gone(rustix::fs::unlinkat(directory, name.as_c_str(), AtFlags::empty()))?;
    }
    Ok(directories)
}

fn gone(removed: Result<(), Errno>) -> io::Result<()> {
    match removed {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
