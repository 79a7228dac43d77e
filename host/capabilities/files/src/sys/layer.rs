//! The upper folder of a kernel overlay, as the kernel writes it and as it may be prepared while it is not mounted
//! (Documentation/filesystems/overlayfs.rst): deletions are character devices 0:0, directories that hide what was below
//! have an extended attribute.
//!
//! What is read here was written by programs that nobody trusts. Links are not followed, and what is no file, directory
//! or link is not opened.

use super::root::{Root, error_of, fs_error};
use super::stamp::Meta;
use crate::tree::{FsError, FsResult, Kind, Place};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, XattrFlags};
use rustix::io::Errno;
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

/// Bytes of directory entries that are read at once.
const LIST_BUFFER: usize = 32 << 10;

/// What a layer has under a name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layered {
    /// A file or a link.
    Object(Meta),
    /// A directory, and whether it hides all that is below it.
    Directory {
        /// What it is.
        meta: Meta,
        /// Whether it hides all that is below it.
        opaque: bool,
    },
    /// What is below is deleted.
    Whiteout,
    /// A pipe, a socket or a device.
    Special,
}

/// One entry of a directory of a layer.
#[derive(Debug)]
pub(crate) struct Written {
    /// Its name; none where it is no UTF-8, with what can be shown of it.
    pub(crate) name: Result<String, String>,
    /// What it is.
    pub(crate) what: Layered,
}

/// Overlays that root mounts and overlays of user name spaces keep their attributes under two names. Programs can write the
/// second, so it counts only where the first cannot be used.
fn attribute(name: &str) -> String {
    let space = if rustix::process::geteuid().is_root() { "trusted" } else { "user" };
    format!("{space}.overlay.{name}")
}

fn has(fd: impl AsFd, name: &str) -> FsResult<Option<Vec<u8>>> {
    let mut value = vec![0; 256];
    match rustix::fs::fgetxattr(fd, attribute(name), &mut value[..]) {
        Ok(length) => Ok(Some(value[..length].to_vec())),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        // Longer than any that matters here: it is there.
        Err(Errno::RANGE) => Ok(Some(value)),
        Err(error) => Err(fs_error(error)),
    }
}

impl Root {
    /// Hides what is below a place.
    pub(crate) fn create_whiteout(&self, place: &Place) -> FsResult<()> {
        let (parent, name) = self.parent(place)?;
        // Everybody may make this one device since Linux 5.8.
        rustix::fs::mknodat(&parent, name, FileType::CharacterDevice, Mode::empty(), rustix::fs::makedev(0, 0))
            .map_err(fs_error)
    }

    /// Lets a directory hide all that is below it.
    pub(crate) fn set_opaque(&self, place: &Place) -> FsResult<()> {
        let fd = self.open_at(place, OFlags::RDONLY | OFlags::DIRECTORY).map_err(error_of)?;
        rustix::fs::fsetxattr(&fd, attribute("opaque"), b"y", XattrFlags::empty()).map_err(fs_error)
    }

    /// All entries of a directory of a layer, in no particular order.
    pub(crate) fn written(&self, place: &Place) -> FsResult<Vec<Written>> {
        let fd = self.open_at(place, OFlags::RDONLY | OFlags::DIRECTORY).map_err(error_of)?;
        let mut buffer = vec![MaybeUninit::uninit(); LIST_BUFFER];
        let mut found = Vec::new();
        let mut raw = rustix::fs::RawDir::new(&fd, &mut buffer);
        while let Some(entry) = raw.next() {
            let entry = entry.map_err(fs_error)?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let stat = match rustix::fs::statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                // Something that still runs removed it.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(fs_error(error)),
            };
            let name = name.to_str().map(str::to_owned).map_err(|_| name.to_string_lossy().into_owned());
            let what = match Meta::new(&stat) {
                Some(meta) if meta.kind == Kind::Directory => match &name {
                    Ok(name) => self.layered_directory(&place.child(name), meta)?,
                    // It cannot be named, so it is left out with all that is in it.
                    Err(_) => Layered::Directory { meta, opaque: false },
                },
                Some(meta) => Layered::Object(meta),
                None if FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0 => {
                    Layered::Whiteout
                }
                None => Layered::Special,
            };
            found.push(Written { name, what });
        }
        Ok(found)
    }

    fn layered_directory(&self, place: &Place, meta: Meta) -> FsResult<Layered> {
        let fd = match self.open_at(place, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(fd) => fd,
            // A program closed it even to its owner: nothing in it can be read.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Ok(Layered::Special),
            Err(error) => return Err(error_of(error)),
        };
        refuse_indirect(&fd, &["redirect"])?;
        Ok(Layered::Directory { meta, opaque: has(&fd, "opaque")?.as_deref() == Some(b"y") })
    }

    /// Opens a file of a layer for reading; refused where its content is elsewhere.
    pub(crate) fn open_written(&self, place: &Place) -> FsResult<(File, Meta)> {
        let (file, meta) = self.open_file(place, super::Access::Read)?;
        refuse_indirect(&file, &["metacopy", "redirect"])?;
        Ok((file, meta))
    }
}

/// Overlays that write down moves and changes of attributes instead of content cannot be read without what is below.
fn refuse_indirect(fd: impl AsFd, names: &[&str]) -> FsResult<()> {
    for name in names {
        if has(&fd, name)?.is_some() {
            let text = format!(
                "the overlay of this machine refers to content elsewhere ({name}): run `echo N | sudo tee \
                 /sys/module/overlay/parameters/redirect_dir /sys/module/overlay/parameters/metacopy`"
            );
            return Err(FsError::Io(std::io::Error::other(text)));
        }
    }
    Ok(())
}
