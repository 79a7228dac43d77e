//! A directory of the host and what is reached through it.

use super::stamp::Meta;
use crate::tree::{FsError, FsResult, Kind, Place};
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::SystemTime;

/// How every path is walked. Links are refused, not followed: places have none, so one that turns up was put there by
/// somebody else in between.
const RESOLVE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_XDEV);

/// What of one directory is listed: it is held in memory, at once, because an overlay has to merge two listings and a
/// guest may take as long as it likes to read one.
const LISTING: Listing = Listing { entries: 1 << 19, bytes: 32 << 20 };

/// Bounds of a listing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing {
    /// Entries.
    pub(crate) entries: usize,
    /// Bytes of all names together.
    pub(crate) bytes: usize,
}

impl Listing {
    /// Counts one more.
    fn take(&mut self, name: &str) -> FsResult<()> {
        let left = |left: usize, what: usize| {
            let text = format!(
                "the directory has more than {} entries, or longer names than {} bytes together",
                LISTING.entries, LISTING.bytes
            );
            left.checked_sub(what).ok_or_else(|| FsError::Io(io::Error::new(io::ErrorKind::FileTooLarge, text)))
        };
        self.entries = left(self.entries, 1)?;
        self.bytes = left(self.bytes, name.len())?;
        Ok(())
    }
}

/// Bytes of directory entries that are read at once.
const LIST_BUFFER: usize = 32 << 10;

/// What a look at a place found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look {
    /// Nothing.
    Absent,
    /// Something that no guest is shown: a FIFO, a socket, a device, a mount point.
    Hidden,
    /// A file, a directory or a link.
    Here(Meta),
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    ReadWrite,
}

/// An open directory. Everything beneath it is reached from here.
#[derive(Debug)]
pub(crate) struct Root(OwnedFd);

impl Root {
    /// Opens the directory that an absolute path names, without following a single link on the way.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        Ok(Self(open_quietly(rustix::fs::CWD, path, flags, Mode::empty(), resolve)?))
    }

    pub(super) fn open_at(&self, place: &Place, flags: OFlags) -> io::Result<OwnedFd> {
        let path = place.to_string();
        open_quietly(&self.0, path.as_str(), flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty(), RESOLVE)
    }

    /// What stands at a place. Nothing is opened for it: a FIFO or a device notices nothing.
    pub(crate) fn look(&self, place: &Place) -> FsResult<Look> {
        Ok(self.look_and_hold(place)?.0)
    }

    fn look_and_hold(&self, place: &Place) -> FsResult<(Look, Option<OwnedFd>)> {
        match self.open_at(place, OFlags::PATH) {
            Ok(fd) => {
                let look = Meta::new(&rustix::fs::fstat(&fd).map_err(fs_error)?).map_or(Look::Hidden, Look::Here);
                Ok((look, Some(fd)))
            }
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::NOENT) => Ok((Look::Absent, None)),
                Some(Errno::XDEV) => Ok((Look::Hidden, None)),
                Some(errno) => Err(fs_error(errno)),
                None => Err(error.into()),
            },
        }
    }

    /// What is there of a place that must be there.
    pub(crate) fn meta(&self, place: &Place) -> FsResult<Meta> {
        match self.look(place)? {
            Look::Here(meta) => Ok(meta),
            Look::Absent => Err(FsError::NotFound),
            Look::Hidden => Err(FsError::NotPermitted),
        }
    }

    /// Opens the regular file at a place, with what it is. Checked before and after: what is no regular file is not
    /// opened, and what became one of another kind in between is not used.
    pub(crate) fn open_file(&self, place: &Place, access: Access) -> FsResult<(File, Meta)> {
        let before = self.meta(place)?;
        match before.kind {
            Kind::File => {}
            Kind::Directory => return Err(FsError::IsDirectory),
            Kind::Link => return Err(FsError::NotPermitted),
        }
        let flags = match access {
            Access::Read => OFlags::RDONLY,
            Access::Write => OFlags::WRONLY,
            Access::ReadWrite => OFlags::RDWR,
        };
        let fd = self.open_at(place, flags | OFlags::NONBLOCK).map_err(error_of)?;
        match Meta::new(&rustix::fs::fstat(&fd).map_err(fs_error)?) {
            Some(meta) if meta.kind == Kind::File => Ok((File::from(fd), meta)),
            _ => Err(FsError::NotPermitted),
        }
    }

    /// Makes a file where nothing is. `mode` is subject to the process's mask.
    pub(crate) fn create_file(&self, place: &Place, mode: u32, access: Access) -> FsResult<File> {
        let (parent, name) = self.parent(place)?;
        let access = match access {
            Access::Read => OFlags::RDONLY,
            Access::Write => OFlags::WRONLY,
            Access::ReadWrite => OFlags::RDWR,
        };
        let flags = access | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let opened = rustix::io::retry_on_intr(|| {
            rustix::fs::openat2(&parent, name, flags, Mode::from_raw_mode(mode & 0o777), RESOLVE)
        });
        Ok(File::from(opened.map_err(fs_error)?))
    }

    /// The directory that holds a place, and the name in it.
    pub(super) fn parent<'p>(&self, place: &'p Place) -> FsResult<(OwnedFd, &'p str)> {
        let (name, parents) = place.0.split_last().ok_or(FsError::Invalid)?;
        let parent = Place(parents.to_vec());
        Ok((self.open_at(&parent, OFlags::PATH | OFlags::DIRECTORY).map_err(error_of)?, name))
    }

    /// Makes a directory where nothing is. `mode` is subject to the process's mask.
    pub(crate) fn create_directory(&self, place: &Place, mode: u32) -> FsResult<()> {
        let (parent, name) = self.parent(place)?;
        rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(mode & 0o777)).map_err(fs_error)
    }

    /// Makes a link where nothing is.
    pub(crate) fn create_link(&self, target: &str, place: &Place) -> FsResult<()> {
        let (parent, name) = self.parent(place)?;
        rustix::fs::symlinkat(target, &parent, name).map_err(fs_error)
    }

    /// Removes a file or a link.
    pub(crate) fn remove_file(&self, place: &Place) -> FsResult<()> {
        let (parent, name) = self.parent(place)?;
        rustix::fs::unlinkat(&parent, name, AtFlags::empty()).map_err(fs_error)
    }

    /// Removes an empty directory.
    pub(crate) fn remove_directory(&self, place: &Place) -> FsResult<()> {
        let (parent, name) = self.parent(place)?;
        rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR).map_err(fs_error)
    }

    /// Gives something another place, replacing what a rename replaces.
    pub(crate) fn rename(&self, from: &Place, to: &Place) -> FsResult<()> {
        self.rename_with(from, self, to, RenameFlags::empty())
    }

    /// Gives something a place under another root of the same file system, where nothing may be.
    pub(crate) fn move_to(&self, from: &Place, other: &Self, to: &Place) -> FsResult<()> {
        self.rename_with(from, other, to, RenameFlags::NOREPLACE)
    }

    fn rename_with(&self, from: &Place, other: &Self, to: &Place, flags: RenameFlags) -> FsResult<()> {
        let (old, name) = self.parent(from)?;
        let (new, new_name) = other.parent(to)?;
        rustix::fs::renameat_with(&old, name, &new, new_name, flags).map_err(|errno| match errno {
            Errno::XDEV => FsError::CrossDevice,
            errno => fs_error(errno),
        })
    }

    /// The target of the link at a place; none where it is no UTF-8.
    pub(crate) fn target(&self, place: &Place) -> FsResult<Option<String>> {
        let (look, fd) = self.look_and_hold(place)?;
        match (look, fd) {
            (Look::Here(meta), Some(fd)) if meta.kind == Kind::Link => {
                let target = rustix::fs::readlinkat(&fd, "", Vec::new()).map_err(fs_error)?;
                Ok(target.into_string().ok())
            }
            (Look::Absent, _) => Err(FsError::NotFound),
            _ => Err(FsError::Invalid),
        }
    }

    /// The entries of a directory that guests may know of, and whether there are others.
    pub(crate) fn list(&self, place: &Place) -> FsResult<(Vec<(String, Kind)>, bool)> {
        self.list_within(place, LISTING)
    }

    /// The same within other bounds.
    pub(crate) fn list_within(&self, place: &Place, mut bounds: Listing) -> FsResult<(Vec<(String, Kind)>, bool)> {
        let fd = self.open_at(place, OFlags::RDONLY | OFlags::DIRECTORY).map_err(error_of)?;
        let mut buffer = vec![MaybeUninit::uninit(); LIST_BUFFER];
        let mut entries = Vec::new();
        let mut others = false;
        let mut raw = rustix::fs::RawDir::new(&fd, &mut buffer);
        while let Some(entry) = raw.next() {
            let entry = entry.map_err(fs_error)?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let kind = match entry.file_type() {
                rustix::fs::FileType::RegularFile => Some(Kind::File),
                rustix::fs::FileType::Directory => Some(Kind::Directory),
                rustix::fs::FileType::Symlink => Some(Kind::Link),
                // Some file systems do not say.
                rustix::fs::FileType::Unknown => rustix::fs::statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW)
                    .ok()
                    .and_then(|stat| Meta::new(&stat))
                    .map(|meta| meta.kind),
                _ => None,
            };
            match (name.to_str(), kind) {
                (Ok(name), Some(kind)) => {
                    bounds.take(name)?;
                    entries.push((name.to_owned(), kind));
                }
                _ => others = true,
            }
        }
        Ok((entries, others))
    }

    /// Sets the time of the last change of whatever stands at a place; a link's own.
    pub(crate) fn set_modified(&self, place: &Place, time: SystemTime) -> FsResult<()> {
        let times = super::file::modified(time)?;
        match self.parent(place) {
            Ok((parent, name)) => rustix::fs::utimensat(&parent, name, &times, AtFlags::SYMLINK_NOFOLLOW),
            Err(FsError::Invalid) => rustix::fs::futimens(&self.0, &times),
            Err(error) => return Err(error),
        }
        .map_err(fs_error)
    }

    /// Sets the permission bits of a directory or a regular file.
    pub(crate) fn set_mode(&self, place: &Place, mode: u32) -> FsResult<()> {
        let fd = self.open_at(place, OFlags::RDONLY | OFlags::NONBLOCK).map_err(error_of)?;
        rustix::fs::fchmod(&fd, Mode::from_raw_mode(mode & 0o777)).map_err(fs_error)
    }

    /// Makes the entries of the directory at a place durable.
    pub(crate) fn sync_directory(&self, place: &Place) -> FsResult<()> {
        let fd = self.open_at(place, OFlags::RDONLY | OFlags::DIRECTORY).map_err(error_of)?;
        super::sync(&fd).map_err(FsError::Io)
    }

    /// Whether another directory is this one or lies in it: its parents are followed up to the root of the system.
    ///
    /// Each parent is looked at and not opened: this is part of every call with a granted folder.
    pub(crate) fn holds(&self, other: &Self) -> io::Result<bool> {
        let wanted = identity(&self.0)?;
        let mut here = identity(&other.0)?;
        let mut way = String::from("..");
        while here != wanted {
            let up = rustix::fs::statat(&other.0, way.as_str(), AtFlags::SYMLINK_NOFOLLOW)?;
            let up = (up.st_dev, up.st_ino);
            if up == here {
                return Ok(false);
            }
            here = up;
            way.push_str("/..");
        }
        Ok(true)
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn identity(fd: impl AsFd) -> io::Result<(u64, u64)> {
    let stat = rustix::fs::fstat(fd)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// Opens without leaving a trace in the time of the last access, where that is ours to decide.
fn open_quietly(
    at: impl AsFd,
    path: impl rustix::path::Arg + Copy,
    flags: OFlags,
    mode: Mode,
    resolve: ResolveFlags,
) -> io::Result<OwnedFd> {
    let open = |flags| rustix::io::retry_on_intr(|| rustix::fs::openat2(&at, path, flags, mode, resolve));
    if flags.contains(OFlags::PATH) {
        return Ok(open(flags)?);
    }
    match open(flags | OFlags::NOATIME) {
        // Only the owner may ask for that.
        Err(Errno::PERM) => Ok(open(flags)?),
        opened => Ok(opened?),
    }
}

pub(super) fn error_of(error: io::Error) -> FsError {
    match Errno::from_io_error(&error) {
        Some(errno) => fs_error(errno),
        None => FsError::Io(error),
    }
}

/// What an error of the kernel means for a guest.
pub(crate) fn fs_error(errno: Errno) -> FsError {
    match errno {
        Errno::NOENT => FsError::NotFound,
        Errno::EXIST => FsError::Exists,
        Errno::NOTDIR => FsError::NotDirectory,
        Errno::ISDIR => FsError::IsDirectory,
        Errno::NOTEMPTY => FsError::NotEmpty,
        Errno::ROFS => FsError::ReadOnly,
        // Places have no links and cross no mounts: somebody put one there while we walked.
        Errno::LOOP | Errno::XDEV => FsError::NotPermitted,
        Errno::NAMETOOLONG => FsError::NameTooLong,
        Errno::INVAL => FsError::Invalid,
        Errno::MFILE | Errno::NFILE => FsError::TooManyOpen,
        errno => FsError::Io(errno.into()),
    }
}
