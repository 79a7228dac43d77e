//! `skill.toml`: read strictly, checked against the component, asked for in so many words.

use crate::work::{folder, place, run};
use std::fs;
use vox_tests::need;
use vox_tests::program::Place;

/// A skill folder with the guest `files` and this manifest.
fn skill(place: &Place, manifest: &str) {
    let folder = place.work().join("notes");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
    fs::copy(place.work().join("files.wasm"), folder.join("files.wasm")).unwrap_or_else(|error| panic!("{error}"));
    place.put("notes/skill.toml", manifest);
}

const NOTES: &str = r#"
[skill]
name = "acme:notes"
description = "Keeps notes."
component = "files.wasm"

[runtime]
required = ["filesystem-rw"]
forbidden = ["http-out"]

[files]
write = ["docs"]
"#;

#[test]
fn what_a_manifest_asks_for_is_refused_with_the_line_that_grants_it() {
    let place = need!("the guest `files`", place(&["files"]));
    folder(&place, "docs");
    skill(&place, NOTES);
    let checked = run(&place, 0, &["check", "notes"]);
    assert!(checked.stdout.contains("vox grant ./notes --allow-write docs"), "{}", checked.stdout);
    let ran = run(&place, 3, &["call", "./notes", "write", "docs/n.md", "x"]);
    assert!(ran.stderr.contains("vox grant ./notes --allow-write docs"), "{}", ran.stderr);
    // Without flags all that it asks for is meant.
    run(&place, 2, &["grant", "./notes"]);
    let granted = run(&place, 0, &["grant", "./notes", "--yes"]);
    assert!(granted.stdout.contains("acme:notes"), "{}", granted.stdout);
    run(&place, 0, &["call", "./notes", "write", "docs/n.md", "x"]);
    assert!(run(&place, 0, &["changes"]).stdout.contains("by acme:notes"));
    let why = run(&place, 0, &["why", "./notes"]);
    assert!(why.stdout.contains("granted  filesystem-rw, for skill.toml"), "{}", why.stdout);
}

#[test]
fn a_wider_request_asks_again() {
    let place = need!("the guest `files`", place(&["files"]));
    folder(&place, "docs");
    folder(&place, "more");
    skill(&place, NOTES);
    run(&place, 0, &["grant", "./notes", "--yes"]);
    run(&place, 0, &["call", "./notes", "list", "docs"]);
    skill(&place, &NOTES.replace("[\"docs\"]", "[\"docs\", \"more\"]"));
    let ran = run(&place, 3, &["call", "./notes", "list", "docs"]);
    assert!(ran.stderr.contains("what it asks for changed"), "{}", ran.stderr);
}

#[test]
fn mistakes_are_marked() {
    let place = need!("the guest `files`", place(&["files"]));
    for (manifest, said, help) in [
        ("[skill]\nnmae = \"x\"", "unknown field `nmae`", "did you mean `name`?"),
        ("[runtime]\nrequired = [\"http_out\"]", "no capability `http_out`", "did you mean `http-out`?"),
        ("[files]\nread = [\"docs\"]", "is not required", "add \"filesystem-ro\""),
        ("[limits]\ntime = \"2h\"", "no unit of time", ""),
    ] {
        skill(&place, manifest);
        let ran = run(&place, 2, &["check", "notes"]);
        assert!(ran.stderr.contains(said) && ran.stderr.contains(help), "{manifest}\n{}", ran.stderr);
        assert!(ran.stderr.contains('╭'), "{}", ran.stderr);
    }
}

#[test]
fn limits_of_a_manifest_hold() {
    let place = need!("the guest `files`", place(&["files"]));
    skill(&place, "[limits]\ntime = \"123ms\"\nmemory = \"32MiB\"");
    let why = run(&place, 0, &["why", "./notes"]);
    assert!(why.stdout.contains("123ms") && why.stdout.contains("32 MiB"), "{}", why.stdout);
    // Who runs the skill has the last word, for less and for more.
    for time in ["7ms", "7s"] {
        let why = run(&place, 0, &["why", "./notes", "--limit-time", time]);
        assert!(why.stdout.contains(&format!("time {time}")) && why.stdout.contains("32 MiB"), "{}", why.stdout);
    }
    let ran = run(&place, 6, &["call", "./notes", "folders", "--limit-memory", "64KiB"]);
    assert!(ran.stderr.contains("memory"), "{}", ran.stderr);
    skill(&place, "[limits]\nmemory = \"64KiB\"");
    run(&place, 6, &["call", "./notes", "folders"]);
    run(&place, 0, &["call", "./notes", "folders", "--limit-memory", "64MiB"]);
}

#[test]
fn a_manifest_that_forbids_what_the_component_imports_is_refused() {
    let place = need!("the guest `store`", place(&["files", "store"]));
    let folder = place.work().join("notes");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
    fs::copy(place.work().join("store.wasm"), folder.join("store.wasm")).unwrap_or_else(|error| panic!("{error}"));
    place.put("notes/skill.toml", "[runtime]\nforbidden = [\"kv\"]");
    run(&place, 4, &["check", "notes"]);
    run(&place, 3, &["call", "./notes", "keys", "--allow-kv", "--config", "unit=km"]);
}

#[test]
fn the_schema_is_there_for_editors() {
    let place = need!("vox", Place::new());
    let schema = run(&place, 0, &["check", "--schema"]).stdout;
    assert!(schema.contains("draft-07") && schema.contains("filesystem-rw"), "{schema}");
}
