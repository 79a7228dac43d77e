//! Files and folders that belong to this user alone. Everything here that is Unix is here only.

use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::NamedTempFile;

/// Opens a file that must be a regular one of ours, that others cannot reach, under one name only.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = File::options().read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let about = file.metadata()?;
    let ours = about.is_file() && about.uid() == euid() && about.mode() & 0o077 == 0 && about.nlink() == 1;
    if ours { Ok(file) } else { Err(refused("it is not a private file of this user (mode 0600, one name)")) }
}

/// How the names of files begin that are no stores yet.
const FRESH: &str = ".new-";

/// How old such a file has to be before it counts as left behind: whoever makes one locks it a moment later.
const SETTLED: Duration = Duration::from_secs(60);

/// Makes an empty file under a name that nobody knows yet.
pub(crate) fn fresh(folder: &Path) -> io::Result<NamedTempFile> {
    let mode = std::fs::Permissions::from_mode(0o600);
    tempfile::Builder::new().prefix(FRESH).permissions(mode).tempfile_in(folder)
}

/// Removes files that became no store because their maker was killed.
pub(crate) fn tidy(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        let age = about.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
        let fresh = about.is_file() && entry.file_name().as_encoded_bytes().starts_with(FRESH.as_bytes());
        if !fresh || age.is_none_or(|age| age < SETTLED) {
            continue;
        }
        // Held until it is gone. Somebody who still makes a store holds it, too.
        let file = open(&entry.path())?;
        if file.try_lock().is_ok() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes a folder that is ours alone, or checks that it is.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let about = std::fs::symlink_metadata(path)?;
    if !about.is_dir() || about.uid() != euid() {
        return Err(refused("it is not a folder of this user"));
    }
    if about.mode() & 0o077 != 0 {
        // Made by us it has 0700: somebody opened it up.
        return Err(refused(&format!("others may look into it; run `chmod 700 {}`", path.display())));
    }
    Ok(())
}

/// Makes the names in a folder durable.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn euid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}
