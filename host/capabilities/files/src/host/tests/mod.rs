//! The functions as a guest calls them, on trees in memory.

mod files;
mod folders;
mod hostile;
mod linking;
mod rights;
mod streams;

use super::bindings::wasi::filesystem::preopens::Host as _;
use super::bindings::wasi::filesystem::types::{DescriptorFlags, HostDescriptor as _, OpenFlags, PathFlags};
use super::memory::Memory;
use super::{Descriptor, ErrorCode, Fault, Files, FilesCtxView, Subdirectories, preopened};
use crate::folders::Folders;
use crate::grant::Grant;
use crate::tree::Tree;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use vox_model::{CallScope, Effect, Recorder, Scope};
use wasmtime::component::{Resource, ResourceTable};

const READ: DescriptorFlags = DescriptorFlags::READ;
const WRITE: DescriptorFlags = DescriptorFlags::WRITE;
const MUTATE: DescriptorFlags = DescriptorFlags::MUTATE_DIRECTORY;
const CREATE: OpenFlags = OpenFlags::CREATE;
const TRUNCATE: OpenFlags = OpenFlags::TRUNCATE;
const EXCLUSIVE: OpenFlags = OpenFlags::EXCLUSIVE;
const DIRECTORY: OpenFlags = OpenFlags::DIRECTORY;
const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;

/// No flags of any kind.
fn none<T: Default>() -> T {
    T::default()
}

/// What a guest holds of a file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held(u32);

impl Held {
    /// As it is handed to functions.
    fn lent<T>(self) -> Resource<T> {
        Resource::new_borrow(self.0)
    }

    fn own<T>(self) -> Resource<T> {
        Resource::new_own(self.0)
    }
}

/// Keeps what was taken down.
#[derive(Default)]
struct Seen(Mutex<Vec<Effect>>);

impl Recorder for Seen {
    fn record(&self, effect: Effect) {
        self.0.lock().unwrap().push(effect);
    }
}

/// A call with granted folders.
struct Guest {
    files: Files,
    table: ResourceTable,
    seen: Arc<Seen>,
}

impl Guest {
    fn with(trees: Vec<(&str, Arc<Memory>)>, subdirectories: Subdirectories) -> Self {
        let seen = Arc::new(Seen::default());
        let scope =
            CallScope::from(Scope { recorder: Arc::clone(&seen) as Arc<dyn Recorder>, ..Scope::unwatched("guest") });
        let none = Folders::new(Arc::new(Grant::default()), None, scope.clone());
        let mut files = Files::new(none, subdirectories, scope);
        files.preopens = Some(preopened(trees.into_iter().map(|(guest, tree)| (guest, tree as Arc<dyn Tree>))));
        Self { files, table: ResourceTable::new(), seen }
    }

    /// One folder, and the handle of it.
    fn of(tree: &Arc<Memory>) -> (Self, Held) {
        let mut guest = Self::with(vec![("/data", Arc::clone(tree))], Subdirectories::AsOpened);
        let roots = guest.roots();
        (guest, roots[0])
    }

    fn view(&mut self) -> FilesCtxView<'_> {
        FilesCtxView { ctx: &mut self.files, table: &mut self.table }
    }

    fn roots(&mut self) -> Vec<Held> {
        let all = self.view().get_directories().unwrap();
        all.into_iter().map(|(handle, _)| Held(handle.rep())).collect()
    }

    fn open(&mut self, at: Held, path: &str, open: OpenFlags, flags: DescriptorFlags) -> Result<Held, ErrorCode> {
        let opened = self.view().open_at(at.lent(), none(), path.to_owned(), open, flags);
        told(opened).map(|handle| Held(handle.rep()))
    }

    /// What was taken down on this side, one line each: the trees here take nothing down.
    fn denied(&self) -> Vec<String> {
        let seen = self.seen.0.lock().unwrap();
        seen.iter().map(|effect| format!("{} {} {}", effect.verdict, effect.action, effect.target)).collect()
    }
}

/// What the guest is told.
fn told<T>(outcome: Result<T, Fault>) -> Result<T, ErrorCode> {
    outcome.map_err(|fault| match fault {
        Fault::Code(code) => code,
        Fault::Trap(error) => panic!("the guest was ended: {error:?}"),
    })
}

/// What a future gives at once: nothing here ever waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a local file does not let a guest wait"),
    }
}

/// A folder with one of everything.
fn sample(writable: bool) -> Arc<Memory> {
    let memory = Memory::new(writable)
        .file("a.txt", b"0123456789")
        .directory("sub")
        .file("sub/b.txt", b"b")
        .link("link", "a.txt")
        .link("sub/up", "../a.txt")
        .link("loop", "loop")
        .link("out", "../../etc")
        .link("abs", "/etc/passwd");
    Arc::new(memory)
}

/// What a handle may do.
fn flags_of(guest: &mut Guest, held: Held) -> DescriptorFlags {
    told(guest.view().get_flags(held.lent::<Descriptor>())).unwrap()
}
