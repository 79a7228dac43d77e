//! Folders: nothing without a grant, staged with one, applied after approval.

use crate::work::{folder, place, run, snapshot};
use std::fs;
use vox_tests::need;

#[test]
fn without_a_grant_there_are_no_files() {
    let place = need!("the guest `files`", place(&["files"]));
    folder(&place, "docs");
    let ran = run(&place, 1, &["call", "files.wasm", "read", "docs/a.md"]);
    assert!(
        ran.stderr.contains("none is granted") && ran.stderr.contains("add --allow-read docs or"),
        "{}",
        ran.stderr
    );
    let ran = run(&place, 1, &["call", "files.wasm", "read", "docs/not-there"]);
    assert!(!ran.stderr.contains("--allow-read"), "nothing points to files: {}", ran.stderr);
    run(&place, 1, &["call", "files.wasm", "read", "/etc/passwd"]);
    let ran = run(&place, 0, &["call", "files.wasm", "read", "docs/a.md", "--allow-read", "docs"]);
    assert_eq!(ran.stdout, "# a\n");
}

#[test]
fn what_is_granted_for_reading_cannot_be_written() {
    let place = need!("the guest `files`", place(&["files"]));
    let docs = folder(&place, "docs");
    let before = snapshot(&docs);
    let read = ["--allow-read", "docs"];
    for words in [
        ["call", "files.wasm", "write", "docs/a.md", "x"],
        ["call", "files.wasm", "append", "docs/a.md", "x"],
        ["call", "files.wasm", "rename", "docs/a.md", "docs/c.md"],
        ["call", "files.wasm", "symlink", "a.md", "docs/l"],
    ] {
        let ran = place.run(&[&words[..], &read].concat());
        assert!(ran.code != Some(0), "{words:?}: {}", ran.stdout);
    }
    for words in [["call", "files.wasm", "remove", "docs/a.md"], ["call", "files.wasm", "mkdir", "docs/d"]] {
        let ran = place.run(&[&words[..], &read].concat());
        assert!(ran.code != Some(0), "{words:?}: {}", ran.stdout);
    }
    assert_eq!(snapshot(&docs), before);
}

#[test]
fn writes_wait_until_they_are_approved() {
    let place = need!("the guest `files`", place(&["files"]));
    let docs = folder(&place, "docs");
    let before = snapshot(&docs);
    let ran = run(&place, 0, &["call", "files.wasm", "write", "docs/new.md", "fresh", "--allow-write", "docs"]);
    assert!(ran.stderr.contains("vox approve"), "{}", ran.stderr);
    assert_eq!(snapshot(&docs), before, "the folder changed before anybody approved");
    let listed = run(&place, 0, &["changes"]);
    assert!(listed.stdout.contains("by files: 1 path"), "{}", listed.stdout);
    let shown = run(&place, 0, &["diff"]);
    assert!(shown.stdout.contains("create new.md") && shown.stdout.contains("+fresh"), "{}", shown.stdout);
    run(&place, 2, &["approve"]);
    assert_eq!(snapshot(&docs), before);
    run(&place, 0, &["approve", "--yes"]);
    assert_eq!(fs::read_to_string(docs.join("new.md")).ok().as_deref(), Some("fresh"));
    run(&place, 4, &["approve", "--yes"]);
}

#[test]
fn what_is_discarded_never_was() {
    let place = need!("the guest `files`", place(&["files"]));
    let docs = folder(&place, "docs");
    let before = snapshot(&docs);
    run(&place, 0, &["call", "files.wasm", "remove-all", "docs/sub", "--allow-write", "docs"]);
    assert!(run(&place, 0, &["diff"]).stdout.contains("sub/b.md"));
    run(&place, 0, &["discard", "--yes"]);
    assert_eq!(snapshot(&docs), before);
    assert!(run(&place, 0, &["changes"]).stdout.is_empty());
}

#[test]
fn a_folder_that_changed_meanwhile_refuses_the_whole_set() {
    let place = need!("the guest `files`", place(&["files"]));
    let docs = folder(&place, "docs");
    run(&place, 0, &["call", "files.wasm", "write", "docs/a.md", "by the skill", "--allow-write", "docs"]);
    place.put("docs/a.md", "by the person");
    let before = snapshot(&docs);
    let ran = run(&place, 8, &["approve", "--yes"]);
    assert!(ran.stderr.contains("a.md"), "{}", ran.stderr);
    assert_eq!(snapshot(&docs), before);
}

#[test]
fn what_would_run_later_needs_a_yes_of_its_own() {
    let place = need!("the guest `files`", place(&["files"]));
    let docs = folder(&place, "docs");
    run(&place, 0, &["call", "files.wasm", "write", "docs/.envrc", "rm -rf /", "--allow-write", "docs"]);
    let ran = run(&place, 3, &["approve", "--yes"]);
    assert!(ran.stderr.contains("--even-dangerous"), "{}", ran.stderr);
    assert!(!docs.join(".envrc").exists());
    run(&place, 0, &["approve", "--yes", "--even-dangerous"]);
    assert!(docs.join(".envrc").exists());
}

#[test]
fn a_trap_leaves_nothing_behind() {
    let place = need!("the guest `files`", place(&["files"]));
    let docs = folder(&place, "docs");
    let before = snapshot(&docs);
    let words = ["call", "files.wasm", "fill", "docs/big", "64", "--allow-write", "docs", "--limit-time", "30ms"];
    let ran = place.run(&words);
    assert!(ran.code != Some(0), "{}", ran.stdout);
    assert_eq!(snapshot(&docs), before);
    assert!(run(&place, 0, &["changes"]).stdout.is_empty());
}

#[test]
fn writing_through_is_said_in_so_many_words() {
    let place = need!("the guest `files`", place(&["files"]));
    let docs = folder(&place, "docs");
    run(&place, 0, &["call", "files.wasm", "write", "docs/a.md", "now", "--allow-write-through", "docs"]);
    assert_eq!(fs::read_to_string(docs.join("a.md")).ok().as_deref(), Some("now"));
    assert!(run(&place, 0, &["changes"]).stdout.is_empty());
}

#[test]
fn the_state_of_vox_is_out_of_reach() {
    let place = need!("the guest `files`", place(&["files"]));
    let home = place.home();
    fs::create_dir_all(home.join("state")).unwrap_or_else(|error| panic!("{error}"));
    let grant = format!("{}::home", home.display());
    let ran = run(&place, 10, &["call", "files.wasm", "list", "home", "--allow-read", &grant]);
    assert!(ran.stderr.contains("vox's own state"), "{}", ran.stderr);
}

/// One that cannot be read blocks the decision on "the last one", and goes when it is named.
#[test]
fn a_damaged_change_set_is_thrown_away_by_name() {
    let place = need!("the guest `files`", place(&["files"]));
    folder(&place, "docs");
    run(&place, 0, &["call", "files.wasm", "write", "docs/a.md", "first", "--allow-write", "docs"]);
    let sets = place.home().join("state/changes/sets");
    let names = || -> Vec<String> {
        let entries = fs::read_dir(&sets).unwrap_or_else(|error| panic!("{error}"));
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let name = names().remove(0);
    fs::write(sets.join(&name).join("list.json"), "{").unwrap_or_else(|error| panic!("{error}"));
    run(&place, 0, &["call", "files.wasm", "write", "docs/a.md", "second", "--allow-write", "docs"]);
    let ran = run(&place, 8, &["approve", "--yes"]);
    assert!(ran.stderr.contains(&format!("vox discard {name}")), "{}", ran.stderr);
    run(&place, 8, &["discard", "--yes"]);
    run(&place, 0, &["discard", &name, "--yes"]);
    run(&place, 0, &["approve", "--yes"]);
    assert!(names().is_empty());
}
