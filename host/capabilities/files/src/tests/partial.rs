//! Approving some paths: they come with what they need, and the rest waits on.

use super::*;
use crate::changes::ApproveError;

fn several(tree: &dyn Tree) {
    tree.create_directory(&root(), "new").unwrap();
    tree.create_directory(&root(), "new/sub").unwrap();
    put(tree, "new/sub/one", "1");
    put(tree, "new/two", "2");
    tree.remove_file(&root(), "dir/deep/leaf").unwrap();
    tree.remove_directory(&root(), "dir/deep").unwrap();
    put(tree, "file", "changed");
}

fn approve(bench: &Bench, set: &ChangeSet, paths: &[&str]) -> (Vec<String>, Option<ChangeSet>) {
    let choice = Choice::Paths(paths.iter().map(|path| (*path).to_owned()).collect());
    let applied = bench.store.approve(&Approval { choice, ..yes(set) }).unwrap();
    assert_eq!(applied.untidy, None);
    (applied.paths, applied.rest.map(|id| bench.store.get(&id.to_string()).unwrap()))
}

#[test]
fn chosen_paths_bring_what_they_need() {
    for (path, expected) in [
        ("file", vec!["file"]),
        ("new/sub/one", vec!["new", "new/sub", "new/sub/one"]),
        ("./new/", vec!["new", "new/sub", "new/sub/one", "new/two"]),
        ("new/two", vec!["new", "new/two"]),
        ("dir/deep", vec!["dir/deep", "dir/deep/leaf"]),
        ("dir/deep/leaf", vec!["dir/deep/leaf"]),
        ("dir", vec!["dir/deep", "dir/deep/leaf"]),
    ] {
        let bench = Bench::furnished();
        let set = bench.stage(several);
        let (applied, rest) = approve(&bench, &set, &[path]);
        assert_eq!(applied, expected, "{path}");
        let rest = rest.unwrap();
        assert_eq!(rest.changes.len() + applied.len(), set.changes.len());
        assert_eq!(rest.header.rest_of, Some(set.id));
        assert_ne!(rest.id, set.id);
        // The old name is gone, the rest is whole, and both together are everything.
        assert!(bench.store.approve(&yes(&set)).is_err());
        assert_eq!(bench.store.list().unwrap().sets.len(), 1);
        bench.store.review(&rest, &[]).unwrap();
        bench.store.approve(&yes(&rest)).unwrap();
        let whole = Bench::furnished();
        let set = whole.stage(several);
        whole.store.approve(&yes(&set)).unwrap();
        assert_eq!(contents(&bench.live), contents(&whole.live), "{path}");
    }
}

#[test]
fn paths_at_which_nothing_changes_are_refused() {
    let bench = Bench::furnished();
    let set = bench.stage(several);
    let before = bench.snapshot();
    for paths in [vec!["nothing"], vec!["file", "fil"], vec![""], vec!["../file"]] {
        let choice = Choice::Paths(paths.into_iter().map(str::to_owned).collect());
        let refused = bench.store.approve(&Approval { choice, ..yes(&set) });
        assert!(matches!(refused, Err(ApproveError::Unknown(_))), "{refused:?}");
    }
    assert_eq!(bench.snapshot(), before);
}

#[test]
fn choosing_everything_leaves_nothing() {
    let bench = Bench::furnished();
    let set = bench.stage(several);
    let (applied, rest) = approve(&bench, &set, &["new", "dir", "file"]);
    assert_eq!(applied.len(), set.changes.len());
    assert_eq!(rest, None);
    assert!(bench.store.list().unwrap().sets.is_empty());
}
