//! The example skills of `components/`, as a person uses them.

mod counter;
mod fetch_json;
mod notes;

use crate::work::run;
use serde_json::Value;
use vox_tests::program::{Place, Ran};
use vox_tests::{need, places};

/// A place with the folder `components` in its working folder.
fn place() -> Result<Place, String> {
    let place = Place::new()?;
    let components = places::examples()?;
    std::os::unix::fs::symlink(components, place.work().join("components")).map_err(|error| error.to_string())?;
    Ok(place)
}

/// Calls a function and reads its result.
fn value(place: &Place, words: &[&str]) -> Value {
    let ran = run(place, 0, &[&["call"], words, &["--format", "json"]].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{words:?}: {error}: {}", ran.stdout))
}

/// Calls a function that returns an error, and reads that.
fn error(place: &Place, words: &[&str]) -> Value {
    told(&run(place, 1, &[&["call"], words, &["--format", "json"]].concat()))
}

/// The error of a skill in what a command wrote.
fn told(ran: &Ran) -> Value {
    let last = ran.stderr.lines().last().unwrap_or_default();
    let told: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr));
    told["error"].clone()
}

#[test]
fn the_folders_are_fine() {
    let place = need!("the example skills", place());
    for (name, said) in [
        ("counter", "needs kv\ngrant it with: vox grant components/counter --allow-kv\n"),
        ("describe", "needs subprocess\ngrant it with: vox grant components/describe --allow-subprocess=python3\n"),
        ("fetch-json", "needs http-out\n"),
        ("notes", "needs filesystem-rw\ngrant it with: vox grant components/notes --allow-write notes\n"),
    ] {
        let ran = run(&place, 0, &["check", &format!("components/{name}")]);
        assert!(ran.stdout.starts_with(&format!("example:{name} is fine: ")), "{}", ran.stdout);
        assert!(ran.stdout.ends_with(said), "{}", ran.stdout);
        assert_eq!(ran.stderr, "");
    }
}

/// What a manifest forbids cannot be given to the skill by mistake: the component does not import it either.
#[test]
fn examples_ask_for_one_thing_each() {
    let place = need!("the example skills", place());
    for (name, needs) in
        [("counter", "kv"), ("describe", "subprocess"), ("fetch-json", "http-out"), ("notes", "filesystem-rw")]
    {
        let ran = run(&place, 0, &["inspect", &format!("components/{name}"), "--format", "json"]);
        let facts: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}"));
        let found = facts["needs"].as_array().unwrap_or_else(|| panic!("{facts}"));
        assert!(!found.is_empty() && found.iter().all(|need| need["capability"] == needs), "{name}: {found:?}");
        assert_eq!(facts["unknown"], serde_json::json!([]), "{name}");
    }
}
