//! Tests of the whole crate against real folders.

mod approval;
mod audit;
mod crash;
mod folders;
mod links;
mod listings;
mod live;
mod model;
mod names;
mod partial;
mod programs;
mod quotas;
mod races;
mod review;
mod rights;

use crate::changes::{Approval, ChangeSet, Choice, Store};
use crate::tree::{FsError, FsResult, How, OpenFile, Opened, Place, Tree};
use crate::{Access, Folder, FolderGrant, Quota, Staged};
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vox_model::CallScope;

/// A live folder and a store.
pub(super) struct Bench {
    /// Keeps the overlays of trees that are opened for themselves.
    kept: std::cell::RefCell<Vec<Staged>>,
    pub(super) temp: tempfile::TempDir,
    pub(super) live: PathBuf,
    pub(super) store: Store,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    /// Where making things durable costs nothing, if there is such a place: for tests that run often.
    pub(super) fn in_memory() -> Self {
        Self::at(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    fn at(temp: tempfile::TempDir) -> Self {
        let root = std::fs::canonicalize(temp.path()).unwrap();
        let live = root.join("live");
        std::fs::create_dir(&live).unwrap();
        let store = Store::open(&root.join("store")).unwrap();
        Self { kept: std::cell::RefCell::default(), temp, live, store }
    }

    /// A folder with a bit of everything.
    pub(super) fn furnished() -> Self {
        let bench = Self::new();
        bench.write("file", "content");
        bench.write("dir/inner", "inside");
        bench.write("dir/deep/leaf", "leaf");
        std::fs::create_dir(bench.live.join("empty")).unwrap();
        std::os::unix::fs::symlink("file", bench.live.join("link")).unwrap();
        std::os::unix::fs::symlink("dir", bench.live.join("dirlink")).unwrap();
        bench
    }

    pub(super) fn write(&self, path: &str, content: &str) {
        let path = self.live.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(super) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.live.join(path)).unwrap()
    }

    pub(super) fn grant(&self, access: Access) -> FolderGrant {
        FolderGrant { host: self.live.clone(), guest: "work".to_owned(), access }
    }

    pub(super) fn open_with(&self, access: Access, quota: Quota, scope: CallScope) -> Folder {
        let draft = (access == Access::Write).then(|| self.store.draft().unwrap());
        Folder::open(&self.grant(access), draft.as_deref(), quota, scope).unwrap()
    }

    pub(super) fn open(&self, access: Access) -> Arc<dyn Tree> {
        self.open_for(access, Quota::default(), CallScope::unwatched("test"))
    }

    pub(super) fn open_for(&self, access: Access, quota: Quota, scope: CallScope) -> Arc<dyn Tree> {
        let folder = self.open_with(access, quota, scope);
        self.kept.borrow_mut().extend(folder.staged);
        folder.tree
    }

    pub(super) fn overlay(&self) -> (Arc<dyn Tree>, Staged) {
        let folder = self.open_with(Access::Write, Quota::default(), CallScope::unwatched("test"));
        (folder.tree, folder.staged.unwrap())
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        snapshot(&self.live)
    }

    /// Stages something and seals it.
    pub(super) fn stage(&self, act: impl FnOnce(&dyn Tree)) -> ChangeSet {
        let (tree, staged) = self.overlay();
        act(&*tree);
        staged.seal(&self.store).unwrap().unwrap()
    }
}

/// Everything about a tree of files that must not change by itself: kind, mode, time, size, content or target.
pub(super) type Snapshot = BTreeMap<String, String>;

pub(super) fn snapshot(root: &Path) -> Snapshot {
    walked(root, true)
}

/// The same without times.
pub(super) fn contents(root: &Path) -> Snapshot {
    walked(root, false)
}

fn walked(root: &Path, times: bool) -> Snapshot {
    let mut found = Snapshot::new();
    let mut ahead = vec![PathBuf::new()];
    while let Some(at) = ahead.pop() {
        for entry in std::fs::read_dir(root.join(&at)).unwrap() {
            let entry = entry.unwrap();
            let about = entry.path().symlink_metadata().unwrap();
            let place = at.join(entry.file_name());
            let kind = about.file_type();
            let content = if kind.is_symlink() {
                format!("-> {}", std::fs::read_link(entry.path()).unwrap().display())
            } else if kind.is_dir() {
                ahead.push(place.clone());
                "/".to_owned()
            } else if kind.is_file() {
                let bytes = std::fs::read(entry.path()).unwrap();
                format!("{:?}", String::from_utf8_lossy(&bytes))
            } else {
                "special".to_owned()
            };
            let time = if times { format!(" {}.{:09}", about.mtime(), about.mtime_nsec()) } else { String::new() };
            let mode = about.permissions().mode();
            found.insert(place.display().to_string(), format!("{mode:o}{time} {content}"));
        }
    }
    found
}

/// How much more the random tests do than in every run: `VOX_TEST_SCALE`, 1 unless set.
pub(super) fn scale() -> u32 {
    std::env::var("VOX_TEST_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

pub(super) fn root() -> Place {
    Place::default()
}

pub(super) const READ: How =
    How { read: true, write: false, create: false, exclusive: false, truncate: false, directory: false, follow: true };
pub(super) const WRITE: How = How { write: true, ..READ };
pub(super) const CREATE: How = How { create: true, ..WRITE };
pub(super) const REPLACE: How = How { truncate: true, ..CREATE };
pub(super) const DIRECTORY: How = How { directory: true, ..READ };

/// Opens a file.
pub(super) fn open(tree: &dyn Tree, path: &str, how: How) -> FsResult<Arc<dyn OpenFile>> {
    match tree.open(&root(), path, how)? {
        Opened::File(file) => Ok(file),
        Opened::Directory(_) => Err(FsError::IsDirectory),
    }
}

pub(super) fn put(tree: &dyn Tree, path: &str, content: &str) {
    open(tree, path, REPLACE).unwrap().write_at(0, content.as_bytes()).unwrap();
}

pub(super) fn get(tree: &dyn Tree, path: &str) -> FsResult<String> {
    Ok(String::from_utf8(open(tree, path, READ)?.read_at(0, 1 << 20)?).unwrap())
}

pub(super) fn names(tree: &dyn Tree, path: &str) -> Vec<String> {
    let place = match tree.open(&root(), path, DIRECTORY).unwrap() {
        Opened::Directory(place) => place,
        Opened::File(_) => unreachable!(),
    };
    let mut names: Vec<String> = tree.list(&place).unwrap().into_iter().map(|(name, _)| name).collect();
    names.sort();
    names
}

/// A yes to all of a change set.
pub(super) fn yes(set: &ChangeSet) -> Approval {
    Approval { set: set.id, choice: Choice::All, acknowledged: true, principal: "tester".to_owned() }
}

/// The word for a result, to compare in tables.
pub(super) fn word<T>(result: &FsResult<T>) -> String {
    match result {
        Ok(_) => "Ok".to_owned(),
        Err(FsError::Io(error)) => format!("Io({:?})", error.kind()),
        Err(error) => format!("{error:?}"),
    }
}

/// Every operation on a path, by name.
pub(super) fn operate(tree: &dyn Tree, base: &Place, operation: &str, path: &str) -> FsResult<()> {
    let time = std::time::SystemTime::UNIX_EPOCH;
    match operation {
        "stat" => tree.stat(base, path, false).map(drop),
        "stat-follow" => tree.stat(base, path, true).map(drop),
        "read" => tree.open(base, path, READ).map(drop),
        "read-nofollow" => tree.open(base, path, How { follow: false, ..READ }).map(drop),
        "write" => tree.open(base, path, WRITE).map(drop),
        "create" => tree.open(base, path, CREATE).map(drop),
        "create-new" => tree.open(base, path, How { exclusive: true, ..CREATE }).map(drop),
        "truncate" => tree.open(base, path, How { truncate: true, ..WRITE }).map(drop),
        "open-directory" => tree.open(base, path, DIRECTORY).map(drop),
        "read-link" => tree.read_link(base, path).map(drop),
        "make-directory" => tree.create_directory(base, path),
        "remove-directory" => tree.remove_directory(base, path),
        "remove-file" => tree.remove_file(base, path),
        "rename-from" => tree.rename((base, path), (base, "renamed")),
        "rename-to" => tree.rename((base, "file"), (base, path)),
        "link" => tree.symlink("file", base, path),
        "set-time" => tree.set_modified(base, path, false, time),
        "set-time-follow" => tree.set_modified(base, path, true, time),
        other => panic!("{other}"),
    }
}

pub(super) const OPERATIONS: [&str; 18] = [
    "stat",
    "stat-follow",
    "read",
    "read-nofollow",
    "write",
    "create",
    "create-new",
    "truncate",
    "open-directory",
    "read-link",
    "make-directory",
    "remove-directory",
    "remove-file",
    "rename-from",
    "rename-to",
    "link",
    "set-time",
    "set-time-follow",
];
