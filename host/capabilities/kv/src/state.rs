//! The stores of one call.

use crate::bindings::wasi::keyvalue::store;
use crate::disk::Opened;
use crate::fault::Fault;
use crate::grant::Grant;
use crate::home::Home;
use crate::limits::{MAX_BUCKET, MAX_CURSORS, MAX_KEY, MAX_OPERATIONS, MAX_VALUE};
use std::collections::VecDeque;
use std::sync::Arc;
use vox_cap_log::escape_within;
use vox_model::{CallScope, Capability, Effect, Verdict};
use wasmtime::component::{ResourceTable, ResourceTableError};

/// Bytes of a bucket's name and a key in the audit.
const MAX_TARGET: usize = 320;

/// The bucket that is meant by no name.
const DEFAULT_BUCKET: &str = "default";

/// What the host functions see of a call.
pub struct KvCtxView<'a> {
    /// The stores of the call.
    pub ctx: &'a mut KvState,
    /// The table that buckets are kept in.
    pub table: &'a mut ResourceTable,
}

/// The stores of one call.
pub struct KvState {
    scope: CallScope,
    grant: Grant,
    home: Option<Arc<Home>>,
    open: Option<Arc<Opened>>,
    operations: u32,
    last_cursor: u64,
}

/// A bucket that a skill holds: a name, and where lists of its keys were cut.
pub struct Bucket {
    pub(crate) name: String,
    /// Cursors, and the keys that they stand for.
    cursors: VecDeque<(u64, String)>,
}

/// What goes back to a skill instead of a value.
pub enum Refusal {
    /// An error that it can deal with.
    Fault(Fault),
    /// The end of the call.
    Trap(wasmtime::Error),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ResourceTableError> for Refusal {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl Refusal {
    pub(crate) fn told(self) -> wasmtime::Result<store::Error> {
        match self {
            Self::Fault(Fault::NotGranted | Fault::TakenBack) => Ok(store::Error::AccessDenied),
            Self::Fault(Fault::BucketName) => Ok(store::Error::NoSuchStore),
            Self::Fault(fault) => Ok(store::Error::Other(fault.to_string())),
            Self::Trap(error) => Err(error),
        }
    }
}

impl Bucket {
    pub(crate) fn new(name: String) -> Self {
        Self { name, cursors: VecDeque::new() }
    }

    /// Where a list goes on. Only cursors of this bucket count: any other number is a guess.
    pub(crate) fn resume(&self, cursor: u64) -> Result<String, Fault> {
        let found = self.cursors.iter().find(|(number, _)| *number == cursor);
        found.map(|(_, key)| key.clone()).ok_or(Fault::Cursor)
    }

    pub(crate) fn remember(&mut self, cursor: u64, key: String) {
        if self.cursors.len() == MAX_CURSORS {
            self.cursors.pop_front();
        }
        self.cursors.push_back((cursor, key));
    }
}

/// Whose data it is. Names are claims of strangers: another content under the same name has a store of its own.
pub(crate) fn owner(scope: &CallScope) -> String {
    format!("{} {}", scope.skill, scope.digest)
}

impl KvState {
    /// The stores of a fresh call.
    ///
    /// The data is that of the scope's skill. `home` is none where the embedder keeps nothing.
    pub fn new(scope: CallScope, grant: Grant, home: Option<Arc<Home>>) -> Self {
        Self { scope, grant, home, open: None, operations: 0, last_cursor: 0 }
    }

    /// Carries an operation out, if it may start, and takes it down. `sent` is how many bytes of the skill it stores;
    /// the closure gives its value and how many bytes the skill receives.
    pub(crate) fn operate<R>(
        &mut self,
        action: &str,
        target: &str,
        sent: usize,
        run: impl FnOnce(&Opened, u64) -> Result<(R, usize), Fault>,
    ) -> Result<R, Fault> {
        let done = self.admit(action, target).and_then(|()| {
            // Opening is what `open` does, and nobody has a bucket without it.
            let opened = self.open.as_deref().ok_or(Fault::NotGranted)?;
            run(opened, self.grant.quota)
        });
        self.record(action, target, sent, done)
    }

    /// Whether an operation may start.
    pub(crate) fn admit(&mut self, action: &str, target: &str) -> Result<(), Fault> {
        self.operations = self.operations.saturating_add(1);
        if self.operations > MAX_OPERATIONS {
            return Err(Fault::Operations);
        }
        if self.grant.is_empty() {
            return Err(Fault::NotGranted);
        }
        // Taken down by the scope itself where it does not.
        if self.scope.allows(Capability::Kv, action, target) { Ok(()) } else { Err(Fault::TakenBack) }
    }

    /// Opens the file, once in a call.
    pub(crate) async fn open(&mut self) -> Result<&Opened, Fault> {
        let opened = match self.open.take() {
            Some(opened) => opened,
            None => self.home.as_ref().ok_or(Fault::NoHome)?.open(&owner(&self.scope)).await?,
        };
        Ok(self.open.insert(opened))
    }

    pub(crate) fn next_cursor(&mut self) -> u64 {
        self.last_cursor += 1;
        self.last_cursor
    }

    /// Takes an operation down. Refusals of the lease are down already; the one for too many operations comes once.
    pub(crate) fn record<R>(
        &self,
        action: &str,
        target: &str,
        sent: usize,
        done: Result<(R, usize), Fault>,
    ) -> Result<R, Fault> {
        let (verdict, rule, received, sent) = match &done {
            Ok((_, received)) => (Verdict::Allowed, self.grant.flag(), *received, sent),
            Err(fault) => (fault.verdict(), fault.detail(), 0, 0),
        };
        if self.operations <= MAX_OPERATIONS + 1 && !matches!(done, Err(Fault::TakenBack)) {
            self.scope.recorder.record(Effect {
                capability: Capability::Kv,
                action: action.to_owned(),
                target: target.to_owned(),
                verdict,
                rule,
                received: received as u64,
                sent: sent as u64,
            });
        }
        done.map(|(value, _)| value)
    }
}

/// The name of the bucket that a skill means.
pub(crate) fn bucket_name(identifier: &str) -> Result<String, Fault> {
    match identifier {
        "" => Ok(DEFAULT_BUCKET.to_owned()),
        name if name.len() > MAX_BUCKET || name.chars().any(char::is_control) => Err(Fault::BucketName),
        name => Ok(name.to_owned()),
    }
}

pub(crate) fn check_key(key: &str) -> Result<(), Fault> {
    if key.len() > MAX_KEY { Err(Fault::Key(key.len())) } else { Ok(()) }
}

pub(crate) fn check_value(value: &[u8]) -> Result<(), Fault> {
    if value.len() > MAX_VALUE { Err(Fault::Value(value.len())) } else { Ok(()) }
}

/// A bucket and a key, fit to be shown.
pub(crate) fn target(bucket: &str, key: &str) -> String {
    let mut shown = escape_within(bucket, MAX_BUCKET).text;
    shown.push('/');
    shown.push_str(&escape_within(key, MAX_TARGET - shown.len()).text);
    shown
}

/// A bucket and the keys of a batch, as many as fit.
pub(crate) fn targets<'a>(bucket: &str, keys: impl ExactSizeIterator<Item = &'a str>) -> String {
    let mut shown = format!("{}/ {} keys:", escape_within(bucket, MAX_BUCKET).text, keys.len());
    for key in keys {
        let room = MAX_TARGET.saturating_sub(shown.len() + 1 + '…'.len_utf8());
        let key = escape_within(key, room);
        if key.cut > 0 {
            shown.push('…');
            break;
        }
        shown.push(' ');
        shown.push_str(&key.text);
    }
    shown
}
