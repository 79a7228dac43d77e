//! The mounts that a root is made of.

use super::{Failed, link};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, StatVfsMountFlags, fstatvfs, open, openat, openat2, statvfs};
use rustix::mount::{MountFlags, mount, mount_bind_recursive, mount_remount};
use rustix::process::geteuid;
use std::ffi::CString;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Something of the old root, open for nothing but being mounted elsewhere.
pub(super) struct Open(OwnedFd);

impl Open {
    /// A folder. A link is none.
    pub(super) fn folder(path: &Path) -> rustix::io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        open(path, flags, Mode::empty()).map(Self)
    }

    /// Whatever is there, links followed.
    pub(super) fn any(path: &Path) -> rustix::io::Result<Self> {
        open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map(Self)
    }
}

impl From<Open> for OwnedFd {
    fn from(open: Open) -> Self {
        open.0
    }
}

/// Makes a folder with its parents.
pub(super) fn folder(path: &Path) -> Result<(), Failed> {
    fs::create_dir_all(path).map_err(|error| Failed::step(&format!("making {}", path.display()), error))
}

/// Writes a file with its parents.
pub(super) fn file(path: &Path, text: &str) -> Result<(), Failed> {
    path.parent().map_or(Ok(()), folder)?;
    fs::write(path, text).map_err(|error| Failed::step(&format!("writing {}", path.display()), error))
}

/// Mounts memory.
pub(super) fn tmpfs(at: &Path, options: &str) -> Result<(), Failed> {
    let failed = |error: &dyn std::fmt::Display| Failed::step(&format!("mounting memory at {}", at.display()), error);
    let options = CString::new(options).map_err(|error| failed(&error))?;
    mount("tmpfs", at, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options.as_c_str())
        .map_err(|error| failed(&error))
}

/// Shows something of the old root at a place, with what is mounted below it. The flags hold for its topmost mount;
/// Landlock holds for all of them.
pub(super) fn bind(from: &Open, to: BorrowedFd<'_>, flags: MountFlags) -> Result<(), Failed> {
    let failed = |error: rustix::io::Errno| Failed::step("showing a folder of the machine", error);
    mount_bind_recursive(link(from.0.as_fd()), link(to)).map_err(failed)?;
    // The descriptor of the place still means what is covered; its path means what covers it.
    let path = fs::read_link(link(to)).map_err(|error| Failed::step("finding a mount", error))?;
    freeze(&path, flags)
}

/// Gives a mount flags, besides those that it has and that a user name space may not take away.
pub(super) fn freeze(at: &Path, flags: MountFlags) -> Result<(), Failed> {
    let failed = |error: rustix::io::Errno| Failed::step(&format!("making {} read-only", at.display()), error);
    let has = statvfs(at).map_err(failed)?.f_flag;
    let rows = [
        (StatVfsMountFlags::RDONLY, MountFlags::RDONLY),
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    let kept = rows.into_iter().filter(|(had, _)| has.contains(*had)).map(|(_, keep)| keep);
    mount_remount(at, kept.fold(flags | MountFlags::BIND, |all, one| all | one), "").map_err(failed)
}

/// Mounts an overlay. Layers are named by descriptors, so what stands in their paths has no meaning to the kernel.
pub(super) fn overlay(lower: &Open, upper: &Open, work: &Open, at: BorrowedFd<'_>) -> rustix::io::Result<()> {
    // Renamed folders are copied and no file is without its data, so that what is staged stands in the layer alone. In a
    // user name space the kernel sees to that by itself, and keeps its attributes where users may.
    let kind = if geteuid().is_root() { "redirect_dir=nofollow,metacopy=off,index=off" } else { "userxattr" };
    let [lower, upper, work] = [lower, upper, work].map(|open| link(open.0.as_fd()));
    let options = format!("lowerdir={lower},upperdir={upper},workdir={work},{kind}");
    let options = CString::new(options).map_err(|_| rustix::io::Errno::INVAL)?;
    mount("overlay", link(at), "overlay", MountFlags::NOSUID | MountFlags::NODEV, options.as_c_str())
}

/// The place of a granted folder below the new root, made where it can be. What is mounted already may hold links that a
/// program made: they are not followed.
pub(super) fn seat(base: &Path, guest: &Path) -> Result<OwnedFd, Failed> {
    let failed = |error: rustix::io::Errno| Failed {
        what: format!("there is no place for the folder {}: {error}", guest.display()),
        fix: "make that folder in the granted folder that it lies in, or grant it under another path".to_owned(),
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    let mut here = openat(CWD, base, flags, Mode::empty()).map_err(failed)?;
    let of_ours = fstatvfs(&here).map_err(failed)?.f_fsid;
    let relative: PathBuf = guest.components().skip(1).collect();
    for part in relative.components() {
        let name = part.as_os_str();
        here = match openat2(&here, name, flags, Mode::empty(), resolve) {
            // Nothing is made in a granted folder: it would be written there.
            Err(rustix::io::Errno::NOENT) if fstatvfs(&here).map_err(failed)?.f_fsid == of_ours => {
                rustix::fs::mkdirat(&here, name, Mode::from_raw_mode(0o755)).map_err(failed)?;
                openat2(&here, name, flags, Mode::empty(), resolve).map_err(failed)?
            }
            opened => opened.map_err(failed)?,
        };
    }
    Ok(here)
}
