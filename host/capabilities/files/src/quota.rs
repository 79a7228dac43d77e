//! How much a call may stage.

use crate::tree::{FsError, FsResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Limits of one granted folder in one call. They protect the host's disk and descriptors from the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of all staged files together, by their length: a hole counts as if it were written. For a folder that is
    /// written through: bytes by which files grew.
    pub bytes: u64,
    /// Staged files, links and directories at a time; and, counted apart, objects of the folder that were replaced or
    /// removed. For a folder that is written through: what was made.
    pub entries: u64,
    /// Names from the folder's root to an object.
    pub depth: usize,
    /// Files that are open at a time.
    pub open_files: u64,
}

impl Quota {
    /// Staged bytes: protects the disk that holds the staged data.
    pub const BYTES: u64 = 256 << 20;
    /// Staged entries: protects the inodes of that disk, and whoever reviews the change set.
    pub const ENTRIES: u64 = 10_000;
    /// Depth: protects whatever walks the tree later.
    pub const DEPTH: usize = 64;
    /// Open files: protects the descriptors of the process.
    pub const OPEN_FILES: u64 = 64;
}

impl Default for Quota {
    fn default() -> Self {
        Self { bytes: Self::BYTES, entries: Self::ENTRIES, depth: Self::DEPTH, open_files: Self::OPEN_FILES }
    }
}

/// What of a quota is used.
pub(crate) struct Meter {
    pub(crate) quota: Quota,
    bytes: AtomicU64,
    entries: AtomicU64,
    open: AtomicU64,
}

impl Meter {
    pub(crate) fn new(quota: Quota) -> Self {
        Self { quota, bytes: AtomicU64::new(0), entries: AtomicU64::new(0), open: AtomicU64::new(0) }
    }

    /// Takes bytes, or nothing if they do not fit.
    pub(crate) fn take_bytes(&self, more: u64) -> FsResult<()> {
        take(&self.bytes, more, self.quota.bytes).then_some(()).ok_or(FsError::Quota)
    }

    pub(crate) fn return_bytes(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::SeqCst);
    }

    /// Takes one entry.
    pub(crate) fn take_entry(&self) -> FsResult<()> {
        take(&self.entries, 1, self.quota.entries).then_some(()).ok_or(FsError::Quota)
    }

    pub(crate) fn return_entry(&self) {
        self.entries.fetch_sub(1, Ordering::SeqCst);
    }

    /// Takes the right to have one more file open, until the ticket is dropped.
    pub(crate) fn ticket(self: &Arc<Self>) -> FsResult<Ticket> {
        match take(&self.open, 1, self.quota.open_files) {
            true => Ok(Ticket(self.clone())),
            false => Err(FsError::TooManyOpen),
        }
    }
}

/// One open file.
pub(crate) struct Ticket(Arc<Meter>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

fn take(used: &AtomicU64, more: u64, limit: u64) -> bool {
    used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |used| used.checked_add(more).filter(|sum| *sum <= limit))
        .is_ok()
}
