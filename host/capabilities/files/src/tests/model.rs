//! Random calls against a plain folder: the guest sees the same at every step, and so does everybody after approval.

use super::*;
use crate::changes::Action;
use crate::tree::Kind;
use proptest::prelude::*;
use std::io::Write as _;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Write(String, String),
    Append(String, String),
    Cut(String, u64),
    Remove(String),
    MakeDirectory(String),
    RemoveDirectory(String),
    Rename(String, String),
    Link(String, String),
    Read(String),
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "dir", "file", "link"]).prop_map(str::to_owned)
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 1..4).prop_map(|names| names.join("/"))
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (path(), "[xyz]{0,9}").prop_map(|(path, text)| Op::Write(path, text)),
        2 => (path(), "[xyz]{0,9}").prop_map(|(path, text)| Op::Append(path, text)),
        1 => (path(), 0..12_u64).prop_map(|(path, size)| Op::Cut(path, size)),
        3 => path().prop_map(Op::Remove),
        4 => path().prop_map(Op::MakeDirectory),
        2 => path().prop_map(Op::RemoveDirectory),
        5 => (path(), path()).prop_map(|(from, to)| Op::Rename(from, to)),
        2 => (path(), path()).prop_map(|(target, path)| Op::Link(target, path)),
        2 => path().prop_map(Op::Read),
    ]
}

pub(super) fn on_tree(tree: &dyn Tree, op: &Op) -> FsResult<String> {
    let nothing = |()| String::new();
    match op {
        Op::Write(path, text) => open(tree, path, REPLACE)?.write_at(0, text.as_bytes()).map(nothing),
        Op::Append(path, text) => open(tree, path, WRITE)?.append(text.as_bytes()).map(nothing),
        Op::Cut(path, size) => open(tree, path, WRITE)?.set_size(*size).map(nothing),
        Op::Remove(path) => tree.remove_file(&root(), path).map(nothing),
        Op::MakeDirectory(path) => tree.create_directory(&root(), path).map(nothing),
        Op::RemoveDirectory(path) => tree.remove_directory(&root(), path).map(nothing),
        Op::Rename(from, to) => tree.rename((&root(), from), (&root(), to)).map(nothing),
        Op::Link(target, path) => tree.symlink(target, &root(), path).map(nothing),
        Op::Read(path) => get(tree, path),
    }
}

pub(super) fn on_folder(root: &Path, op: &Op) -> std::io::Result<String> {
    let nothing = |()| String::new();
    let existing = |path: &String| std::fs::OpenOptions::new().write(true).open(root.join(path));
    match op {
        Op::Write(path, text) => std::fs::write(root.join(path), text).map(nothing),
        Op::Append(path, text) => {
            let mut file = std::fs::OpenOptions::new().append(true).open(root.join(path))?;
            file.write_all(text.as_bytes()).map(nothing)
        }
        Op::Cut(path, size) => existing(path)?.set_len(*size).map(nothing),
        Op::Remove(path) => std::fs::remove_file(root.join(path)).map(nothing),
        Op::MakeDirectory(path) => std::fs::create_dir(root.join(path)).map(nothing),
        Op::RemoveDirectory(path) => std::fs::remove_dir(root.join(path)).map(nothing),
        Op::Rename(from, to) => std::fs::rename(root.join(from), root.join(to)).map(nothing),
        Op::Link(target, path) => std::os::unix::fs::symlink(target, root.join(path)).map(nothing),
        Op::Read(path) => std::fs::read_to_string(root.join(path)),
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
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn an_overlay_behaves_like_a_folder(
        ops in prop::collection::vec(op(), 1..40),
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
        for op in &ops {
            match on_tree(&*tree, op) {
                // What an overlay refuses and a folder would do: those are not done on either side.
                Err(FsError::CrossDevice | FsError::NotPermitted) => {}
                done => {
                    let expected = on_folder(&model, op);
                    prop_assert_eq!(done.as_ref().ok(), expected.as_ref().ok(), "{:?}: {:?} {:?}", op, word(&done), expected);
                }
            }
        }
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
