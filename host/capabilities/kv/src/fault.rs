//! Why an operation was not carried out.

use crate::limits::LOCK_WAIT;
use crate::size::Size;
use vox_model::Verdict;

/// Why an operation was not carried out. The texts are for skills: they hold nothing of the machine. What its owner has
/// to know besides is in [`Fault::detail`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The skill has no store.
    #[error("no store was granted; run with --allow-kv")]
    NotGranted,
    /// The grant was taken back.
    #[error("the store was taken back while the skill ran")]
    TakenBack,
    /// No bucket can have this name.
    #[error("a bucket's name has up to 64 bytes and no control characters; `` and `default` name the same bucket")]
    BucketName,
    /// There are too many buckets.
    #[error("a skill has at most 16 buckets that hold something; delete all keys of one of them")]
    Buckets,
    /// The key is too long.
    #[error("the key has {0} bytes; at most 256 fit. Use a hash of it")]
    Key(usize),
    /// The value is too long.
    #[error("the value has {0} bytes; at most 262144 fit. Split it over several keys")]
    Value(usize),
    /// There are too many keys.
    #[error("a store has at most 10000 keys; delete some, or keep several things under one key")]
    Keys,
    /// The quota is used up.
    #[error(
        "the store is full: it would hold {would} bytes of keys and values, and {} were granted. Delete keys, or ask \
         the person who runs the skill for more: --allow-kv={}", Size(*quota), Size(would.next_power_of_two())
    )]
    Quota {
        /// What the store would hold.
        would: u64,
        /// What was granted.
        quota: u64,
    },
    /// The batch has too many entries.
    #[error("the batch has {0} entries; at most 1000 are taken at once. Use several batches")]
    Batch(usize),
    /// The values of a batch are too long together.
    #[error("the values have more than 4 MiB together; ask for fewer keys at once")]
    Answer,
    /// The cursor is not one of this bucket's.
    #[error("the cursor is not one that `list-keys` of this bucket gave lately; start again without one")]
    Cursor,
    /// The call used the store too often.
    #[error("the call used its store 20000 times, which is all that a call may; use batches")]
    Operations,
    /// The value to be incremented is not a number.
    #[error("the value under this key is no decimal number below 2^64, so it cannot be incremented")]
    NotANumber,
    /// The incremented value would not fit.
    #[error("the value under this key would exceed 2^64 - 1")]
    Overflow,
    /// The embedder keeps nothing.
    #[error("this host keeps no data of skills")]
    NoHome,
    /// Another process has the file.
    #[error("another process uses the store of this skill and did not let go within {} s; try again", LOCK_WAIT.as_secs())]
    Busy,
    /// The file is not what was written.
    #[error("the store of this skill is damaged; nothing was changed. The audit of this call names the file")]
    Damaged(String),
    /// The file cannot be used.
    #[error("the store of this skill cannot be used; the audit of this call says why")]
    Unusable(String),
}

impl Fault {
    /// What became of the operation.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::NotGranted | Self::TakenBack | Self::Quota { .. } => Verdict::Denied,
            _ => Verdict::Failed,
        }
    }

    /// All there is to know, for the person who runs the skill: the file's name, and what is wrong with it.
    pub fn detail(&self) -> String {
        match self {
            Self::Damaged(detail) | Self::Unusable(detail) => detail.clone(),
            other => other.to_string(),
        }
    }

    /// Whether the open file is not to be used any more.
    pub(crate) fn is_fatal(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::Unusable(_))
    }
}
