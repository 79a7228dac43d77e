//! Numbers for objects that say nothing about the host.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Gives each object a number that is the same within a call and different in every other: inode numbers tell what
/// else happens on a file system, and are hashed under a key of the call.
#[derive(Default)]
pub(crate) struct Ids {
    key: RandomState,
    next: AtomicU64,
}

impl Ids {
    /// The number of an object of the host.
    pub(crate) fn of(&self, device: u64, inode: u64) -> u64 {
        self.key.hash_one((0_u8, device, inode))
    }

    /// A number for an object that was just made.
    pub(crate) fn fresh(&self) -> u64 {
        self.key.hash_one((1_u8, self.next.fetch_add(1, Ordering::Relaxed)))
    }
}
