//! Checked code in memory of its own.

use super::Key;
use super::envelope::{Around, Broken};
#[cfg(target_os = "linux")]
use rustix::mm::{Advice, madvise};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::ffi::c_void;
use std::io::{self, Read};
use std::ptr::NonNull;

/// A large page of x86-64.
const LARGE: usize = 2 << 20;

/// The content of an entry in memory that nobody writes to any more: the bytes that were checked are the bytes that
/// are run.
#[derive(Debug)]
pub struct Pages {
    /// Of everything that was mapped, and its length.
    mapped: (NonNull<c_void>, usize),
    content: NonNull<[u8]>,
}

// SAFETY: the memory belongs to this value alone and is only read once the value exists.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Pages {
    /// Reads and checks the content of an entry, and ends all writing.
    pub(super) fn read(secret: &[u8; 32], key: &Key, entry: &mut impl Read, length: u64) -> Result<Self, Broken> {
        let around = Around::read(entry, length)?;
        let pages = Self::map(around.length())?;
        // SAFETY: these bytes were mapped just now, readable and writable and all zero; nobody else knows of them.
        around.fill((secret, key), entry, unsafe { &mut *pages.content.as_ptr() })?;
        let (at, length) = pages.mapped;
        // SAFETY: the whole mapping is ours, and no reference into it is left.
        unsafe { mprotect(at.as_ptr(), length, MprotectFlags::READ) }.map_err(io::Error::from)?;
        Ok(pages)
    }

    /// Maps room for so many bytes, in large pages as far as these are filled: 550 small ones take as long as all that
    /// is done with them.
    fn map(length: usize) -> io::Result<Self> {
        let large = length / LARGE * LARGE;
        // Large pages begin at multiples of their size: what lies before the first is never touched.
        let spare = if large > 0 { LARGE } else { 0 };
        let whole = length.max(1).checked_add(spare).ok_or(io::ErrorKind::OutOfMemory)?;
        let (writable, private) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: new memory, at a place that the system chooses.
        let mapped = unsafe { mmap_anonymous(std::ptr::null_mut(), whole, writable, private) }?;
        let at = mapped.cast::<u8>();
        let at = if spare > 0 { at.wrapping_add(at.align_offset(LARGE)) } else { at };
        let some = |at: *mut u8| NonNull::new(at).ok_or(io::ErrorKind::OutOfMemory);
        let pages = Self {
            mapped: (some(mapped.cast())?.cast(), whole),
            content: NonNull::slice_from_raw_parts(some(at)?, length),
        };
        #[cfg(target_os = "linux")]
        for (advice, length) in [(Advice::LinuxHugepage, large), (Advice::LinuxPopulateWrite, length)] {
            // A system that cannot follow an advice gives small pages, one by one.
            // SAFETY: the range lies within the mapping, and neither advice changes what it holds.
            let _ = unsafe { madvise(at.cast(), length, advice) };
        }
        Ok(pages)
    }

    /// The content.
    pub fn content(&self) -> NonNull<[u8]> {
        self.content
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let (at, length) = self.mapped;
        // SAFETY: the mapping is ours, and whoever was lent the content has given it back.
        let unmapped = unsafe { munmap(at.as_ptr(), length) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::envelope::{HEADER, PIECE, seal};
    use super::*;
    use crate::cache::Kind;

    const SECRET: [u8; 32] = [7; 32];
    const KEY: Key = Key { kind: Kind::Code, hash: [1; 32] };

    fn read(sealed: &[u8]) -> Result<Vec<u8>, Broken> {
        let pages = Pages::read(&SECRET, &KEY, &mut &sealed[..], sealed.len() as u64)?;
        // SAFETY: nobody writes to it.
        Ok(unsafe { pages.content().as_ref() }.to_vec())
    }

    /// Empty, within one page, over several pieces, exactly one large page, and more than that.
    #[test]
    fn what_was_sealed_is_what_is_read() {
        for length in [0, 1, 4096, PIECE - HEADER, PIECE, 300_007, LARGE, 2 * LARGE + 4097] {
            let content: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
            assert!(read(&seal(&SECRET, &KEY, &content)).unwrap() == content, "{length}");
        }
    }

    #[test]
    fn a_flipped_bit_in_any_piece_is_found() {
        let sealed = seal(&SECRET, &KEY, &vec![3; 3 * PIECE]);
        for at in [0, HEADER, PIECE, 2 * PIECE, 3 * PIECE + HEADER - 1, sealed.len() - 1] {
            let mut spoilt = sealed.clone();
            spoilt[at] ^= 16;
            assert!(read(&spoilt).is_err(), "byte {at}");
        }
    }

    /// A file that another process cuts while it is read.
    #[test]
    fn an_entry_shorter_than_announced_is_found() {
        let sealed = seal(&SECRET, &KEY, &vec![3; 2 * PIECE]);
        let cut = Pages::read(&SECRET, &KEY, &mut &sealed[..PIECE], sealed.len() as u64);
        assert!(matches!(cut, Err(Broken::Io(_))), "{cut:?}");
    }
}
