//! Checked code as a file in memory.

use super::Key;
use super::envelope::{Around, Broken, HEADER, MAC};
use rustix::fs::{MemfdFlags, SealFlags};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;

/// Bytes that are copied at a time: they fit into the second-level cache of any processor of the last ten years.
const PIECE: usize = 128 << 10;

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

    /// Copies the content of an entry here, checks what is copied, and ends all writing for good.
    ///
    /// Each piece is read once, into a buffer that nobody else can reach, and from there both checked and written,
    /// while it is still in the processor's cache. To copy within the kernel and to check the mapping afterwards
    /// took twice as long.
    pub(super) fn open(self, secret: &[u8; 32], key: &Key, entry: &mut File, length: u64) -> Result<Self, Broken> {
        let around = Around::read(entry, length)?;
        let mut check = around.check(secret);
        let mut left = usize::try_from(around.length()).map_err(|_| Broken::Length)?;
        let mut buffer = vec![0; PIECE.min(left.max(1))];
        // BLAKE3 is fastest where pieces start at multiples of their size, and the header was the first bytes of it.
        let mut room = PIECE - HEADER;
        while left > 0 {
            let piece = &mut buffer[..room.min(left)];
            entry.read_exact(piece)?;
            check.update(piece);
            (&self.0).write_all(piece)?;
            left -= piece.len();
            room = PIECE;
        }
        let mut mac = [0; MAC];
        entry.read_exact(&mut mac)?;
        check.finish(&around, key, mac)?;
        let all = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&self.0, all).map_err(io::Error::from)?;
        Ok(self)
    }

    /// Where this process, and nobody else, can open it while `self` lives.
    pub fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}
