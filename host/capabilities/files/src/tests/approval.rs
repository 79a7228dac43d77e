//! F9, F10, F14: what was approved is what is applied, or nothing is.

use super::*;
use crate::changes::{ApproveError, Event, StoreError};
use std::os::unix::fs::symlink;

fn some(tree: &dyn Tree) {
    put(tree, "file", "changed");
    put(tree, "dir/new", "new");
    tree.remove_file(&root(), "dir/inner").unwrap();
    tree.remove_directory(&root(), "empty").unwrap();
    tree.create_directory(&root(), "made").unwrap();
    tree.symlink("../file", &root(), "made/link").unwrap();
}

/// Rewrites a sealed file that is read-only.
fn overwrite(path: &Path, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    let mode = path.metadata().unwrap().permissions();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(path, change(text)).unwrap();
    std::fs::set_permissions(path, mode).unwrap();
}

#[test]
fn what_is_approved_is_applied_and_nothing_is_left_over() {
    let bench = Bench::furnished();
    std::fs::set_permissions(bench.live.join("file"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let set = bench.stage(some);
    let applied = bench.store.approve(&yes(&set)).unwrap();
    assert_eq!(applied.untidy, None);
    assert_eq!(applied.rest, None);
    assert_eq!(applied.paths, ["dir/inner", "dir/new", "empty", "file", "made", "made/link"]);
    assert_eq!(bench.read("file"), "changed");
    assert_eq!(bench.read("dir/new"), "new");
    assert_eq!(bench.read("made/link"), "changed");
    assert!(!bench.live.join("dir/inner").exists() && !bench.live.join("empty").exists());
    assert_eq!(bench.live.join("file").metadata().unwrap().mode() & 0o7777, 0o640);
    assert!(!bench.snapshot().keys().any(|path| path.starts_with(".vox-")));
    assert!(bench.store.list().unwrap().sets.is_empty());
    assert_eq!(bench.store.recover().unwrap(), crate::changes::Recovered::default());
}

#[test]
fn an_approval_holds_once() {
    let bench = Bench::furnished();
    let set = bench.stage(some);
    bench.store.approve(&yes(&set)).unwrap();
    let before = bench.snapshot();
    let again = bench.store.approve(&yes(&set));
    assert!(matches!(again, Err(ApproveError::Store(StoreError::NotFound(_)))), "{again:?}");
    // For one set it holds for no other.
    let other = bench.stage(|tree| put(tree, "file", "other"));
    assert!(bench.store.approve(&yes(&set)).is_err());
    assert_eq!(bench.snapshot(), before);
    bench.store.discard(&other.id).unwrap();
    assert!(matches!(bench.store.approve(&yes(&other)), Err(ApproveError::Store(StoreError::NotFound(_)))));
    assert_eq!(bench.snapshot(), before);
}

#[test]
fn a_change_set_that_was_altered_is_refused() {
    type Alter = fn(&Path);
    let alterations: &[(&str, Alter)] = &[
        ("another path", |home| overwrite(&home.join("list.json"), |text| text.replace("dir/new", "dir/bad"))),
        ("another folder", |home| overwrite(&home.join("list.json"), |text| text.replace("/live", "/else"))),
        ("another target", |home| overwrite(&home.join("list.json"), |text| text.replace("../file", "../dir"))),
        ("outward", |home| overwrite(&home.join("list.json"), |text| text.replace("dir/new", "../bad"))),
        ("another mode", |home| {
            overwrite(&home.join("list.json"), |text| text.replace("\"mode\":420", "\"mode\":493"))
        }),
        ("no JSON", |home| overwrite(&home.join("list.json"), |_| "{".to_owned())),
        ("other data", |home| overwrite(&home.join("upper/dir/new"), |_| "NEW".to_owned())),
        ("longer data", |home| overwrite(&home.join("upper/dir/new"), |text| text + "!")),
        ("no data", |home| {
            let folder = home.join("upper/dir");
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
            std::fs::remove_file(folder.join("new")).unwrap();
        }),
        ("a link for data", |home| {
            let folder = home.join("upper/dir");
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
            std::fs::rename(folder.join("new"), home.join("moved")).unwrap();
            symlink(home.join("moved"), folder.join("new")).unwrap();
        }),
        ("readable by others", |home| {
            std::fs::set_permissions(home.join("list.json"), std::fs::Permissions::from_mode(0o644)).unwrap();
        }),
    ];
    for (what, alter) in alterations {
        let bench = Bench::furnished();
        let set = bench.stage(some);
        let before = bench.snapshot();
        alter(&bench.store.root().join("sets").join(set.id.to_string()));
        let refused = bench.store.approve(&yes(&set));
        assert!(refused.is_err(), "{what}");
        assert_eq!(contents(&bench.live), before_contents(&before), "{what}: {refused:?}");
        assert!(bench.store.recover().unwrap().stuck.is_empty(), "{what}");
        bench.store.discard(&set.id).unwrap();
    }
}

/// A snapshot without its times.
fn before_contents(snapshot: &Snapshot) -> Snapshot {
    let strip = |text: &String| {
        let (mode, rest) = text.split_once(' ').unwrap();
        format!("{mode} {}", rest.split_once(' ').unwrap().1)
    };
    snapshot.iter().map(|(path, text)| (path.clone(), strip(text))).collect()
}

#[test]
fn any_difference_refuses_the_whole_set() {
    type Change = fn(&Bench);
    let conflicts: &[(&str, &str, Change)] = &[
        ("edited", "file", |bench| bench.write("file", "by hand")),
        ("edited to the same length", "file", |bench| bench.write("file", "CONTENT")),
        ("removed", "file", |bench| std::fs::remove_file(bench.live.join("file")).unwrap()),
        ("other mode", "file", |bench| {
            std::fs::set_permissions(bench.live.join("file"), std::fs::Permissions::from_mode(0o600)).unwrap();
        }),
        ("a removed one edited", "dir/inner", |bench| bench.write("dir/inner", "edited")),
        ("in the way", "dir/new", |bench| bench.write("dir/new", "mine")),
        ("directory in the way", "made", |bench| std::fs::create_dir(bench.live.join("made")).unwrap()),
        ("link in the way", "made", |bench| symlink("dir", bench.live.join("made")).unwrap()),
        ("not empty any more", "empty", |bench| bench.write("empty/mine", "mine")),
        ("another directory", "empty", |bench| {
            std::fs::rename(bench.live.join("empty"), bench.live.join("other")).unwrap();
            std::fs::create_dir(bench.live.join("empty")).unwrap();
        }),
        ("parent gone", "dir/new", |bench| std::fs::remove_dir_all(bench.live.join("dir")).unwrap()),
        ("parent a file", "dir/new", |bench| {
            std::fs::remove_dir_all(bench.live.join("dir")).unwrap();
            bench.write("dir", "a file");
        }),
        ("parent a link", "dir/new", |bench| {
            std::fs::rename(bench.live.join("dir"), bench.live.join("was")).unwrap();
            symlink("was", bench.live.join("dir")).unwrap();
        }),
        ("parent a link outward", "dir/new", |bench| {
            std::fs::remove_dir_all(bench.live.join("dir")).unwrap();
            symlink(bench.temp.path(), bench.live.join("dir")).unwrap();
        }),
        ("a FIFO now", "file", |bench| {
            std::fs::remove_file(bench.live.join("file")).unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, bench.live.join("file"), rustix::fs::Mode::RWXU).unwrap();
        }),
    ];
    for (what, path, change) in conflicts {
        let bench = Bench::furnished();
        let set = bench.stage(some);
        change(&bench);
        let before = bench.snapshot();
        match bench.store.approve(&yes(&set)) {
            Err(ApproveError::Conflicts(found)) => {
                assert!(found.iter().any(|conflict| conflict.path == *path), "{what}: {found:?}");
            }
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(bench.snapshot(), before, "{what}");
        // It waits on, and could be approved once the difference is gone.
        assert_eq!(bench.store.latest().unwrap().unwrap(), set);
    }
}

#[test]
fn a_way_over_a_link_is_a_difference_even_if_the_same_file_lies_behind_it() {
    let bench = Bench::furnished();
    let set = bench.stage(|tree| {
        put(tree, "dir/inner", "changed");
        tree.remove_file(&root(), "dir/deep/leaf").unwrap();
    });
    std::fs::rename(bench.live.join("dir"), bench.live.join("was")).unwrap();
    symlink("was", bench.live.join("dir")).unwrap();
    let before = bench.snapshot();
    let refused = bench.store.approve(&yes(&set));
    assert!(matches!(refused, Err(ApproveError::Conflicts(ref found)) if found.len() == 2), "{refused:?}");
    assert_eq!(bench.snapshot(), before);
}

#[test]
fn saving_the_same_again_is_no_difference() {
    let bench = Bench::furnished();
    let set = bench.stage(|tree| open(tree, "file", WRITE).unwrap().append(b"!").unwrap());
    bench.write("file", "content");
    bench.store.approve(&yes(&set)).unwrap();
    assert_eq!(bench.read("file"), "content!");
}

#[test]
fn another_folder_in_its_place_is_refused() {
    let bench = Bench::furnished();
    let set = bench.stage(some);
    std::fs::rename(&bench.live, bench.temp.path().join("was")).unwrap();
    std::fs::create_dir(&bench.live).unwrap();
    assert!(matches!(bench.store.approve(&yes(&set)), Err(ApproveError::Folder { .. })));
    std::fs::remove_dir(&bench.live).unwrap();
    symlink(bench.temp.path().join("was"), &bench.live).unwrap();
    assert!(matches!(bench.store.approve(&yes(&set)), Err(ApproveError::Folder { .. })));
}

#[test]
fn an_edit_while_it_is_applied_turns_everything_back() {
    // Whatever is touched at whatever rename: the folder is as it was, with the edit.
    for path in ["file", "dir/inner", "dir/new", "empty/mine", "made/link"] {
        for at in 0..12 {
            let bench = Bench::furnished();
            let set = bench.stage(some);
            let old = contents(&bench.live);
            let moves = std::cell::Cell::new(0);
            let edited = std::cell::Cell::new(false);
            let result = bench.store.approve_with(&yes(&set), &|event| {
                if let Event::Move(..) = event {
                    moves.set(moves.get() + 1);
                    if moves.get() == at + 1 {
                        let path = bench.live.join(path);
                        edited.set(path.parent().unwrap().is_dir() && std::fs::write(path, "mine").is_ok());
                    }
                }
            });
            let text = std::fs::read_to_string(bench.live.join(path));
            match result {
                // It came behind the rename that it was aimed at, and stays.
                Ok(_) if edited.get() => assert_eq!(text.unwrap(), "mine", "{path} {at}"),
                Ok(_) => {}
                Err(ApproveError::Conflicts(_)) => {
                    let mut now = contents(&bench.live);
                    let mut old = old;
                    now.remove(path);
                    old.remove(path);
                    assert_eq!(now, old, "{path} {at}");
                    assert_eq!(text.unwrap(), "mine", "{path} {at}");
                    // Once the edit is undone where something new had come, it can be approved after all.
                    if path != "file" && path != "dir/inner" {
                        std::fs::remove_file(bench.live.join(path)).unwrap();
                        bench.store.approve(&yes(&set)).unwrap();
                    } else {
                        bench.store.discard(&set.id).unwrap();
                    }
                }
                // What was written over something that had been put there already stays, and is told.
                Err(ApproveError::Stuck { .. }) => assert_eq!(text.unwrap(), "mine", "{path} {at}"),
                Err(other) => panic!("{path} {at}: {other:?}"),
            }
        }
    }
}

#[test]
fn what_is_in_the_way_of_going_back_stays_and_is_told() {
    let bench = Bench::furnished();
    let set = bench.stage(some);
    let old = contents(&bench.live);
    // In the way of the last rename; and what is in place already was edited by hand.
    let last = Place::parse("made/link").unwrap();
    let result = bench.store.approve_with(&yes(&set), &|event| {
        if let Event::Move(_, to) = event
            && **to == last
        {
            bench.write("made/link", "mine");
            bench.write("dir/new", "mine, too");
        }
    });
    let Err(ApproveError::Stuck { conflicts, originals }) = result else { panic!("{result:?}") };
    let paths: Vec<&str> = conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
    assert_eq!(paths, ["made", "dir/new"]);
    assert!(originals.is_dir());
    let check = || {
        assert_eq!((bench.read("made/link"), bench.read("dir/new")), ("mine".to_owned(), "mine, too".to_owned()));
        assert_eq!((bench.read("file"), bench.read("dir/inner")), ("content".to_owned(), "inside".to_owned()));
        assert!(bench.live.join("empty").is_dir());
    };
    check();
    assert!(matches!(bench.store.approve(&yes(&set)), Err(ApproveError::Store(StoreError::Unfinished(_)))));
    assert!(matches!(bench.store.discard(&set.id), Err(StoreError::Unfinished(_))));
    let recovered = bench.store.recover().unwrap();
    assert_eq!(recovered.stuck.len(), 1);
    assert!(recovered.stuck[0].why.contains("recover again"), "{}", recovered.stuck[0].why);
    check();
    std::fs::remove_file(bench.live.join("made/link")).unwrap();
    std::fs::remove_file(bench.live.join("dir/new")).unwrap();
    assert_eq!(bench.store.recover().unwrap().back, [set.id.to_string()]);
    assert_eq!(contents(&bench.live), old);
    bench.store.approve(&yes(&set)).unwrap();
    assert_eq!(bench.read("file"), "changed");
}

#[test]
fn files_get_their_owner_and_attributes_back() {
    let bench = Bench::furnished();
    let path = bench.live.join("file");
    let file = std::fs::File::open(&path).unwrap();
    let attributes = rustix::fs::fsetxattr(&file, "user.note", b"kept", rustix::fs::XattrFlags::empty()).is_ok();
    let chowned =
        rustix::process::geteuid().is_root() && std::os::unix::fs::chown(&path, Some(12345), Some(54321)).is_ok();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o4755)).unwrap();
    let set = bench.stage(|tree| open(tree, "file", WRITE).unwrap().append(b"!").unwrap());
    bench.store.approve(&yes(&set)).unwrap();
    let about = path.metadata().unwrap();
    assert_eq!(about.mode() & 0o7777, 0o755, "set-id bits are not for what a guest wrote");
    if chowned {
        assert_eq!((about.uid(), about.gid()), (12345, 54321));
    }
    if attributes {
        let mut value = [0; 16];
        let length = rustix::fs::getxattr(&path, "user.note", &mut value[..]).unwrap();
        assert_eq!(&value[..length], b"kept");
    }
}

#[test]
fn one_applies_at_a_time() {
    let bench = Bench::furnished();
    let set = bench.stage(some);
    // Somebody else, with another store, applies to the same folder.
    let held = std::fs::File::open(&bench.live).unwrap();
    held.lock().unwrap();
    assert!(matches!(bench.store.approve(&yes(&set)), Err(ApproveError::Store(StoreError::Busy))));
    drop(held);
    bench.store.approve(&yes(&set)).unwrap();
}

#[test]
fn a_store_is_private_and_finds_what_it_has() {
    let bench = Bench::furnished();
    let first = bench.stage(|tree| put(tree, "file", "1"));
    let second = bench.stage(|tree| put(tree, "file", "2"));
    let listed: Vec<_> = bench.store.list().unwrap().sets.iter().map(|set| set.id).collect();
    assert_eq!(listed, [second.id, first.id]);
    assert_eq!(bench.store.latest().unwrap().unwrap().id, second.id);
    assert_eq!(bench.store.get(&first.id.to_string()[..12]).unwrap(), first);
    assert_eq!(bench.store.get(&format!("sha256:{}", first.id)).unwrap(), first);
    assert!(matches!(bench.store.get(""), Err(StoreError::NotFound(_))));
    assert!(matches!(bench.store.get("../drafts"), Err(StoreError::NotFound(_))));
    for (path, text) in snapshot(bench.store.root()) {
        let mode = u32::from_str_radix(text.split(' ').next().unwrap(), 8).unwrap();
        // What lies in a sealed set is read-only as well.
        assert_eq!(mode & 0o077, 0, "{path}: {mode:o}");
    }
    std::fs::set_permissions(bench.store.root(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(Store::open(bench.store.root()).is_err());
}

#[test]
fn another_change_set_is_not_taken_for_one_that_cannot_be_read() {
    let bench = Bench::furnished();
    let older = bench.stage(|tree| put(tree, "file", "1"));
    let newer = bench.stage(|tree| put(tree, "file", "2"));
    overwrite(&bench.store.root().join("sets").join(newer.id.to_string()).join("list.json"), |_| "{".to_owned());
    assert!(matches!(bench.store.latest(), Err(StoreError::Altered { .. })));
    let listed = bench.store.list().unwrap();
    assert_eq!((listed.sets.len(), listed.damaged.len()), (1, 1));
    // It can still be found by name, and thrown away.
    assert!(bench.store.get(&newer.id.to_string()[..12]).is_err());
    assert_eq!(bench.store.find(&newer.id.to_string()[..12]).unwrap(), newer.id);
    bench.store.discard(&newer.id).unwrap();
    assert_eq!(bench.store.latest().unwrap().unwrap(), older);
}

#[test]
fn remains_of_writers_and_removals_that_were_killed_are_cleared() {
    let bench = Bench::furnished();
    let set = bench.stage(|tree| put(tree, "file", "1"));
    let sets = bench.store.root().join("sets");
    std::fs::write(sets.join(set.id.to_string()).join(".new-half"), "half").unwrap();
    // A removal begins with the list.
    let gone = sets.join("ab".repeat(32));
    std::fs::create_dir_all(gone.join("upper")).unwrap();
    std::fs::write(gone.join("upper/file"), "staged").unwrap();
    assert_eq!(bench.store.recover().unwrap(), crate::changes::Recovered::default());
    assert!(!gone.exists());
    assert!(!sets.join(set.id.to_string()).join(".new-half").exists());
    assert_eq!(bench.store.latest().unwrap().unwrap(), set);
}
