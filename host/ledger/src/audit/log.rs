//! The files of the audit: appending, rotating, opening.

use super::Bounds;
use crate::StateError;
use crate::private::{Folder, Lock};
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a writer waits for the lock. A call waits with it, and without the lock a line is still written whole.
const PATIENCE: Duration = Duration::from_millis(250);

const LOCK: &str = ".lock";

/// The folder of the audit.
pub(super) struct Log {
    root: PathBuf,
    bounds: Bounds,
}

impl Log {
    pub(super) fn new(root: &Path, bounds: Bounds) -> Self {
        let bounds = Bounds { files: bounds.files.max(1), ..bounds };
        Self { root: root.join("audit"), bounds }
    }

    pub(super) fn path(&self) -> &Path {
        &self.root
    }

    /// Appends whole lines with one write, so that lines of several processes never mix. Not made durable against power
    /// loss: every call would wait for the disk.
    pub(super) fn append(&self, lines: &[u8]) -> Result<(), StateError> {
        if let Some(root) = self.root.parent() {
            Folder::made(root)?;
        }
        let folder = Folder::made(&self.root)?;
        let lock = self.lock(&folder)?;
        let name = file_name(0);
        let mut file = open(&folder)?;
        let path = folder.at(&name);
        let about = file.metadata().map_err(StateError::io(&path, "looked at"))?;
        let mut length = about.size();
        if lock.is_some() && length > 0 && length + lines.len() as u64 > self.bounds.bytes {
            self.rotate(&folder)?;
            file = open(&folder)?;
            length = 0;
        }
        // A writer that was killed, or a full disk, may have left half a line. Without the lock that cannot be told.
        let torn = lock.is_none() || ends_torn(&file, length).map_err(StateError::io(&path, "read"))?;
        let joined;
        let lines = if torn {
            joined = [b"\n", lines].concat();
            &joined
        } else {
            lines
        };
        write_once(&mut file, lines).map_err(StateError::io(&path, "written"))
    }

    /// The files that are there, the oldest first, opened at one moment between two rotations.
    pub(super) fn files(&self) -> Result<Vec<(PathBuf, File)>, StateError> {
        let Some(folder) = Folder::existing(&self.root)? else { return Ok(Vec::new()) };
        let _lock = self.lock(&folder)?;
        let mut files = Vec::new();
        for index in (0..self.bounds.files).rev() {
            let name = file_name(index);
            if let Some(file) = folder.open(&name, OFlags::RDONLY)? {
                files.push((folder.at(&name), file));
            }
        }
        Ok(files)
    }

    /// None when somebody sits on the lock: a stuck process must stop neither calls nor readers.
    fn lock(&self, folder: &Folder) -> Result<Option<Lock>, StateError> {
        match folder.lock(LOCK, PATIENCE) {
            Ok(lock) => Ok(Some(lock)),
            Err(StateError::Busy { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Moves every file on by one; the last is replaced. Killed in between, it leaves a gap in the numbers, no more.
    fn rotate(&self, folder: &Folder) -> Result<(), StateError> {
        if self.bounds.files == 1 {
            folder.remove(&file_name(0))?;
        }
        for index in (0..self.bounds.files - 1).rev() {
            folder.rename(&file_name(index), &file_name(index + 1))?;
        }
        Ok(())
    }
}

fn open(folder: &Folder) -> Result<File, StateError> {
    let name = file_name(0);
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE;
    folder.open(&name, flags)?.ok_or_else(|| StateError::io(&folder.at(&name), "opened")(io::ErrorKind::NotFound))
}

fn file_name(index: u32) -> String {
    match index {
        0 => "audit.jsonl".to_owned(),
        index => format!("audit.{index}.jsonl"),
    }
}

fn ends_torn(file: &File, length: u64) -> io::Result<bool> {
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last != *b"\n")
}

/// A second write for the rest could land behind another process's line; half a line is what the next writer mends.
fn write_once(file: &mut File, lines: &[u8]) -> io::Result<()> {
    loop {
        return match file.write(lines) {
            Ok(length) if length == lines.len() => Ok(()),
            Ok(length) => Err(io::Error::new(
                io::ErrorKind::StorageFull,
                format!("only {length} of {} bytes could be written", lines.len()),
            )),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
    }
}
