//! Checked code as a file in memory.

use super::Key;
use super::envelope::{Around, Broken, HEADER, MAC};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

/// A file that has no name in any folder and no writer: the bytes that were checked are the bytes that are run.
#[derive(Debug)]
pub struct Mapped(File);

impl Mapped {
    /// An empty file, still open for writing.
    pub(super) fn new() -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = Self(File::from(rustix::fs::memfd_create("vox-code", flags)?));
        // Without /proc there is no path to it.
        file.path().metadata().map(|_| file)
    }

    /// Copies the content of an entry here, ends all writing for good, and checks what is here now.
    pub(super) fn open(self, secret: &[u8; 32], key: &Key, entry: &mut File, length: u64) -> Result<Self, Broken> {
        let around = Around::read(entry, length)?;
        let size = usize::try_from(around.length()).map_err(|_| Broken::Length)?;
        self.copy(entry, size)?;
        let mut mac = [0; MAC];
        entry.read_exact_at(&mut mac, HEADER as u64 + around.length())?;
        let all = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&self.0, all).map_err(io::Error::from)?;
        self.with_bytes(size, |content| around.check(secret, key, content, mac))??;
        Ok(self)
    }

    /// Copies within the kernel: the bytes never pass through a buffer of ours.
    fn copy(&self, entry: &File, size: usize) -> io::Result<()> {
        let (mut from, end) = (HEADER as u64, (HEADER + size) as u64);
        while from < end {
            let left = (end - from) as usize;
            match rustix::fs::sendfile(&self.0, entry, Some(&mut from), left) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Shows the sealed content to `look`.
    fn with_bytes<T>(&self, size: usize, look: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
        if size == 0 {
            return Ok(look(&[]));
        }
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: a new mapping at an address that the kernel chooses.
        let at = unsafe { rustix::mm::mmap(std::ptr::null_mut(), size, ProtFlags::READ, flags, &self.0, 0) }?;
        // SAFETY: the mapping has `size` bytes of a file of that size, which is sealed against every change.
        let result = look(unsafe { std::slice::from_raw_parts(at.cast::<u8>(), size) });
        // SAFETY: mapped above, and nothing borrows from it any more.
        unsafe { rustix::mm::munmap(at, size) }?;
        Ok(result)
    }

    /// Where this process, and nobody else, can open it while `self` lives.
    pub fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}
