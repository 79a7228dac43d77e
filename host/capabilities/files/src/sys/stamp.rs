//! What is kept of an object to see later whether it is still the same.

use crate::tree::Kind;
use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Identity and times of an object of the live folder. Kept in change sets, never shown to a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// Its number in the file system.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Permission bits, with set-id and sticky bits.
    pub mode: u32,
    /// When its content was last changed, in nanoseconds since 1970.
    pub modified: i64,
    /// When anything of it was last changed, in nanoseconds since 1970. Nobody can set it.
    pub changed: i64,
}

impl Stamp {
    /// Whether this is the object that the other stamp was taken of, with equal content as far as a stamp can tell,
    /// after it was renamed: that alone changes `changed`.
    pub(crate) fn same_but_moved(&self, other: &Self) -> bool {
        Self { changed: 0, ..*self } == Self { changed: 0, ..*other }
    }
}

/// What stands at a place of the host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meta {
    pub(crate) kind: Kind,
    pub(crate) device: u64,
    pub(crate) stamp: Stamp,
    pub(crate) owner: u32,
    pub(crate) group: u32,
}

impl Meta {
    /// What the numbers of the kernel say; none for what is neither file, directory nor link.
    pub(crate) fn new(stat: &Stat) -> Option<Self> {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Link,
            _ => return None,
        };
        let stamp = Stamp {
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mode: stat.st_mode & 0o7777,
            modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec as i64),
            changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec as i64),
        };
        Some(Self { kind, device: stat.st_dev, stamp, owner: stat.st_uid, group: stat.st_gid })
    }

    /// When its content was last changed.
    pub(crate) fn modified(&self) -> Option<SystemTime> {
        match u64::try_from(self.stamp.modified) {
            Ok(after) => UNIX_EPOCH.checked_add(Duration::from_nanos(after)),
            Err(_) => UNIX_EPOCH.checked_sub(Duration::from_nanos(self.stamp.modified.unsigned_abs())),
        }
    }
}

/// Times beyond the year 2262 meet at the end of the scale.
fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}
