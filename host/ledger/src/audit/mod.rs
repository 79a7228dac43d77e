//! What calls did: one line each, bounded in size, written by several processes at once.

mod call;
mod log;
mod read;
mod record;
mod scrub;
#[cfg(test)]
mod tests;

pub use call::{CallAbout, CallRecorder};
pub use read::{Filter, Reading};
pub use record::{Consented, Ended, Event, Record, Started};

use crate::StateError;
use log::Log;
use record::encode;
use scrub::Scrub;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The audit cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file or the folder.
    #[error(transparent)]
    State(#[from] StateError),
    /// Records were lost.
    #[error("the audit below {path} could not be written, so what skills do is not recorded: {why}", path = path.display())]
    Lost {
        /// Its folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// How much the audit keeps: the person's disk. Beyond, the oldest file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Files, the one that is written to included; at least one.
    pub files: u32,
    /// Bytes of one file.
    pub bytes: u64,
}

impl Default for Bounds {
    /// 8 files of 4 MiB: about 100,000 effects.
    fn default() -> Self {
        Self { files: 8, bytes: 4 << 20 }
    }
}

/// The audit of a person. Clones share one.
#[derive(Clone)]
pub struct Audit(Arc<Inner>);

struct Inner {
    log: Log,
    scrub: RwLock<Scrub>,
    trouble: Mutex<Trouble>,
}

#[derive(Default)]
struct Trouble {
    /// The first failure, until somebody asks.
    first: Option<AuditError>,
    /// Whether there was one.
    any: bool,
    /// Records that were lost since the last that was written.
    lost: u64,
}

impl Audit {
    /// The audit below a folder, which the first record makes.
    pub fn new(root: &Path, bounds: Bounds) -> Self {
        let scrub = RwLock::new(Scrub::default());
        Self(Arc::new(Inner { log: Log::new(root, bounds), scrub, trouble: Mutex::default() }))
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.0.log.path()
    }

    /// From now on, no text in which one of these values occurs is written, plain or encoded; the record says so
    /// instead. Tell it before the first call that may come near them.
    pub fn hide<'a>(&self, secrets: impl IntoIterator<Item = &'a SecretString>) {
        let mut scrub = self.0.scrub.write().unwrap_or_else(PoisonError::into_inner);
        secrets.into_iter().for_each(|secret| scrub.add(secret));
    }

    /// Takes a call down: that it started, what it does, and how it ends.
    pub fn call(&self, about: CallAbout) -> CallRecorder {
        CallRecorder::new(self.clone(), about)
    }

    /// Takes a single record down at once, such as a decision of the person.
    pub fn note(&self, record: &Record) {
        let line = self.encode(record);
        self.append(line, 1);
    }

    /// The records that pass a filter, the oldest first. Lines that make no sense are passed over and noted.
    ///
    /// # Errors
    /// A file is there and cannot be read.
    pub fn read(&self, filter: &Filter) -> Result<Reading, AuditError> {
        Ok(read::read(&self.0.log, filter)?)
    }

    /// The first failure to write, once: later questions get nothing, as calls go on and every record would repeat it.
    pub fn trouble(&self) -> Option<AuditError> {
        self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner).first.take()
    }

    fn encode(&self, record: &Record) -> Vec<u8> {
        encode(record, &self.0.scrub.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes whole lines; a failure is remembered and the lines are lost.
    fn append(&self, mut lines: Vec<u8>, count: u64) {
        let mut trouble = self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.lost > 0 {
            let mut with_gap = self.encode(&Record::gap(trouble.lost));
            with_gap.append(&mut lines);
            lines = with_gap;
        }
        match self.0.log.append(&lines) {
            Ok(()) => trouble.lost = 0,
            Err(error) => {
                trouble.lost += count;
                if !std::mem::replace(&mut trouble.any, true) {
                    trouble.first = Some(AuditError::Lost { path: self.path().to_owned(), why: error.to_string() });
                }
            }
        }
    }
}
