//! Random calls against a plain folder: the guest sees the same at every step, and so does everybody after approval.

use super::*;
use crate::changes::Action;
use crate::tree::Kind;
use proptest::prelude::*;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::SystemTime;

/// Handles that a sequence holds at a time.
const HANDLES: usize = 3;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Write(String, String),
    WriteAt(String, u64, String),
    Append(String, String),
    Cut(String, u64),
    CreateNew(String),
    Remove(String),
    MakeDirectory(String),
    RemoveDirectory(String),
    Rename(String, String),
    Link(String, String),
    SetTime(String, bool),
    Read(String),
    ReadAt(String, u64),
    ReadLink(String),
    Stat(String, bool),
    List(String),
    /// Opens a file for reading and writing, or for reading, and keeps it open.
    Hold(usize, String, bool),
    HeldWrite(usize, u64, String),
    HeldAppend(usize, String),
    HeldCut(usize, u64),
    HeldRead(usize),
    LetGo(usize),
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "dir", "file", "link"]).prop_map(str::to_owned)
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 1..4).prop_map(|names| names.join("/"))
}

fn text() -> impl Strategy<Value = String> {
    "[xyz]{0,9}".prop_map(|text| text)
}

/// An operation on a path.
pub(super) fn on_path() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (path(), text()).prop_map(|(path, text)| Op::Write(path, text)),
        1 => (path(), 0..12_u64, text()).prop_map(|(path, at, text)| Op::WriteAt(path, at, text)),
        2 => (path(), text()).prop_map(|(path, text)| Op::Append(path, text)),
        1 => (path(), 0..12_u64).prop_map(|(path, size)| Op::Cut(path, size)),
        1 => path().prop_map(Op::CreateNew),
        3 => path().prop_map(Op::Remove),
        4 => path().prop_map(Op::MakeDirectory),
        2 => path().prop_map(Op::RemoveDirectory),
        5 => (path(), path()).prop_map(|(from, to)| Op::Rename(from, to)),
        2 => (path(), path()).prop_map(|(target, path)| Op::Link(target, path)),
        1 => (path(), any::<bool>()).prop_map(|(path, follow)| Op::SetTime(path, follow)),
        2 => path().prop_map(Op::Read),
        1 => (path(), 0..12_u64).prop_map(|(path, at)| Op::ReadAt(path, at)),
        1 => path().prop_map(Op::ReadLink),
        2 => (path(), any::<bool>()).prop_map(|(path, follow)| Op::Stat(path, follow)),
        2 => path().prop_map(Op::List),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let handle = || 0..HANDLES;
    let on_handles = prop_oneof![
        3 => (handle(), path(), any::<bool>()).prop_map(|(handle, path, write)| Op::Hold(handle, path, write)),
        2 => (handle(), 0..12_u64, text()).prop_map(|(handle, at, text)| Op::HeldWrite(handle, at, text)),
        1 => (handle(), text()).prop_map(|(handle, text)| Op::HeldAppend(handle, text)),
        1 => (handle(), 0..12_u64).prop_map(|(handle, size)| Op::HeldCut(handle, size)),
        2 => handle().prop_map(Op::HeldRead),
        1 => handle().prop_map(Op::LetGo),
    ];
    prop_oneof![4 => on_path(), 1 => on_handles]
}

/// What a guest has open, with whether it may write there.
pub(super) type Held<F> = [Option<(F, bool)>; HANDLES];

fn held<F>(held: &Held<F>, handle: usize, write: bool) -> Option<&F> {
    held[handle].as_ref().filter(|(_, may)| *may || !write).map(|(file, _)| file)
}

/// An operation of a guest. What it does with a handle that it does not have does nothing.
pub(super) fn on_tree(tree: &dyn Tree, handles: &mut Held<Arc<dyn OpenFile>>, op: &Op) -> FsResult<String> {
    let nothing = |()| String::new();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let on = |write: bool, handle: usize, act: &dyn Fn(&dyn OpenFile) -> FsResult<String>| {
        held(handles, handle, write).map_or(Ok(String::new()), |file| act(&**file))
    };
    match op {
        Op::Write(path, text) => open(tree, path, REPLACE)?.write_at(0, text.as_bytes()).map(nothing),
        Op::WriteAt(path, at, text) => open(tree, path, WRITE)?.write_at(*at, text.as_bytes()).map(nothing),
        Op::Append(path, text) => open(tree, path, WRITE)?.append(text.as_bytes()).map(nothing),
        Op::Cut(path, size) => open(tree, path, WRITE)?.set_size(*size).map(nothing),
        Op::CreateNew(path) => open(tree, path, How { exclusive: true, ..CREATE }).map(|_| String::new()),
        Op::Remove(path) => tree.remove_file(&root(), path).map(nothing),
        Op::MakeDirectory(path) => tree.create_directory(&root(), path).map(nothing),
        Op::RemoveDirectory(path) => tree.remove_directory(&root(), path).map(nothing),
        Op::Rename(from, to) => tree.rename((&root(), from), (&root(), to)).map(nothing),
        Op::Link(target, path) => tree.symlink(target, &root(), path).map(nothing),
        Op::SetTime(path, follow) => tree.set_modified(&root(), path, *follow, SystemTime::UNIX_EPOCH).map(nothing),
        Op::Read(path) => get(tree, path),
        Op::ReadAt(path, at) => open(tree, path, READ)?.read_at(*at, 4).map(text),
        Op::ReadLink(path) => tree.read_link(&root(), path),
        Op::Stat(path, follow) => {
            let stat = tree.stat(&root(), path, *follow)?;
            Ok(format!("{:?} {}", stat.kind, stat.size))
        }
        Op::List(path) => {
            let Opened::Directory(place) = tree.open(&root(), path, DIRECTORY)? else {
                return Err(FsError::NotDirectory);
            };
            let mut entries: Vec<_> =
                tree.list(&place)?.iter().map(|(name, kind)| format!("{name} {kind:?}")).collect();
            entries.sort();
            Ok(entries.join("; "))
        }
        Op::Hold(handle, path, write) => {
            handles[*handle] = Some((open(tree, path, How { write: *write, ..READ })?, *write));
            Ok(String::new())
        }
        Op::HeldWrite(handle, at, bytes) => {
            on(true, *handle, &|file| file.write_at(*at, bytes.as_bytes()).map(nothing))
        }
        Op::HeldAppend(handle, bytes) => on(true, *handle, &|file| file.append(bytes.as_bytes()).map(nothing)),
        Op::HeldCut(handle, size) => on(true, *handle, &|file| file.set_size(*size).map(nothing)),
        Op::HeldRead(handle) => on(false, *handle, &|file| file.read_at(0, 100).map(text)),
        Op::LetGo(handle) => {
            handles[*handle] = None;
            Ok(String::new())
        }
    }
}

/// The same with the standard library, below a real folder.
pub(super) fn on_folder(root: &Path, handles: &mut Held<File>, op: &Op) -> std::io::Result<String> {
    let nothing = |()| String::new();
    let existing = |path: &String| File::options().write(true).open(root.join(path));
    let on = |write: bool, handle: usize, act: &dyn Fn(&File) -> std::io::Result<String>| {
        held(handles, handle, write).map_or(Ok(String::new()), act)
    };
    let append = |file: &File, text: &str| file.write_all_at(text.as_bytes(), file.metadata()?.len());
    match op {
        Op::Write(path, text) => std::fs::write(root.join(path), text).map(nothing),
        Op::WriteAt(path, at, text) => existing(path)?.write_all_at(text.as_bytes(), *at).map(nothing),
        Op::Append(path, text) => append(&existing(path)?, text).map(nothing),
        Op::Cut(path, size) => existing(path)?.set_len(*size).map(nothing),
        Op::CreateNew(path) => File::create_new(root.join(path)).map(|_| String::new()),
        Op::Remove(path) => std::fs::remove_file(root.join(path)).map(nothing),
        Op::MakeDirectory(path) => std::fs::create_dir(root.join(path)).map(nothing),
        Op::RemoveDirectory(path) => std::fs::remove_dir(root.join(path)).map(nothing),
        Op::Rename(from, to) => std::fs::rename(root.join(from), root.join(to)).map(nothing),
        Op::Link(target, path) => std::os::unix::fs::symlink(target, root.join(path)).map(nothing),
        Op::SetTime(path, follow) => set_time(&root.join(path), *follow).map(nothing),
        Op::Read(path) => std::fs::read_to_string(root.join(path)),
        Op::ReadAt(path, at) => read_some(&File::open(root.join(path))?, *at, 4),
        Op::ReadLink(path) => std::fs::read_link(root.join(path)).map(|target| target.display().to_string()),
        Op::Stat(path, true) => std::fs::metadata(root.join(path)).map(|about| stat_text(&about)),
        Op::Stat(path, false) => std::fs::symlink_metadata(root.join(path)).map(|about| stat_text(&about)),
        Op::List(path) => {
            let mut entries = Vec::new();
            for entry in std::fs::read_dir(root.join(path))? {
                let entry = entry?;
                entries.push(format!("{} {:?}", entry.file_name().display(), kind_of(entry.file_type()?)));
            }
            entries.sort();
            Ok(entries.join("; "))
        }
        Op::Hold(handle, path, write) => {
            let file = File::options().read(true).write(*write).open(root.join(path))?;
            if file.metadata()?.is_dir() {
                return Err(std::io::ErrorKind::IsADirectory.into());
            }
            handles[*handle] = Some((file, *write));
            Ok(String::new())
        }
        Op::HeldWrite(handle, at, text) => {
            on(true, *handle, &|file| file.write_all_at(text.as_bytes(), *at).map(nothing))
        }
        Op::HeldAppend(handle, text) => on(true, *handle, &|file| append(file, text).map(nothing)),
        Op::HeldCut(handle, size) => on(true, *handle, &|file| file.set_len(*size).map(nothing)),
        Op::HeldRead(handle) => on(false, *handle, &|file| read_some(file, 0, 100)),
        Op::LetGo(handle) => {
            handles[*handle] = None;
            Ok(String::new())
        }
    }
}

fn read_some(file: &File, at: u64, length: usize) -> std::io::Result<String> {
    let mut bytes = vec![0; length];
    let count = file.read_at(&mut bytes, at)?;
    Ok(String::from_utf8(bytes[..count].to_vec()).unwrap())
}

fn set_time(path: &Path, follow: bool) -> std::io::Result<()> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: 0, tv_nsec: 0 },
    };
    Ok(utimensat(CWD, path, &times, if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW })?)
}

fn kind_of(kind: std::fs::FileType) -> Kind {
    match (kind.is_dir(), kind.is_symlink()) {
        (true, _) => Kind::Directory,
        (_, true) => Kind::Link,
        _ => Kind::File,
    }
}

fn stat_text(about: &std::fs::Metadata) -> String {
    let kind = kind_of(about.file_type());
    format!("{kind:?} {}", if kind == Kind::Directory { 0 } else { about.len() })
}

/// The word for what a folder said, as [`word`] has it for a tree.
fn folder_word(result: &std::io::Result<String>) -> String {
    use std::io::ErrorKind;
    let Err(error) = result else { return "Ok".to_owned() };
    let word = match (error.kind(), error.raw_os_error()) {
        (ErrorKind::NotFound, _) => "NotFound",
        (ErrorKind::AlreadyExists, _) => "Exists",
        (ErrorKind::NotADirectory, _) => "NotDirectory",
        (ErrorKind::IsADirectory, _) => "IsDirectory",
        (ErrorKind::DirectoryNotEmpty, _) => "NotEmpty",
        (ErrorKind::InvalidInput, _) => "Invalid",
        (_, Some(number)) if number == rustix::io::Errno::LOOP.raw_os_error() => "Loop",
        (kind, _) => return format!("Io({kind:?})"),
    };
    word.to_owned()
}

/// Whether an overlay may refuse what a folder does: links that would lead outward from where they move to, and
/// directories of the real folder, which are not moved.
fn may_refuse(op: &Op, error: &FsError, through: bool) -> bool {
    match (op, error) {
        (Op::Rename(..), FsError::NotPermitted) => true,
        (Op::Rename(..), FsError::CrossDevice) => !through,
        _ => false,
    }
}

pub(super) fn furnish(root: &Path) {
    std::fs::create_dir_all(root.join("dir/a")).unwrap();
    std::fs::create_dir_all(root.join("a/b")).unwrap();
    std::fs::write(root.join("file"), "one").unwrap();
    std::fs::write(root.join("dir/file"), "two").unwrap();
    std::fs::write(root.join("dir/a/b"), "three").unwrap();
    std::fs::write(root.join("a/b/c"), "four").unwrap();
    std::os::unix::fs::symlink("dir", root.join("link")).unwrap();
    std::os::unix::fs::symlink("../file", root.join("dir/link")).unwrap();
}

/// What a guest sees, in the form of a snapshot without modes.
pub(super) fn seen(tree: &dyn Tree) -> Snapshot {
    let mut found = Snapshot::new();
    let mut ahead = vec![Place::default()];
    while let Some(at) = ahead.pop() {
        for (name, kind) in tree.list(&at).unwrap() {
            let place = at.child(&name);
            let content = match kind {
                Kind::Directory => {
                    ahead.push(place.clone());
                    "/".to_owned()
                }
                // Never followed: what it holds is what counts.
                Kind::Link => format!("-> {}", tree.read_link(&at, &name).unwrap()),
                Kind::File => format!("{:?}", get(tree, &place.to_string()).unwrap()),
            };
            found.insert(place.to_string(), content);
        }
    }
    found
}

pub(super) fn without_modes(root: &Path) -> Snapshot {
    contents(root).into_iter().map(|(path, text)| (path, text.split_once(' ').unwrap().1.to_owned())).collect()
}

/// Approves all at once, or one change after the other.
fn approve(bench: &Bench, mut set: ChangeSet, pieces: bool) -> Result<(), TestCaseError> {
    loop {
        let one = vec![set.changes[set.changes.len() / 2].path.clone()];
        let choice = if pieces { Choice::Paths(one) } else { Choice::All };
        let applied = bench.store.approve(&Approval { choice, ..yes(&set) }).unwrap();
        prop_assert_eq!(applied.untidy, None);
        match applied.rest {
            Some(rest) => set = bench.store.get(&rest.to_string()).unwrap(),
            None => return Ok(()),
        }
    }
}

proptest! {
    // 10,000 sequences with VOX_TEST_SCALE=40, and half as many approvals.
    #![proptest_config(ProptestConfig { cases: 250 * scale(), max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn an_overlay_behaves_like_a_folder(
        ops in prop::collection::vec(op(), 30),
        through in any::<bool>(),
        pieces in any::<bool>(),
    ) {
        let bench = Bench::in_memory();
        let model = bench.temp.path().join("model");
        furnish(&bench.live);
        furnish(&model);
        let before = bench.snapshot();
        let folder = bench.open_with(
            if through { Access::WriteThrough } else { Access::Write },
            Quota::default(),
            CallScope::unwatched("test"),
        );
        let tree = folder.tree;
        let (mut handles, mut model_handles) = (Held::default(), Held::default());
        for op in &ops {
            let done = on_tree(&*tree, &mut handles, op);
            if done.as_ref().is_err_and(|error| may_refuse(op, error, through)) {
                // Then it is not done on the other side either.
                continue;
            }
            let expected = on_folder(&model, &mut model_handles, op);
            prop_assert_eq!(done.as_ref().ok(), expected.as_ref().ok(), "{:?}: {:?} {:?}", op, word(&done), expected);
            prop_assert_eq!(word(&done), folder_word(&expected), "{:?}", op);
        }
        drop(handles);
        prop_assert_eq!(seen(&*tree), without_modes(&model));
        let Some(staged) = folder.staged else {
            prop_assert_eq!(bench.snapshot().len(), snapshot(&model).len());
            return Ok(());
        };
        prop_assert_eq!(bench.snapshot(), before);
        if let Some(set) = staged.seal(&bench.store).unwrap() {
            prop_assert_eq!(&bench.store.get(&set.id.to_string()).unwrap(), &set);
            approve(&bench, set, pieces)?;
        }
        prop_assert_eq!(contents(&bench.live), contents(&model));
        prop_assert_eq!(snapshot(&bench.store.root().join("sets")), Snapshot::new());
    }
}

#[test]
fn chains_collapse_to_what_is_left_of_them() {
    let bench = Bench::furnished();
    let set = bench.stage(|tree| {
        // A file that becomes a directory, a directory that becomes a file, a link that becomes a file.
        tree.remove_file(&root(), "file").unwrap();
        tree.create_directory(&root(), "file").unwrap();
        put(tree, "file/in", "in");
        tree.remove_file(&root(), "dir/deep/leaf").unwrap();
        tree.remove_directory(&root(), "dir/deep").unwrap();
        put(tree, "dir/deep", "now a file");
        tree.remove_file(&root(), "dirlink").unwrap();
        put(tree, "dirlink", "a file, too");
        // Away and back again, with the same name in another case.
        for _ in 0..3 {
            tree.rename((&root(), "dir/inner"), (&root(), "empty/x")).unwrap();
            tree.rename((&root(), "empty/x"), (&root(), "dir/inner")).unwrap();
        }
        put(tree, "dir/INNER", "twin");
        put(tree, "new", "1");
        tree.remove_file(&root(), "new").unwrap();
        tree.create_directory(&root(), "new").unwrap();
        tree.remove_directory(&root(), "new").unwrap();
        tree.symlink("link", &root(), "new").unwrap();
    });
    let listed: Vec<(String, Action)> =
        set.changes.iter().map(|change| (change.path.clone(), change.action())).collect();
    let expected = [
        ("dir/INNER", Action::Create),
        ("dir/deep", Action::ChangeKind),
        ("dir/deep/leaf", Action::Delete),
        ("dirlink", Action::ChangeKind),
        ("file", Action::ChangeKind),
        ("file/in", Action::Create),
        ("new", Action::Link),
    ];
    assert_eq!(listed, expected.map(|(path, action)| (path.to_owned(), action)));
    assert_eq!(set.change("dir/INNER").unwrap().resembles.as_deref(), Some("inner"));
    bench.store.approve(&yes(&set)).unwrap();
    assert_eq!(bench.read("file/in"), "in");
    assert_eq!(bench.read("dir/deep"), "now a file");
    assert_eq!(bench.read("dirlink"), "a file, too");
    assert_eq!(std::fs::read_link(bench.live.join("new")).unwrap(), Path::new("link"));
}
