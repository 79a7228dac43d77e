//! Folders and files that belong to this user alone: the one place that knows of owners, modes and locks.

use crate::StateError;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a writer waits for others: each holds the lock for a few milliseconds, so this one is stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// An open folder of this user's. Files are reached through its descriptor, never again through its path.
pub(crate) struct Folder {
    path: PathBuf,
    handle: OwnedFd,
}

/// Which file lies under a name: as long as one is held open, no other file can have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(u64, u64, i64, i64, u64);

/// A lock on a folder's writers; dropping it lets go.
pub(crate) struct Lock(OwnedFd);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a program that is being started may hold a copy of the descriptor until its exec.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

impl Folder {
    /// Opens a folder if there is one.
    pub(crate) fn existing(path: &Path) -> Result<Option<Self>, StateError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                let fix = "name the folder itself".to_owned();
                return Err(StateError::NotPrivate { path: path.to_owned(), why: "it is a link or no folder", fix });
            }
            Err(error) => return Err(StateError::io(path, "opened")(error)),
        };
        let about = rustix::fs::fstat(&handle).map_err(StateError::io(path, "looked at"))?;
        if about.st_uid != rustix::process::geteuid().as_raw() {
            let fix = "name a folder of your own".to_owned();
            return Err(StateError::NotPrivate { path: path.to_owned(), why: "it belongs to somebody else", fix });
        }
        if about.st_mode & 0o022 != 0 {
            // Made by us it has 0700: somebody opened it up, and others could plant files.
            let fix = format!("run `chmod 700 {}`", path.display());
            return Err(StateError::NotPrivate { path: path.to_owned(), why: "others may write to it", fix });
        }
        Ok(Some(Self { path: path.to_owned(), handle }))
    }

    /// Opens a folder, making it where it is missing.
    pub(crate) fn made(path: &Path) -> Result<Self, StateError> {
        if let Some(folder) = Self::existing(path)? {
            return Ok(folder);
        }
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StateError::io(path, "made"))?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            // What is acknowledged has to survive, and so has the folder that it lies in.
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(StateError::io(parent, "made durable"))?;
        }
        Self::existing(path)?.ok_or_else(|| StateError::io(path, "opened")(Errno::NOENT))
    }

    /// The path of a file in it, for messages.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Waits for the lock `name`, at most for `patience`.
    pub(crate) fn lock(&self, name: &str, patience: Duration) -> Result<Lock, StateError> {
        let file = self.open(name, OFlags::RDWR | OFlags::CREATE)?.ok_or_else(|| self.gone(name))?;
        let file = OwnedFd::from(file);
        let started = Instant::now();
        let mut pause = Duration::from_micros(200);
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Lock(file)),
                Err(Errno::WOULDBLOCK) if started.elapsed() >= patience => {
                    return Err(StateError::Busy { path: self.at(name) });
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => std::thread::sleep(pause),
                Err(error) => return Err(StateError::io(&self.at(name), "locked")(error)),
            }
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    /// Opens a file that must be a regular one of ours, open to nobody else, under one name only. None when missing. One
    /// that another process replaces at that moment is read as it was.
    pub(crate) fn open(&self, name: &str, flags: OFlags) -> Result<Option<File>, StateError> {
        // Without blocking, or a FIFO under that name would make us wait for ever.
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let path = self.at(name);
        let refuse = |why, fix| Err(StateError::NotPrivate { path: path.clone(), why, fix });
        let file = match rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(handle) => File::from(handle),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return refuse("it is a link", "put the file itself there".to_owned()),
            Err(error) => return Err(StateError::io(&path, "opened")(error)),
        };
        let about = file.metadata().map_err(StateError::io(&path, "looked at"))?;
        if !about.is_file() {
            return refuse("it is not a regular file", "move it away".to_owned());
        }
        if about.uid() != rustix::process::geteuid().as_raw() {
            return refuse("it belongs to somebody else", "move it away".to_owned());
        }
        if about.mode() & 0o077 != 0 {
            return refuse("others may read or write it", format!("run `chmod 600 {}`", path.display()));
        }
        match about.nlink() {
            // Replaced or removed since it was opened: what was there can be read, what is written would be lost.
            0 if flags.intersects(OFlags::WRONLY | OFlags::RDWR) => Ok(None),
            0 | 1 => Ok(Some(file)),
            _ => refuse("it has a second name", "copy it, and remove both names".to_owned()),
        }
    }

    /// Reads a file whole into `content`, which grows to no more than `max + 1` bytes: one more tells that it is larger.
    pub(crate) fn read(&self, name: &str, max: u64, content: &mut Vec<u8>) -> Result<Option<File>, StateError> {
        let Some(file) = self.open(name, OFlags::RDONLY)? else { return Ok(None) };
        (&file).take(max + 1).read_to_end(content).map_err(StateError::io(&self.at(name), "read"))?;
        Ok(Some(file))
    }

    /// Puts a file in place whole and durably, or not at all. The caller holds the lock, so that `draft`, the name it is
    /// written under first, has one user; what a killed process left there goes away.
    pub(crate) fn replace(&self, draft: &str, name: &str, content: &[u8]) -> Result<(), StateError> {
        self.remove(draft)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let mut file = self.open(draft, flags)?.ok_or_else(|| self.gone(draft))?;
        let written = file
            .write_all(content)
            .and_then(|()| file.sync_all())
            .and_then(|()| Ok(rustix::fs::renameat(&self.handle, draft, &self.handle, name)?));
        if let Err(error) = written {
            let _ = self.remove(draft);
            return Err(StateError::io(&self.at(name), "written")(error));
        }
        self.sync()
    }

    /// Gives a file another name, replacing what has it. Gives whether there was one.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<bool, StateError> {
        match rustix::fs::renameat(&self.handle, from, &self.handle, to) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(StateError::io(&self.at(from), "renamed")(error)),
        }
    }

    /// Removes a file. Gives whether there was one.
    pub(crate) fn remove(&self, name: &str) -> Result<bool, StateError> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(StateError::io(&self.at(name), "removed")(error)),
        }
    }

    /// Makes the names in it durable.
    pub(crate) fn sync(&self) -> Result<(), StateError> {
        rustix::fs::fsync(self.handle.as_fd()).map_err(StateError::io(&self.path, "made durable"))
    }

    /// The names in it that are valid Unicode; all of ours are.
    pub(crate) fn names(&self) -> Result<Vec<String>, StateError> {
        let list = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in rustix::fs::Dir::read_from(&self.handle)? {
                match entry?.file_name().to_str() {
                    Ok("." | "..") | Err(_) => {}
                    Ok(name) => names.push(name.to_owned()),
                }
            }
            names.sort_unstable();
            Ok(names)
        };
        list().map_err(StateError::io(&self.path, "listed"))
    }

    fn gone(&self, name: &str) -> StateError {
        StateError::io(&self.at(name), "opened")(Errno::NOENT)
    }
}

impl Identity {
    /// Of an open file.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        Ok(Self::from(rustix::fs::fstat(file)?))
    }

    /// Of what lies under a path, none when nothing does. One system call, so that it can be asked often.
    pub(crate) fn at(path: &Path) -> io::Result<Option<Self>> {
        match rustix::fs::statat(rustix::fs::CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(about) => Ok(Some(Self::from(about))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl From<rustix::fs::Stat> for Identity {
    #[allow(clippy::unnecessary_cast, reason = "the widths of these fields differ between platforms")]
    fn from(about: rustix::fs::Stat) -> Self {
        Self(
            about.st_dev as u64,
            about.st_ino as u64,
            about.st_ctime as i64,
            about.st_ctime_nsec as i64,
            about.st_size as u64,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_private() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("a/b");
        assert!(Folder::existing(&root).unwrap().is_none());
        let folder = Folder::made(&root).unwrap();
        folder.replace("x.new", "x", b"1").unwrap();
        folder.lock("x.lock", PATIENCE).unwrap();
        assert_eq!((mode(&root), mode(&home.path().join("a"))), (0o700, 0o700));
        assert_eq!((mode(&root.join("x")), mode(&root.join("x.lock"))), (0o600, 0o600));
        assert_eq!(folder.names().unwrap(), ["x", "x.lock"]);
    }

    #[test]
    fn folders_that_others_may_write_to_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        Folder::made(&root).unwrap();
        for bad in [0o770, 0o702, 0o777] {
            chmod(&root, bad);
            let error = Folder::made(&root).err().unwrap().to_string();
            assert!(error.contains(&format!("run `chmod 700 {}`", root.display())), "{error}");
        }
        chmod(&root, 0o755);
        Folder::made(&root).unwrap();
        symlink(&root, home.path().join("link")).unwrap();
        assert!(matches!(Folder::made(&home.path().join("link")), Err(StateError::NotPrivate { .. })));
    }

    #[test]
    fn files_that_are_not_ours_alone_are_refused() {
        let home = tempfile::tempdir().unwrap();
        chmod(home.path(), 0o700);
        let folder = Folder::made(home.path()).unwrap();
        folder.replace("x.new", "x", b"1").unwrap();
        let path = home.path().join("x");
        for bad in [0o640, 0o604, 0o620, 0o602] {
            chmod(&path, bad);
            let error = folder.open("x", OFlags::RDONLY).err().unwrap().to_string();
            assert!(error.contains(&format!("run `chmod 600 {}`", path.display())), "{error}");
        }
        chmod(&path, 0o600);
        assert!(folder.open("x", OFlags::RDONLY).unwrap().is_some());
        std::fs::hard_link(&path, home.path().join("y")).unwrap();
        assert!(matches!(folder.open("x", OFlags::RDONLY), Err(StateError::NotPrivate { .. })));
        symlink(&path, home.path().join("z")).unwrap();
        assert!(matches!(folder.open("z", OFlags::RDONLY), Err(StateError::NotPrivate { .. })));
        rustix::fs::mknodat(&folder.handle, "fifo", rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert!(matches!(folder.open("fifo", OFlags::RDONLY), Err(StateError::NotPrivate { .. })));
    }

    #[test]
    fn a_lock_that_is_held_is_waited_for_and_then_reported() {
        let home = tempfile::tempdir().unwrap();
        chmod(home.path(), 0o700);
        let folder = Folder::made(home.path()).unwrap();
        let held = folder.lock("l", PATIENCE).unwrap();
        assert!(matches!(folder.lock("l", Duration::from_millis(20)), Err(StateError::Busy { .. })));
        drop(held);
        folder.lock("l", Duration::from_millis(20)).unwrap();
    }

    #[test]
    fn a_file_that_is_replaced_while_it_is_opened_is_read_all_the_same() {
        let home = tempfile::tempdir().unwrap();
        chmod(home.path(), 0o700);
        let folder = Folder::made(home.path()).unwrap();
        folder.replace("x.new", "x", b"1").unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    // What `replace` does, without waiting for the disk: the more often, the sooner they meet.
                    folder.open("x.new", OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL).unwrap().unwrap();
                    assert!(folder.rename("x.new", "x").unwrap());
                }
            });
            let missed = (0..100_000).find_map(|_| match folder.open("x", OFlags::RDONLY) {
                Ok(Some(_)) => None,
                missed => Some(missed.map(drop)),
            });
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(missed.is_none(), "{missed:?}");
        });
    }

    #[test]
    fn what_a_killed_writer_left_is_cleared_by_the_next() {
        let home = tempfile::tempdir().unwrap();
        chmod(home.path(), 0o700);
        let folder = Folder::made(home.path()).unwrap();
        folder.replace("x.new", "x", b"old").unwrap();
        std::fs::write(home.path().join("x.new"), b"half").unwrap();
        let mut content = Vec::new();
        folder.read("x", 10, &mut content).unwrap();
        assert_eq!(content, b"old");
        folder.replace("x.new", "x", b"new").unwrap();
        assert_eq!(std::fs::read(home.path().join("x")).unwrap(), b"new");
        assert!(!home.path().join("x.new").exists());
    }
}
