//! F12: what a call may stage has an end, and going over it leaves nothing half done.

use super::*;

fn small() -> Quota {
    Quota { bytes: 1000, entries: 5, depth: 3, open_files: 4 }
}

const BOTH: [Access; 2] = [Access::Write, Access::WriteThrough];

#[test]
fn bytes_have_an_end() {
    for access in BOTH {
        let bench = Bench::new();
        let tree = bench.open_for(access, small(), CallScope::unwatched("test"));
        let file = open(&*tree, "a", CREATE).unwrap();
        file.write_at(0, &[1; 900]).unwrap();
        file.write_at(0, &[2; 900]).unwrap();
        assert_eq!(word(&file.append(&[3; 101])), "Quota");
        assert_eq!(word(&file.write_at(950, &[3; 51])), "Quota");
        assert_eq!(word(&file.write_at(u64::MAX, &[3; 51])), "Quota".replace("Quota", overflow(access)));
        assert_eq!(word(&file.set_size(1001)), "Quota");
        assert_eq!(word(&file.set_size(u64::MAX)), "Quota");
        // A hole counts.
        assert_eq!(word(&open(&*tree, "b", CREATE).unwrap().write_at(200, &[1])), "Quota");
        file.append(&[3; 100]).unwrap();
        assert_eq!(file.stat().unwrap().size, 1000);
        if access == Access::Write {
            // Room comes back when the last handle of a removed file is gone, not before.
            tree.remove_file(&root(), "a").unwrap();
            assert_eq!(word(&open(&*tree, "b", WRITE).unwrap().append(&[1])), "Quota");
            drop(file);
            open(&*tree, "b", WRITE).unwrap().append(&[1; 1000]).unwrap();
            open(&*tree, "b", WRITE).unwrap().set_size(10).unwrap();
            open(&*tree, "c", CREATE).unwrap().append(&[1; 990]).unwrap();
        }
    }
}

fn overflow(access: Access) -> &'static str {
    if access == Access::Write { "Quota" } else { "Invalid" }
}

#[test]
fn a_file_that_does_not_fit_is_not_copied() {
    let bench = Bench::new();
    bench.write("large", &"x".repeat(1001));
    bench.write("fits", &"x".repeat(1000));
    let tree = bench.open_for(Access::Write, small(), CallScope::unwatched("test"));
    for how in [WRITE, CREATE] {
        assert_eq!(word(&open(&*tree, "large", how)), "Quota");
    }
    assert_eq!(word(&tree.rename((&root(), "large"), (&root(), "x"))), "Quota");
    assert_eq!(get(&*tree, "large").unwrap().len(), 1001);
    open(&*tree, "large", REPLACE).unwrap();
    open(&*tree, "fits", WRITE).unwrap();
    assert_eq!(word(&open(&*tree, "large", WRITE).unwrap().append(b"x")), "Quota");
}

#[test]
fn entries_have_an_end() {
    for access in BOTH {
        let bench = Bench::new();
        for number in 0..8 {
            bench.write(&format!("old{number}"), "x");
        }
        let tree = bench.open_for(access, small(), CallScope::unwatched("test"));
        put(&*tree, "a", "");
        tree.create_directory(&root(), "b").unwrap();
        tree.symlink("a", &root(), "c").unwrap();
        put(&*tree, "d", "");
        put(&*tree, "e", "");
        assert_eq!(word(&open(&*tree, "f", CREATE)), "Quota");
        assert_eq!(word(&tree.create_directory(&root(), "f")), "Quota");
        assert_eq!(word(&tree.symlink("a", &root(), "f")), "Quota");
        assert_eq!(word(&tree.stat(&root(), "f", false)), "NotFound");
        if access == Access::Write {
            assert_eq!(word(&open(&*tree, "old0", WRITE)), "Quota");
            tree.remove_file(&root(), "a").unwrap();
            put(&*tree, "f", "");
            for number in 0..5 {
                tree.remove_file(&root(), &format!("old{number}")).unwrap();
            }
            // Records of what is gone are counted, too.
            assert_eq!(word(&tree.remove_file(&root(), "old5")), "Quota");
            assert_eq!(get(&*tree, "old5").unwrap(), "x");
        }
    }
}

#[test]
fn depth_has_an_end() {
    for access in BOTH {
        let bench = Bench::new();
        bench.write("file", "");
        let tree = bench.open_for(access, small(), CallScope::unwatched("test"));
        tree.create_directory(&root(), "a").unwrap();
        tree.create_directory(&root(), "a/b").unwrap();
        tree.create_directory(&root(), "a/b/c").unwrap();
        for operation in ["create", "make-directory", "link", "rename-to", "stat"] {
            assert_eq!(word(&operate(&*tree, &root(), operation, "a/b/c/d")), "NameTooLong", "{operation}");
        }
        if access == Access::Write {
            tree.create_directory(&root(), "x").unwrap();
            put(&*tree, "x/y", "");
            assert_eq!(word(&tree.rename((&root(), "x"), (&root(), "a/b/x"))), "NameTooLong");
            tree.rename((&root(), "x"), (&root(), "a/x")).unwrap();
        }
    }
}

#[test]
fn open_files_have_an_end() {
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        let bench = Bench::furnished();
        let tree = bench.open_for(access, small(), CallScope::unwatched("test"));
        let mut held: Vec<_> = (0..4).map(|_| open(&*tree, "file", READ).unwrap()).collect();
        assert_eq!(word(&open(&*tree, "dir/inner", READ)), "TooManyOpen");
        held.pop();
        drop(open(&*tree, "dir/inner", READ).unwrap());
        if access != Access::Read {
            held.push(open(&*tree, "file", WRITE).unwrap());
            assert_eq!(word(&open(&*tree, "new", CREATE)), "TooManyOpen");
            assert_eq!(word(&tree.stat(&root(), "new", true)), "NotFound");
        }
        drop(held);
        assert!((0..4).map(|_| open(&*tree, "file", READ)).all(|opened| opened.is_ok()));
    }
}

#[test]
fn a_full_overlay_seals_applies_and_goes_away() {
    let bench = Bench::new();
    let (tree, staged) = bench.overlay();
    for directory in 0..100 {
        tree.create_directory(&root(), &format!("d{directory}")).unwrap();
        for file in 0..20 {
            put(&*tree, &format!("d{directory}/{file}"), "x");
        }
    }
    let set = staged.seal(&bench.store).unwrap().unwrap();
    assert_eq!(set.changes.len(), 2100);
    bench.store.discard(&set.id).unwrap();
    assert_eq!(snapshot(&bench.store.root().join("sets")), Snapshot::new());
    assert_eq!(bench.snapshot(), Snapshot::new());
}
