//! `notes`: reads what was granted, and writes nothing that nobody approved.

use super::{error, place, value};
use crate::work::{run, snapshot};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use vox_tests::need;
use vox_tests::program::Place;

const NOTES: &str = "components/notes";

/// A folder of notes in the working folder.
fn garden(place: &Place) -> PathBuf {
    let folder = place.work().join("notes");
    fs::create_dir_all(folder.join("ideas")).unwrap_or_else(|error| panic!("{error}"));
    place.put("notes/today.md", "Water the tomatoes\r\nCall Ada");
    place.put("notes/ideas/garden.md", "# The garden\n\nTOMATOES and beans, no peas\n");
    place.put("notes/.draft.md", "tomatoes");
    place.put("notes/photo.jpg", "tomatoes");
    folder
}

/// A call with the grant.
fn words<'w>(words: &[&'w str]) -> Vec<&'w str> {
    [&[NOTES], words, &["--allow-write", "notes"]].concat()
}

/// A call that writes, and the words of `vox` that approve it.
fn staged(place: &Place, call: &[&str]) {
    let ran = run(place, 0, &[&["call"], &words(call)[..]].concat());
    assert!(ran.stderr.contains("vox approve"), "{call:?}: {}", ran.stderr);
}

fn text(place: &Place, path: &str) -> String {
    fs::read_to_string(place.work().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn without_a_grant_there_are_no_notes() {
    let place = need!("the example skills", place());
    garden(&place);
    for grants in [&[][..], &["--allow-read", "notes"], &["--allow-write", "notes::elsewhere"]] {
        let ran = run(&place, 3, &[&["call", NOTES, "list"], grants].concat());
        assert!(ran.stderr.contains("vox grant components/notes --allow-write notes\n"), "{}", ran.stderr);
    }
    run(&place, 0, &["grant", NOTES, "--yes"]);
    run(&place, 0, &["call", NOTES, "list"]);
}

#[test]
fn notes_are_listed_read_and_searched() {
    let place = need!("the example skills", place());
    let folder = garden(&place);
    let before = snapshot(&folder);
    let listed = json!({"notes": [
        {"path": "ideas/garden.md", "title": "The garden", "size": 42},
        {"path": "today.md", "title": null, "size": 28},
    ], "more": false});
    assert_eq!(value(&place, &words(&["list"])), listed);
    assert_eq!(value(&place, &words(&["read", "today.md"])), "Water the tomatoes\r\nCall Ada");
    let found = json!({"hits": [
        {"path": "ideas/garden.md", "line": 3, "text": "TOMATOES and beans, no peas"},
        {"path": "today.md", "line": 1, "text": "Water the tomatoes"},
    ], "more": false, "skipped": []});
    assert_eq!(value(&place, &words(&["search", "Tomatoes"])), found);
    assert_eq!(value(&place, &words(&["search", "melons"]))["hits"], json!([]));
    assert_eq!(snapshot(&folder), before);
    assert_eq!(run(&place, 0, &["changes"]).stdout, "", "reading left something to approve");
}

#[test]
fn the_folder_may_stand_anywhere() {
    let place = need!("the example skills", place());
    garden(&place);
    fs::rename(place.work().join("notes"), place.work().join("my texts")).unwrap_or_else(|error| panic!("{error}"));
    let found = value(&place, &[NOTES, "list", "--allow-write", "my texts::notes"]);
    assert_eq!(found["notes"].as_array().map(Vec::len), Some(2), "{found}");
}

#[test]
fn nothing_is_written_before_it_is_approved() {
    let place = need!("the example skills", place());
    let folder = garden(&place);
    let before = snapshot(&folder);
    staged(&place, &["append", "log/2026/november.md", "# November"]);
    assert_eq!(snapshot(&folder), before, "the folder changed before anybody approved");
    assert_eq!(error(&place, &words(&["read", "log/2026/november.md"]))["tag"], "not-found");
    assert!(run(&place, 0, &["diff"]).stdout.contains("+# November"));
    run(&place, 0, &["approve", "--yes"]);
    assert_eq!(text(&place, "notes/log/2026/november.md"), "# November\n");

    staged(&place, &["append", "today.md", "Sow peas"]);
    run(&place, 0, &["approve", "--yes"]);
    assert_eq!(text(&place, "notes/today.md"), "Water the tomatoes\r\nCall Ada\nSow peas\n");

    let before = snapshot(&folder);
    staged(&place, &["edit", "today.md", "Call Ada\n", ""]);
    assert_eq!(snapshot(&folder), before);
    run(&place, 0, &["discard", "--yes"]);
    run(&place, 4, &["approve", "--yes"]);
    assert_eq!(snapshot(&folder), before, "what was discarded was written");
    staged(&place, &["edit", "today.md", "Sow peas", "Sow beans"]);
    run(&place, 0, &["approve", "--yes"]);
    assert_eq!(text(&place, "notes/today.md"), "Water the tomatoes\r\nCall Ada\nSow beans\n");
}

/// Two changes that were made from the same note do not overwrite each other.
#[test]
fn a_change_from_an_older_note_is_refused() {
    let place = need!("the example skills", place());
    garden(&place);
    staged(&place, &["append", "today.md", "first"]);
    staged(&place, &["append", "today.md", "second"]);
    let waiting = run(&place, 0, &["changes"]).stdout;
    let ids: Vec<&str> = waiting.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(ids.len(), 2, "{waiting}");
    run(&place, 0, &["approve", ids[0], "--yes"]);
    let after = text(&place, "notes/today.md");
    run(&place, 8, &["approve", ids[1], "--yes"]);
    assert_eq!(text(&place, "notes/today.md"), after);
}

#[test]
fn what_cannot_be_done_has_a_name_and_changes_nothing() {
    let place = need!("the example skills", place());
    let folder = garden(&place);
    place.put("notes/large.md", "x".repeat((1 << 20) + 1));
    place.put("notes/full.md", "x".repeat(1 << 20));
    place.put("notes/latin.md", b"caf\xe9");
    fs::create_dir(folder.join("folder.md")).unwrap_or_else(|error| panic!("{error}"));
    let before = snapshot(&folder);
    let cases: [(&[&str], Value); 13] = [
        (&["read", "none.md"], json!({"tag": "not-found", "val": "none.md"})),
        (&["edit", "none.md", "a", "b"], json!({"tag": "not-found", "val": "none.md"})),
        (&["read", "large.md"], json!({"tag": "too-large", "val": 1 << 20})),
        (&["append", "full.md", "x"], json!({"tag": "too-large", "val": 1 << 20})),
        (&["edit", "latin.md", "c", "k"], json!({"tag": "not-text", "val": "latin.md"})),
        (&["append", "latin.md", "x"], json!({"tag": "not-text", "val": "latin.md"})),
        (&["edit", "today.md", "melons", "b"], json!({"tag": "no-match"})),
        (&["edit", "today.md", "a", "b"], json!({"tag": "ambiguous", "val": 4})),
        (&["edit", "today.md", "", "b"], json!({"tag": "empty-text"})),
        (&["append", "today.md", ""], json!({"tag": "empty-text"})),
        (&["search", ""], json!({"tag": "empty-text"})),
        (&["read", "folder.md"], json!({"tag": "failed", "val": "folder.md is a folder"})),
        (
            &["append", "today.md/x.md", "x"],
            json!({"tag": "failed", "val": "a part of today.md/x.md is a file, not a folder"}),
        ),
    ];
    for (call, expected) in cases {
        assert_eq!(error(&place, &words(call)), expected, "{call:?}");
    }
    for path in
        ["", "/etc/passwd", "../today.md", "ideas/../today.md", ".draft.md", "photo.jpg", "a\\b.md", "a\u{7}.md"]
    {
        for call in [&["read", path][..], &["append", path, "x"], &["edit", path, "a", "b"]] {
            assert_eq!(error(&place, &words(call))["tag"], "invalid-path", "{call:?}");
        }
    }
    assert_eq!(snapshot(&folder), before);
    assert_eq!(run(&place, 0, &["changes"]).stdout, "", "a call that failed left something to approve");
}

#[test]
fn notes_that_cannot_be_searched_are_named() {
    let place = need!("the example skills", place());
    garden(&place);
    place.put("notes/latin.md", b"caf\xe9 tomatoes");
    place.put("notes/large.md", "tomatoes".repeat(1 << 18));
    let found = value(&place, &words(&["search", "tomatoes"]));
    assert_eq!((&found["skipped"], &found["more"]), (&json!(["large.md", "latin.md"]), &json!(false)), "{found}");
    place.put("notes/many.md", "tomatoes\n".repeat(200));
    let found = value(&place, &words(&["search", "tomatoes"]));
    assert_eq!((found["hits"].as_array().map(Vec::len), &found["more"]), (Some(100), &json!(true)));
}

/// A link in the folder is no way out of it.
#[test]
fn links_are_not_followed() {
    let place = need!("the example skills", place());
    let folder = garden(&place);
    place.put("secret.md", "tomatoes of somebody else");
    let outside = place.work().join("secret.md");
    for (target, name) in
        [(outside.as_path(), "absolute.md"), ("../secret.md".as_ref(), "relative.md"), ("..".as_ref(), "up")]
    {
        std::os::unix::fs::symlink(target, folder.join(name)).unwrap_or_else(|error| panic!("{error}"));
    }
    let found = value(&place, &words(&["search", "somebody else"]));
    assert_eq!(found["hits"], json!([]), "{found}");
    for path in ["absolute.md", "relative.md", "up/secret.md"] {
        for call in [&["read", path][..], &["append", path, "x"], &["edit", path, "tomatoes", "x"]] {
            let ran = place.run(&[&["call"], &words(call)[..]].concat());
            assert!(ran.code != Some(0) && !ran.stdout.contains("tomatoes"), "{call:?}: {ran:?}");
        }
    }
    assert_eq!(text(&place, "secret.md"), "tomatoes of somebody else");
}

#[test]
fn a_folder_that_is_not_there_is_said_so() {
    let place = need!("the example skills", place());
    let ran = run(&place, 2, &["call", NOTES, "list", "--allow-write", "notes"]);
    assert!(ran.stderr.contains("it is not there; make it with `mkdir -p notes`"), "{}", ran.stderr);
    // The folder above was granted, and there are no notes in it.
    assert_eq!(error(&place, &[NOTES, "list", "--allow-write", "."]), json!({"tag": "no-folder"}));
    fs::create_dir(place.work().join("notes")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(value(&place, &words(&["list"])), json!({"notes": [], "more": false}));
    run(&place, 0, &["grant", NOTES, "--yes"]);
    fs::remove_dir(place.work().join("notes")).unwrap_or_else(|error| panic!("{error}"));
    let ran = run(&place, 10, &["call", NOTES, "list"]);
    assert!(ran.stderr.contains("bring it back"), "{}", ran.stderr);
}
