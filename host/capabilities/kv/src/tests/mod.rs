//! Tests through the functions that guests call.

mod crash;
mod damage;
mod kept;
mod limits;
mod sharing;
mod store;

use crate::bindings::wasi::keyvalue::store::{Error, Host as _, HostBucket as _};
use crate::{Bucket, Grant, Home, KvCtxView, KvState, KvView};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use vox_model::{CallScope, Capability, Effect, Lease, Recorder, Scope};
use wasmtime::component::{Resource, ResourceTable};

#[derive(Default)]
pub(super) struct Books(pub(super) Mutex<Vec<Effect>>);

impl Recorder for Books {
    fn record(&self, effect: Effect) {
        self.0.lock().unwrap().push(effect);
    }
}

pub(super) struct Held(AtomicBool);

impl Lease for Held {
    fn holds(&self, _: Capability) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Whose data a call of [`Call::new`] has.
pub(super) fn owner(skill: &str) -> String {
    crate::state::owner(&CallScope::unwatched(skill))
}

/// One call of a skill, as its guest sees it.
pub(super) struct Call {
    pub(super) state: KvState,
    pub(super) table: ResourceTable,
    pub(super) books: Arc<Books>,
    held: Arc<Held>,
}

impl KvView for Call {
    fn kv(&mut self) -> KvCtxView<'_> {
        KvCtxView { ctx: &mut self.state, table: &mut self.table }
    }
}

impl Call {
    pub(super) fn new(home: &Arc<Home>, owner: &str, quota: u64) -> Self {
        let (books, held) = (Arc::new(Books::default()), Arc::new(Held(AtomicBool::new(true))));
        let scope = CallScope::from(Scope { recorder: books.clone(), lease: held.clone(), ..Scope::unwatched(owner) });
        let state = KvState::new(scope, Grant { quota }, Some(Arc::clone(home)));
        Self { state, table: ResourceTable::new(), books, held }
    }

    /// A call of `skill` with a bucket that is open.
    pub(super) fn opened(home: &Arc<Home>, quota: u64) -> (Self, u32) {
        let mut call = Self::new(home, "skill", quota);
        let bucket = call.open("").unwrap();
        (call, bucket)
    }

    pub(super) fn open(&mut self, name: &str) -> Result<u32, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut view = self.kv();
        match runtime.block_on(view.open(name.to_owned())) {
            Ok(bucket) => Ok(bucket.rep()),
            Err(refusal) => Err(refusal.told().unwrap()),
        }
    }

    pub(super) fn get(&mut self, bucket: u32, key: &str) -> Result<Option<Vec<u8>>, Error> {
        told(self.kv().get(borrowed(bucket), key.to_owned()))
    }

    pub(super) fn set(&mut self, bucket: u32, key: &str, value: &[u8]) -> Result<(), Error> {
        told(self.kv().set(borrowed(bucket), key.to_owned(), value.to_owned()))
    }

    pub(super) fn delete(&mut self, bucket: u32, key: &str) -> Result<(), Error> {
        told(self.kv().delete(borrowed(bucket), key.to_owned()))
    }

    pub(super) fn list(&mut self, bucket: u32, cursor: Option<u64>) -> Result<(Vec<String>, Option<u64>), Error> {
        told(self.kv().list_keys(borrowed(bucket), cursor)).map(|page| (page.keys, page.cursor))
    }

    pub(super) fn take_back(&self) {
        self.held.0.store(false, Ordering::SeqCst);
    }

    pub(super) fn effects(&self) -> Vec<Effect> {
        self.books.0.lock().unwrap().clone()
    }
}

pub(super) fn borrowed(bucket: u32) -> Resource<Bucket> {
    Resource::new_borrow(bucket)
}

/// What the guest is told.
pub(super) fn told<R>(done: Result<R, crate::state::Refusal>) -> Result<R, Error> {
    done.map_err(|refusal| refusal.told().unwrap())
}

/// The text of an error that has one.
pub(super) fn text<R: std::fmt::Debug>(done: Result<R, Error>) -> String {
    match done {
        Err(Error::Other(text)) => text,
        other => panic!("{other:?} is no error with a text"),
    }
}

pub(super) fn home() -> (tempfile::TempDir, Arc<Home>) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path().join("kv"));
    (folder, home)
}
