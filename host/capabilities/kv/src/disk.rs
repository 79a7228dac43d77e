//! One open file: entries, buckets, quotas.
//!
//! The library behind it is `redb`: a copy-on-write tree with a checksum on each page. Every change is one transaction
//! that is on disk before it is acknowledged, in two phases, so that the newest state is never guessed by checksums
//! that the content's author could play with (redb's documentation of `set_two_phase_commit` says how).

use crate::fault::Fault;
use crate::limits::{CACHE, MAX_BUCKETS, MAX_KEYS, PAGE};
use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Values by bucket and key.
const ENTRIES: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("entries");

/// Keys and bytes of each bucket that holds something.
const BUCKETS: TableDefinition<'_, &str, (u64, u64)> = TableDefinition::new("buckets");

/// Facts about the file itself.
const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");

/// The version of the tables above.
const FORMAT: u64 = 1;

/// An open file. Closed when the last call that uses it ends.
pub(crate) struct Opened {
    path: PathBuf,
    /// None only while it is dropped.
    database: Option<Database>,
    /// Something went wrong below: nothing is read or written any more, and the next call opens the file anew.
    broken: AtomicBool,
}

/// A page of keys.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) keys: Vec<String>,
    /// Whether there are more behind the last one.
    pub(crate) more: bool,
}

/// One change: a value, or none to delete the key.
pub(crate) type Change<'a> = (&'a str, Option<&'a [u8]>);

impl Opened {
    /// Opens a file that holds a store. None if another process has it, or another thread is just closing it.
    pub(crate) fn open(path: &Path, file: File) -> Result<Option<Self>, Fault> {
        let length = file.metadata().map_err(|e| unusable(path, &e))?.len();
        if length == 0 {
            // The library would make a new store of it. Ours are never empty, not even while they are made.
            return Err(damaged(path, "it is empty"));
        }
        Self::start(path, file, false)
    }

    /// Makes a store in an empty file.
    pub(crate) fn make(path: &Path, file: File) -> Result<Option<Self>, Fault> {
        Self::start(path, file, true)
    }

    fn start(path: &Path, file: File, fresh: bool) -> Result<Option<Self>, Fault> {
        let opened = guarded(path, || {
            let backend = FileBackend::new(file).map_err(redb::Error::from)?;
            let made = Builder::new()
                .set_cache_size(CACHE)
                // Reads all of it. Without, a file that was changed behind its back makes the library panic, or worse,
                // answer.
                .set_check_integrity_on_open(true)
                .create_with_backend(backend);
            match made {
                Err(redb::DatabaseError::DatabaseAlreadyOpen) => Ok(None),
                other => Ok(Some(other.map_err(redb::Error::from)?)),
            }
        })?;
        let Some(database) = opened else { return Ok(None) };
        let opened = Self { path: path.to_owned(), database: Some(database), broken: AtomicBool::new(false) };
        if fresh {
            opened.begin()?
        } else {
            opened.check()?
        }
        Ok(Some(opened))
    }

    /// Writes the empty tables of a new store.
    fn begin(&self) -> Result<(), Fault> {
        self.write(|transaction| {
            transaction.open_table(ENTRIES)?;
            transaction.open_table(BUCKETS)?;
            transaction.open_table(ABOUT)?.insert("format", FORMAT)?;
            Ok((true, ()))
        })
    }

    /// Whether the file is a store of this version.
    fn check(&self) -> Result<(), Fault> {
        let format = self.guarded(|database| {
            let about = database.begin_read()?.open_table(ABOUT)?;
            Ok(about.get("format")?.map(|format| format.value()))
        })?;
        match format {
            Some(FORMAT) => Ok(()),
            Some(newer) => Err(unusable(&self.path, &format!("it has the format {newer}; this vox reads {FORMAT}"))),
            None => Err(damaged(&self.path, "it does not say what it is")),
        }
    }

    /// Whether it may still be used.
    pub(crate) fn is_sound(&self) -> bool {
        !self.broken.load(Ordering::Relaxed)
    }

    pub(crate) fn get(&self, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.guarded(|database| {
            let entries = database.begin_read()?.open_table(ENTRIES)?;
            Ok(entries.get((bucket, key))?.map(|value| value.value().to_vec()))
        })
    }

    pub(crate) fn exists(&self, bucket: &str, key: &str) -> Result<bool, Fault> {
        self.guarded(|database| {
            let entries = database.begin_read()?.open_table(ENTRIES)?;
            Ok(entries.get((bucket, key))?.is_some())
        })
    }

    /// The keys behind `after`, or from the first, in the order of their bytes.
    pub(crate) fn keys(&self, bucket: &str, after: Option<&str>) -> Result<Keys, Fault> {
        self.guarded(|database| {
            let entries = database.begin_read()?.open_table(ENTRIES)?;
            let mut keys = Vec::new();
            for entry in entries.range((bucket, after.unwrap_or(""))..)? {
                let (key, _) = entry?;
                let (of, key) = key.value();
                if of != bucket {
                    break;
                }
                if Some(key) == after {
                    continue;
                }
                if keys.len() == PAGE {
                    return Ok(Keys { keys, more: true });
                }
                keys.push(key.to_owned());
            }
            Ok(Keys { keys, more: false })
        })
    }

    /// Whether a bucket of this name holds something, or may yet.
    pub(crate) fn has_room_for(&self, bucket: &str) -> Result<bool, Fault> {
        self.guarded(|database| {
            let buckets = database.begin_read()?.open_table(BUCKETS)?;
            Ok(buckets.get(bucket)?.is_some() || redb::ReadableTableMetadata::len(&buckets)? < MAX_BUCKETS as u64)
        })
    }

    /// Carries changes out, all of them or none. They are on disk when it returns.
    pub(crate) fn change(&self, bucket: &str, changes: &[Change<'_>], quota: u64) -> Result<(), Fault> {
        self.write(|transaction| Ok((apply(transaction, bucket, changes, quota)?, ())))
    }

    /// Adds to a decimal number under a key; a key that is not there counts as 0. Gives the sum.
    pub(crate) fn increment(&self, bucket: &str, key: &str, delta: u64, quota: u64) -> Result<u64, Fault> {
        self.write(|transaction| {
            let current = {
                let entries = transaction.open_table(ENTRIES)?;
                let value = entries.get((bucket, key))?;
                value.map_or(Ok(0), |value| number(value.value()))?
            };
            let sum = current.checked_add(delta).ok_or(Fault::Overflow)?;
            Ok((apply(transaction, bucket, &[(key, Some(sum.to_string().as_bytes()))], quota)?, sum))
        })
    }

    /// Runs one transaction, and keeps it if the closure says that it changed something.
    fn write<R>(&self, run: impl FnOnce(&WriteTransaction) -> Result<(bool, R), Wrong>) -> Result<R, Fault> {
        self.guarded(|database| {
            let mut transaction = database.begin_write()?;
            transaction.set_two_phase_commit(true);
            let (changed, value) = match run(&transaction) {
                Ok(done) => done,
                Err(wrong) => {
                    transaction.abort()?;
                    return Err(wrong);
                }
            };
            if changed {
                transaction.commit()?
            } else {
                transaction.abort()?
            }
            Ok(value)
        })
    }

    fn guarded<R>(&self, run: impl FnOnce(&Database) -> Result<R, Wrong>) -> Result<R, Fault> {
        let Some(database) = self.database.as_ref().filter(|_| self.is_sound()) else {
            return Err(unusable(&self.path, &"an earlier operation failed; call again"));
        };
        let done = guarded(&self.path, || run(database));
        if done.as_ref().is_err_and(Fault::is_fatal) {
            self.broken.store(true, Ordering::Relaxed);
        }
        done
    }
}

impl Drop for Opened {
    /// Closing writes, so it can fail, and panic like all else that reads a damaged file. What was acknowledged is on
    /// disk already; the next opening repairs the rest.
    fn drop(&mut self) {
        let database = self.database.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
    }
}

/// Carries changes out within a transaction, and tells whether there were any.
fn apply(transaction: &WriteTransaction, bucket: &str, changes: &[Change<'_>], quota: u64) -> Result<bool, Wrong> {
    let mut entries = transaction.open_table(ENTRIES)?;
    let mut buckets = transaction.open_table(BUCKETS)?;
    let before = buckets.get(bucket)?.map(|held| held.value()).unwrap_or_default();
    let (mut keys, mut bytes) = before;
    let mut changed = false;
    for (key, value) in changes {
        let old = match value {
            Some(value) => entries.insert((bucket, *key), *value)?,
            None => entries.remove((bucket, *key))?,
        };
        let old = old.map(|old| old.value().len());
        if let Some(length) = old {
            keys = keys.saturating_sub(1);
            bytes = bytes.saturating_sub((key.len() + length) as u64);
        }
        if let Some(value) = value {
            keys += 1;
            bytes += (key.len() + value.len()) as u64;
        }
        changed |= old.is_some() || value.is_some();
    }
    match keys {
        0 => drop(buckets.remove(bucket)?),
        _ => drop(buckets.insert(bucket, (keys, bytes))?),
    }
    let (mut count, mut all_keys, mut would) = (0, 0u64, 0u64);
    for held in buckets.iter()? {
        let (keys, bytes) = held?.1.value();
        (count, all_keys, would) = (count + 1, all_keys.saturating_add(keys), would.saturating_add(bytes));
    }
    // What makes a store smaller is always let through: the quota may have become smaller than what it holds.
    if count > MAX_BUCKETS && before.0 == 0 {
        return Err(Fault::Buckets.into());
    }
    if all_keys > MAX_KEYS && keys > before.0 {
        return Err(Fault::Keys.into());
    }
    if would > quota && bytes > before.1 {
        return Err(Fault::Quota { would, quota }.into());
    }
    Ok(changed)
}

fn number(value: &[u8]) -> Result<u64, Fault> {
    let digits = value.first().is_some_and(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok().filter(|_| digits);
    text.and_then(|text| text.parse().ok()).ok_or(Fault::NotANumber)
}

/// A refusal of ours, or an error of the library.
enum Wrong {
    Ours(Fault),
    Theirs(Box<redb::Error>),
}

impl From<Fault> for Wrong {
    fn from(fault: Fault) -> Self {
        Self::Ours(fault)
    }
}

/// The library has an error type for each kind of operation, and one for all of them.
macro_rules! theirs {
    ($($error:ty)*) => { $(
        impl From<$error> for Wrong {
            fn from(error: $error) -> Self {
                Self::Theirs(Box::new(error.into()))
            }
        }
    )* };
}
theirs!(redb::Error redb::TransactionError redb::TableError redb::StorageError redb::CommitError);

/// Runs what reads or writes the file, and turns every way in which that can go wrong into a fault. The library
/// panics on some damage: that is caught here, so nothing may be used afterwards that the closure could have left
/// half done.
fn guarded<R>(path: &Path, run: impl FnOnce() -> Result<R, Wrong>) -> Result<R, Fault> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Wrong::Ours(fault))) => Err(fault),
        Ok(Err(Wrong::Theirs(error))) => Err(translated(path, &error)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(damaged(path, text.unwrap_or("reading it failed")))
        }
    }
}

fn translated(path: &Path, error: &redb::Error) -> Fault {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match error {
        // Not the library's file at all, or cut off.
        redb::Error::Io(io) if matches!(io.kind(), InvalidData | UnexpectedEof) => damaged(path, io),
        redb::Error::Corrupted(_)
        | redb::Error::TableDoesNotExist(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TypeDefinitionChanged { .. }
        | redb::Error::TableIsMultimap(_) => damaged(path, error),
        _ => unusable(path, error),
    }
}

fn damaged(path: &Path, why: impl std::fmt::Display) -> Fault {
    Fault::Damaged(format!("{} is damaged: {why}; move it away to start anew, or restore a copy", path.display()))
}

pub(crate) fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Fault {
    Fault::Unusable(format!("{} cannot be used: {why}", path.display()))
}
