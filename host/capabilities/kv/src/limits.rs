//! What a skill may spend, and of whose.

use std::time::Duration;

/// Bytes of a key. Keys are shown in the audit and held in memory while they are listed.
pub const MAX_KEY: usize = 256;

/// Bytes of a value: one answer to the skill.
pub const MAX_VALUE: usize = 256 << 10;

/// Keys of a skill, all buckets together: what a key costs on disk beyond its bytes.
pub const MAX_KEYS: u64 = 10_000;

/// Buckets of a skill that hold something.
pub const MAX_BUCKETS: usize = 16;

/// Bytes of a bucket's name.
pub const MAX_BUCKET: usize = 64;

/// Keys in one answer of `list-keys`: at most 256 KiB of the host's memory.
pub const PAGE: usize = 1000;

/// Cursors that a bucket remembers. A skill that reads on needs one; older ones are forgotten.
pub const MAX_CURSORS: usize = 16;

/// Entries of one batch.
pub const MAX_BATCH: usize = 1000;

/// Bytes of values in one answer of `get-many`: the host's memory, which the skill's own limit does not count.
pub const MAX_BATCH_BYTES: usize = 4 << 20;

/// Operations of one call: each makes an entry in the audit, and each write makes the disk sync.
pub const MAX_OPERATIONS: u32 = 20_000;

/// How long opening waits for another process that has the file, such as a second `vox` running the same skill.
pub const LOCK_WAIT: Duration = Duration::from_secs(2);

/// How often it looks.
pub(crate) const LOCK_POLL: Duration = Duration::from_millis(20);

/// Bytes of a file's pages that are kept in memory while it is open. The default of the library is 1 GiB.
pub(crate) const CACHE: usize = 4 << 20;
