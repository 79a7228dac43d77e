//! F7: the live folder does not change before somebody says so. And what is not touched costs nothing.

use super::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn in_drafts(bench: &Bench) -> Snapshot {
    let mut files = snapshot(&bench.store.root().join("drafts"));
    files.retain(|path, _| path.contains("/upper/"));
    files
}

#[test]
fn nothing_that_a_guest_does_shows_in_the_folder() {
    let bench = Bench::furnished();
    let before = bench.snapshot();
    let (tree, staged) = bench.overlay();
    put(&*tree, "file", "other");
    put(&*tree, "new", "new");
    open(&*tree, "dir/inner", WRITE).unwrap().set_size(0).unwrap();
    tree.set_modified(&root(), "dir", true, std::time::SystemTime::UNIX_EPOCH).unwrap();
    tree.set_modified(&root(), "dir/deep/leaf", true, std::time::SystemTime::UNIX_EPOCH).unwrap();
    tree.rename((&root(), "dir/deep/leaf"), (&root(), "leaf")).unwrap();
    tree.remove_directory(&root(), "dir/deep").unwrap();
    tree.remove_directory(&root(), "empty").unwrap();
    tree.symlink("new", &root(), "empty").unwrap();
    tree.remove_file(&root(), "link").unwrap();
    assert_eq!(bench.snapshot(), before);
    assert_eq!(names(&*tree, "."), ["dir", "dirlink", "empty", "file", "leaf", "new"]);
    let set = staged.seal(&bench.store).unwrap().unwrap();
    assert_eq!(bench.snapshot(), before);
    let _ = bench.store.review(&set, &[]).unwrap().to_string();
    assert_eq!(bench.snapshot(), before);
    bench.store.discard(&set.id).unwrap();
    assert_eq!(bench.snapshot(), before);
}

#[test]
fn a_guest_sees_what_it_wrote() {
    let bench = Bench::furnished();
    let (tree, _staged) = bench.overlay();
    put(&*tree, "dirlink/made", "through a link");
    assert_eq!(get(&*tree, "dir/made").unwrap(), "through a link");
    put(&*tree, "link", "through another");
    assert_eq!(get(&*tree, "file").unwrap(), "through another");
    tree.symlink("dangling", &root(), "to").unwrap();
    put(&*tree, "to", "made by a dangling link");
    assert_eq!(get(&*tree, "dangling").unwrap(), "made by a dangling link");
    tree.rename((&root(), "dangling"), (&root(), "dir/made")).unwrap();
    assert_eq!(get(&*tree, "dir/made").unwrap(), "made by a dangling link");
    assert_eq!(word(&get(&*tree, "to")), "NotFound");
    tree.create_directory(&root(), "one").unwrap();
    put(&*tree, "one/x", "x");
    tree.rename((&root(), "one"), (&root(), "empty")).unwrap();
    assert_eq!(get(&*tree, "empty/x").unwrap(), "x");
    assert_eq!(word(&tree.rename((&root(), "empty"), (&root(), "empty/in"))), "Invalid");
    assert_eq!(word(&tree.rename((&root(), "dir"), (&root(), "elsewhere"))), "CrossDevice");
    let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(7);
    for path in ["file", "dir", "dir/inner", "to"] {
        tree.set_modified(&root(), path, false, time).unwrap();
        assert_eq!(tree.stat(&root(), path, false).unwrap().modified, Some(time), "{path}");
    }
}

#[test]
fn a_reader_sees_what_is_written_after_it_opened() {
    let bench = Bench::furnished();
    let (tree, _staged) = bench.overlay();
    let reader = open(&*tree, "file", READ).unwrap();
    put(&*tree, "file", "CONTENT and more");
    assert_eq!(reader.read_at(0, 100).unwrap(), b"CONTENT and more");
    tree.remove_file(&root(), "file").unwrap();
    assert_eq!(reader.read_at(0, 7).unwrap(), b"CONTENT");
}

#[test]
fn nothing_goes_on_after_sealing() {
    let bench = Bench::furnished();
    let (tree, staged) = bench.overlay();
    let file = open(&*tree, "file", WRITE).unwrap();
    file.append(b"!").unwrap();
    let set = staged.seal(&bench.store).unwrap().unwrap();
    assert_eq!(word(&file.append(b"?")), "Access");
    assert_eq!(word(&file.read_at(0, 1)), "Access");
    assert_eq!(word(&tree.stat(&root(), "file", true)), "Access");
    assert_eq!(word(&tree.create_directory(&root(), "x")), "Access");
    bench.store.approve(&yes(&set)).unwrap();
    assert_eq!(bench.read("file"), "content!");
}

#[test]
fn an_overlay_in_which_nothing_changed_leaves_nothing_behind() {
    let bench = Bench::furnished();
    let (tree, staged) = bench.overlay();
    get(&*tree, "file").unwrap();
    // Opened for writing, written the same again, made and removed, moved there and back.
    drop(open(&*tree, "dir/inner", WRITE).unwrap());
    put(&*tree, "file", "content");
    put(&*tree, "temporary", "x");
    tree.remove_file(&root(), "temporary").unwrap();
    tree.rename((&root(), "dir/deep/leaf"), (&root(), "leaf")).unwrap();
    tree.rename((&root(), "leaf"), (&root(), "dir/deep/leaf")).unwrap();
    tree.remove_file(&root(), "link").unwrap();
    tree.symlink("file", &root(), "link").unwrap();
    tree.remove_directory(&root(), "empty").unwrap();
    tree.create_directory(&root(), "empty").unwrap();
    assert_eq!(staged.seal(&bench.store).unwrap(), None);
    assert!(bench.store.list().unwrap().sets.is_empty());
    assert_eq!(snapshot(&bench.store.root().join("drafts")), Snapshot::new());
    assert_eq!(snapshot(&bench.store.root().join("sets")), Snapshot::new());
    // Thrown away: the same.
    let (tree, staged) = bench.overlay();
    put(&*tree, "file", "other");
    drop(staged);
    assert_eq!(word(&get(&*tree, "file")), "Access");
    assert_eq!(snapshot(&bench.store.root().join("drafts")), Snapshot::new());
}

#[test]
fn a_folder_of_any_size_costs_what_is_touched() {
    let bench = Bench::new();
    for number in 0..20_000 {
        if number % 1000 == 0 {
            std::fs::create_dir(bench.live.join(format!("d{}", number / 1000))).unwrap();
        }
        std::fs::write(bench.live.join(format!("d{}/f{number}", number / 1000)), "x").unwrap();
    }
    let giant = std::fs::File::create(bench.live.join("giant")).unwrap();
    giant.set_len(50 << 30).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&giant, b"end", (50 << 30) - 3).unwrap();
    let started = Instant::now();
    let (tree, staged) = bench.overlay();
    assert_eq!(get(&*tree, "d7/f7777").unwrap(), "x");
    assert_eq!(tree.stat(&root(), "giant", true).unwrap().size, 50 << 30);
    assert_eq!(open(&*tree, "giant", READ).unwrap().read_at((50 << 30) - 3, 10).unwrap(), b"end");
    assert!(in_drafts(&bench).is_empty());
    put(&*tree, "d3/f3333", "y");
    let copied: Vec<String> = in_drafts(&bench).into_keys().filter(|path| path.contains("/f")).collect();
    assert_eq!(copied.len(), 1, "{copied:?}");
    // Too large to be staged, so it is refused at once and nothing is left of the attempt.
    assert_eq!(word(&open(&*tree, "giant", WRITE)), "Quota");
    assert_eq!(in_drafts(&bench).len(), 2);
    // Removing it takes a record, applying that a rename.
    tree.remove_file(&root(), "giant").unwrap();
    let set = staged.seal(&bench.store).unwrap().unwrap();
    assert_eq!(set.changes.len(), 2);
    bench.store.approve(&yes(&set)).unwrap();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(bench.read("d3/f3333"), "y");
    assert!(!bench.live.join("giant").exists());
}

#[test]
fn reading_does_not_change_the_time_of_access() {
    let bench = Bench::furnished();
    let file = std::fs::File::open(bench.live.join("file")).unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    file.set_times(std::fs::FileTimes::new().set_accessed(long_ago)).unwrap();
    let (tree, staged) = bench.overlay();
    get(&*tree, "file").unwrap();
    put(&*tree, "file", "x");
    staged.seal(&bench.store).unwrap();
    assert_eq!(file.metadata().unwrap().accessed().unwrap(), long_ago);
}

#[test]
fn a_folder_that_holds_the_store_is_refused() {
    let bench = Bench::new();
    let root = std::fs::canonicalize(bench.temp.path()).unwrap();
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        let grant = FolderGrant { host: root.clone(), guest: "all".to_owned(), access };
        let draft = bench.store.draft().unwrap();
        let opened = Folder::open(&grant, Some(&draft), Quota::default(), CallScope::unwatched("test"));
        assert!(matches!(opened, Err(crate::OpenFolderError::HoldsState { .. })));
        assert!(grant.holds(bench.store.root()).unwrap());
        assert!(!bench.grant(access).holds(bench.store.root()).unwrap());
    }
}

#[test]
fn a_folder_opens_only_as_it_was_granted() {
    use crate::OpenFolderError::{HoldsState, Moved, NoUpper, Open};
    let bench = Bench::new();
    bench.write("file", "content");
    bench.write("state/kept", "content");
    let root = std::fs::canonicalize(bench.temp.path()).unwrap();
    std::os::unix::fs::symlink(&bench.live, root.join("link")).unwrap();
    let draft = bench.store.draft().unwrap();
    let open = |host: &Path, access, upper: Option<&Path>| {
        let grant = FolderGrant { host: host.to_owned(), guest: "work".to_owned(), access };
        Folder::open(&grant, upper, Quota::default(), CallScope::unwatched("test")).err()
    };
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        for host in [Path::new("live"), &bench.live.join("gone"), &bench.live.join("file")] {
            assert!(matches!(open(host, access, Some(&draft)), Some(Open { .. })), "{host:?} {access:?}");
        }
        assert!(matches!(open(&root.join("link"), access, Some(&draft)), Some(Moved { .. })));
        assert!(matches!(open(&root.join("link/state"), access, Some(&draft)), Some(Moved { .. })));
        // The state need not be there yet: what would hold it counts.
        let inside = bench.live.join("state/to/come");
        assert!(matches!(open(&bench.live, access, Some(&inside)), Some(HoldsState { .. })), "{access:?}");
        let upper = (access == Access::Write).then_some(draft.as_path());
        assert!(open(&bench.live, access, upper).is_none(), "{access:?}");
    }
    assert!(matches!(open(&bench.live, Access::Write, None), Some(NoUpper { .. })));
    assert!(open(&bench.live, Access::Read, Some(&root.join("not/there"))).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Hostile calls: any operations on any paths, and the folder stays as it is.
    #[test]
    fn the_folder_stays_as_it_is_whatever_is_tried(
        tries in prop::collection::vec((0..OPERATIONS.len(), "[./a-f]{0,12}|(dir|link|dirlink|empty|file|\\.\\.)(/(dir|inner|deep|leaf|\\.\\.|file)){0,4}/?"), 1..60)
    ) {
        let bench = Bench::furnished();
        std::os::unix::fs::symlink("../store", bench.live.join("out")).unwrap();
        let before = bench.snapshot();
        let (tree, staged) = bench.overlay();
        for (operation, path) in &tries {
            let _ = operate(&*tree, &root(), OPERATIONS[*operation], path);
        }
        prop_assert_eq!(bench.snapshot(), before.clone());
        drop(tree);
        let _ = staged.seal(&bench.store).unwrap();
        prop_assert_eq!(bench.snapshot(), before);
    }
}
