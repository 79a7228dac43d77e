//! Killed at any step, an apply leaves a folder that is wholly old or wholly new once recovery has run.

use super::*;
use crate::changes::{Event, Recovered, Stage};
use std::cell::{Cell, RefCell};
use std::process::Command;

/// Where the child finds the store, at which step it ends, and what it does.
const STORE: &str = "VOX_TEST_STORE";
const STEP: &str = "VOX_TEST_STEP";
const ROLE: &str = "VOX_TEST_ROLE";

/// Twenty files: made, replaced, removed, moved, in old and new directories, with links and kinds that change.
fn staged(bench: &Bench) -> ChangeSet {
    for number in 0..6 {
        bench.write(&format!("old/{number}"), &format!("old {number}"));
        bench.write(&format!("gone/{number}"), "gone");
    }
    bench.write("kind", "a file");
    bench.write("kind2/in", "in a directory");
    bench.stage(|tree| {
        for number in 0..4 {
            put(tree, &format!("old/{number}"), &format!("new {number}"));
        }
        tree.rename((&root(), "old/4"), (&root(), "old/5")).unwrap();
        for number in 0..6 {
            tree.remove_file(&root(), &format!("gone/{number}")).unwrap();
        }
        tree.remove_directory(&root(), "gone").unwrap();
        tree.create_directory(&root(), "made").unwrap();
        tree.create_directory(&root(), "made/sub").unwrap();
        for number in 0..3 {
            put(tree, &format!("made/sub/{number}"), &format!("made {number}"));
        }
        tree.symlink("sub/0", &root(), "made/link").unwrap();
        tree.remove_file(&root(), "kind").unwrap();
        tree.create_directory(&root(), "kind").unwrap();
        put(tree, "kind/in", "in");
        tree.remove_file(&root(), "kind2/in").unwrap();
        tree.remove_directory(&root(), "kind2").unwrap();
        put(tree, "kind2", "a file now");
    })
}

fn new_contents() -> Snapshot {
    let bench = Bench::new();
    let set = staged(&bench);
    bench.store.approve(&yes(&set)).unwrap();
    contents(&bench.live)
}

/// Runs this test binary once more, to end by abort at a step. Says whether it got to the end.
fn child(bench: &Bench, role: &str, step: usize) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::crash::child_process", "--ignored", "--nocapture", "--test-threads=1"])
        .env(STORE, bench.store.root())
        .env(STEP, step.to_string())
        .env(ROLE, role)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    match std::os::unix::process::ExitStatusExt::signal(&status) {
        Some(6) => false,
        None if status.success() => true,
        other => panic!("{role} {step}: {status} {other:?}"),
    }
}

#[test]
#[ignore = "the child of the tests below"]
fn child_process() {
    let store = Store::open(Path::new(&std::env::var(STORE).unwrap())).unwrap();
    let step: usize = std::env::var(STEP).unwrap().parse().unwrap();
    let taken = Cell::new(0);
    let hook = |_: &Event<'_>| {
        if taken.replace(taken.get() + 1) == step {
            std::process::abort();
        }
    };
    match std::env::var(ROLE).unwrap().as_str() {
        "apply" => {
            let set = store.latest().unwrap().unwrap();
            assert_eq!(store.approve_with(&yes(&set), &hook).unwrap().untidy, None);
        }
        "some" => {
            let set = store.latest().unwrap().unwrap();
            let choice = Choice::Paths(vec!["made/sub/1".to_owned(), "old".to_owned()]);
            assert_eq!(store.approve_with(&Approval { choice, ..yes(&set) }, &hook).unwrap().untidy, None);
        }
        "recover" => assert!(store.recover_with(&hook).unwrap().stuck.is_empty()),
        other => panic!("{other}"),
    }
}

fn is_clean(bench: &Bench, what: &str) {
    assert!(!contents(&bench.live).keys().any(|path| path.starts_with(".vox-")), "{what}");
    assert_eq!(bench.store.recover().unwrap(), Recovered::default(), "{what}");
}

#[test]
fn killed_at_any_step_it_is_old_or_new() {
    let new = new_contents();
    let (mut forward, mut back) = (0, 0);
    for step in 0.. {
        let bench = Bench::new();
        let set = staged(&bench);
        let old = contents(&bench.live);
        let finished = child(&bench, "apply", step);
        let recovered = bench.store.recover().unwrap();
        assert_eq!(recovered.stuck, [], "{step}");
        let now = contents(&bench.live);
        let what = format!("step {step}");
        if now == new {
            forward += 1;
            assert!(bench.store.list().unwrap().sets.is_empty(), "{what}");
        } else {
            assert_eq!(now, old, "{what}");
            back += 1;
            // It waits, as if nothing had been.
            assert_eq!(bench.store.latest().unwrap().unwrap(), set, "{what}");
        }
        is_clean(&bench, &what);
        if now == old {
            bench.store.approve(&yes(&set)).unwrap();
            assert_eq!(contents(&bench.live), new, "{what}");
        }
        if finished {
            break;
        }
    }
    assert!(forward > 30 && back > 30, "{forward} {back}");
}

#[test]
fn recovery_can_be_killed_too() {
    let new = new_contents();
    for step in (0..).step_by(11) {
        let mut again = 0;
        loop {
            let bench = Bench::new();
            staged(&bench);
            let old = contents(&bench.live);
            let finished = child(&bench, "apply", step);
            if finished {
                return;
            }
            let recovered = child(&bench, "recover", again);
            assert_eq!(bench.store.recover().unwrap().stuck, []);
            let now = contents(&bench.live);
            assert!(now == old || now == new, "{step} {again}: {now:#?}");
            is_clean(&bench, &format!("{step} {again}"));
            if recovered {
                break;
            }
            again += 5;
        }
    }
}

#[test]
fn what_was_not_chosen_survives_a_kill() {
    let whole = {
        let bench = Bench::new();
        let set = staged(&bench);
        bench.store.approve(&yes(&set)).unwrap();
        contents(&bench.live)
    };
    for step in (0..).step_by(3) {
        let bench = Bench::new();
        let set = staged(&bench);
        let finished = child(&bench, "some", step);
        assert_eq!(bench.store.recover().unwrap().stuck, []);
        is_clean(&bench, &format!("{step}"));
        let waiting = bench.store.list().unwrap();
        assert_eq!(waiting.damaged, []);
        assert_eq!(waiting.sets.len(), 1, "{step}");
        let rest = &waiting.sets[0];
        assert!(*rest == set || rest.header.rest_of == Some(set.id), "{step}");
        bench.store.approve(&yes(rest)).unwrap();
        assert_eq!(contents(&bench.live), whole, "{step}");
        if finished {
            break;
        }
    }
}

/// Section 6 of the protocol: each rename into place has an earlier sync of that file and a later sync of its
/// directory, and both the intent and the commit are written where they belong.
#[test]
fn everything_is_durable_in_the_right_order() {
    let bench = Bench::new();
    let set = staged(&bench);
    let events: RefCell<Vec<String>> = RefCell::default();
    bench.store.approve_with(&yes(&set), &|event| events.borrow_mut().push(format!("{event:?}"))).unwrap();
    let events = events.into_inner();
    let at = |wanted: String| events.iter().position(|event| *event == wanted).unwrap_or_else(|| panic!("{wanted}"));
    let last = |wanted: String| events.iter().rposition(|event| *event == wanted).unwrap_or_else(|| panic!("{wanted}"));
    let intent = at(format!("{:?}", Event::Journal(Stage::Intent)));
    let commit = at(format!("{:?}", Event::Journal(Stage::Committed)));
    let first_move = events.iter().position(|event| event.starts_with("Move")).unwrap();
    let last_move = events.iter().rposition(|event| event.starts_with("Move")).unwrap();
    let first_removal = events.iter().position(|event| event.starts_with("Remove")).unwrap();
    assert!(intent < first_move && last_move < commit && commit < first_removal);
    let temp = Place(vec![format!(".vox-{}", &set.id.to_string()[..16])]);
    for (number, change) in set.changes.iter().enumerate() {
        if change.after.is_none() {
            continue;
        }
        let new = temp.child("new").child(&number.to_string());
        let place = change.place().unwrap();
        let moved = at(format!("{:?}", Event::Move(&new, &place)));
        if matches!(change.after, Some(crate::changes::After::File { .. })) {
            assert!(at(format!("{:?}", Event::Sync(&new))) < intent, "{}", change.path);
        }
        let synced = last(format!("{:?}", Event::SyncDirectory(&place.parent().unwrap())));
        let later = events[moved..commit].contains(&format!("{:?}", Event::SyncDirectory(&place.parent().unwrap())));
        assert!(later || (moved < synced && synced < commit), "{}", change.path);
    }
    assert!(at(format!("{:?}", Event::SyncDirectory(&temp.child("new")))) < intent);
    assert!(at(format!("{:?}", Event::SyncDirectory(&temp))) < intent);
    assert!(at(format!("{:?}", Event::SyncDirectory(&Place::default()))) < intent);
}

#[test]
fn an_edit_after_the_crash_is_never_lost() {
    // Cut off between the renames; then somebody edits, and recovery runs.
    for step in (60..140).step_by(4) {
        for path in ["old/0", "old/2", "made/sub/0", "gone/3", "kind2"] {
            let bench = Bench::new();
            staged(&bench);
            child(&bench, "apply", step);
            let file = bench.live.join(path);
            let edited = file.parent().unwrap().is_dir() && !file.is_dir() && std::fs::write(&file, "mine").is_ok();
            let recovered = bench.store.recover().unwrap();
            if edited {
                assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine", "{step} {path} {recovered:?}");
            }
            // Told or done: a second recovery says the same.
            let again = bench.store.recover().unwrap();
            assert_eq!(again.stuck, recovered.stuck, "{step} {path}");
        }
    }
}

#[test]
fn drafts_of_calls_that_crashed_are_thrown_away() {
    let bench = Bench::furnished();
    let (tree, staged) = bench.overlay();
    put(&*tree, "file", "x");
    let drafts = bench.store.root().join("drafts");
    let left = drafts.join("draft-left");
    std::fs::create_dir_all(left.join("upper/deep")).unwrap();
    std::fs::write(left.join("in-use"), "").unwrap();
    std::fs::write(left.join("upper/deep/x"), "x").unwrap();
    std::fs::set_permissions(left.join("upper/deep"), std::fs::Permissions::from_mode(0o500)).unwrap();
    assert_eq!(bench.store.recover().unwrap().drafts, 0, "too young to be told from one that begins");
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    for entry in std::fs::read_dir(&drafts).unwrap() {
        let file = std::fs::File::open(entry.unwrap().path()).unwrap();
        file.set_times(std::fs::FileTimes::new().set_modified(long_ago)).unwrap();
    }
    assert_eq!(bench.store.recover().unwrap().drafts, 1);
    assert!(!left.exists());
    assert!(staged.seal(&bench.store).unwrap().is_some());
}
