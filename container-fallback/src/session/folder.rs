//! The folders of a container.

use super::StartError;
use crate::check::GuestPath;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A folder of the host that programs in the container see.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Where it is.
    pub host: PathBuf,
    /// Where programs see it: absolute, and not where the container's own system is.
    pub guest: String,
    /// What programs may do with it.
    pub access: Access,
}

/// What programs may do with a folder.
#[derive(Clone, Debug)]
pub enum Access {
    /// Read it, as it is at each moment.
    Read,
    /// Read and write at once, without a layer in between.
    Direct,
    /// Read and write; the folder itself stays as it is. Both folders lie on one file system and belong to the caller, who
    /// reads the first with [`changes`](crate::changes) after the end of the session and removes both.
    Write {
        /// Gets what is written. What lies in it at the start is part of what programs see.
        upper: PathBuf,
        /// Empty; belongs to the kernel while the session lives.
        work: PathBuf,
    },
}

/// A folder that was checked.
#[derive(Debug)]
pub(super) struct Checked<'f> {
    pub(super) folder: &'f Folder,
    pub(super) guest: GuestPath,
}

/// Checks what can be known before an engine is asked.
pub(super) fn check(folders: &[Folder]) -> Result<Vec<Checked<'_>>, StartError> {
    let mut checked: Vec<Checked<'_>> = Vec::with_capacity(folders.len());
    for folder in folders {
        let guest = GuestPath::new(&folder.guest).map_err(StartError::Folder)?;
        if checked.iter().any(|other| other.guest == guest) {
            return Err(StartError::Folder(format!("two folders are granted as {guest}")));
        }
        directory(&folder.host)?;
        if let Access::Write { upper, work } = &folder.access {
            writable(upper, work)?;
        }
        checked.push(Checked { folder, guest });
    }
    Ok(checked)
}

fn directory(path: &Path) -> Result<fs::Metadata, StartError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() && path.is_absolute() => Ok(meta),
        Ok(_) => Err(StartError::Folder(format!("{} is no folder given by an absolute path", path.display()))),
        Err(error) => Err(StartError::Folder(format!("the folder {} cannot be read: {error}", path.display()))),
    }
}

/// `OVERLAYFS_SUPER_MAGIC` of linux/magic.h: an overlay cannot be the upper layer of another.
const OVERLAY: i64 = 0x794c_7630;

fn writable(upper: &Path, work: &Path) -> Result<(), StartError> {
    let [above, beside] = [directory(upper)?, directory(work)?];
    let impossible = |why: String| Err(StartError::Overlay(why));
    if above.dev() != beside.dev() {
        return impossible(format!("{} and {} lie on different file systems", upper.display(), work.display()));
    }
    if !fs::read_dir(work).is_ok_and(|mut entries| entries.next().is_none()) {
        return impossible(format!("{} is not empty, or cannot be read", work.display()));
    }
    let system =
        rustix::fs::statfs(upper).map_err(|error| StartError::Overlay(format!("{}: {error}", upper.display())))?;
    #[allow(clippy::unnecessary_cast, reason = "the type of the field differs between targets")]
    if system.f_type as i64 == OVERLAY {
        return impossible(format!(
            "{} itself lies on an overlay file system, as in a container: keep vox's state folder on a disk",
            upper.display()
        ));
    }
    if !fs::read_to_string("/proc/filesystems").is_ok_and(|list| list.lines().any(|line| line.ends_with("\toverlay"))) {
        return impossible("this kernel has no overlay file system; run `sudo modprobe overlay`".to_owned());
    }
    Ok(())
}
