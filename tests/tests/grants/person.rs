//! What a person is asked, on a terminal and off it; and the project file, which speaks only once it is trusted.

use crate::work::{folder, place, run};
use std::path::Path;
use std::process::{Command, Stdio};
use vox_tests::need;
use vox_tests::program::{Place, Ran, ran};

/// Runs a line of shell on a terminal, with these keys typed. `script` of util-linux makes the terminal.
fn typed(place: &Place, keys: &str, line: &str) -> Ran {
    let whole = format!("printf '{keys}' | script -qec \"{line}\" /dev/null");
    let mut command = place.command(Path::new("/bin/sh"));
    command.args(["-c", &whole]).env("TERM", "dumb");
    ran(&mut command)
}

fn script() -> Result<(), String> {
    let found = Command::new("script").arg("--version").stdout(Stdio::null()).status();
    found.map(|_| ()).map_err(|_| "`script` is missing: apt-get install bsdutils".to_owned())
}

const NOTES: &str = "[runtime]\nrequired = [\"filesystem-ro\"]\n[files]\nread = [\"docs\"]\n";

fn notes() -> Result<Place, String> {
    let place = place(&["files"])?;
    folder(&place, "docs");
    std::fs::create_dir_all(place.work().join("notes")).map_err(|error| error.to_string())?;
    std::fs::copy(place.work().join("files.wasm"), place.work().join("notes/files.wasm"))
        .map_err(|error| error.to_string())?;
    place.put("notes/skill.toml", NOTES);
    Ok(place)
}

#[test]
fn a_person_is_asked_once_and_may_say_no() {
    let place = need!("the guest `files`", notes());
    need!("a terminal", script());
    let no = typed(&place, "n\\n", "vox call ./notes read docs/a.md");
    assert!(no.stdout.contains("asks for") && no.stdout.contains("may not run"), "{}", no.stdout);
    let once = typed(&place, "o\\n", "vox call ./notes read docs/a.md");
    assert!(once.stdout.contains("# a"), "{}", once.stdout);
    run(&place, 3, &["call", "./notes", "read", "docs/a.md"]);
    let always = typed(&place, "v\\n", "vox call ./notes read docs/a.md");
    assert!(always.stdout.contains("# a"), "{}", always.stdout);
    run(&place, 0, &["call", "./notes", "read", "docs/a.md"]);
    let audit = run(&place, 0, &["audit"]);
    for word in ["consent   refused", "consent   once", "consent   granted"] {
        assert!(audit.stdout.contains(word), "{word}: {}", audit.stdout);
    }
}

#[test]
fn never_is_never_asked_again() {
    let place = need!("the guest `files`", notes());
    need!("a terminal", script());
    let never = typed(&place, "d\\n", "vox call ./notes read docs/a.md");
    assert!(never.stdout.contains("may not run"), "{}", never.stdout);
    run(&place, 3, &["call", "./notes", "read", "docs/a.md", "--allow-read", "docs"]);
}

#[test]
fn a_project_file_grants_nothing_until_it_is_trusted() {
    let place = need!("the guest `files`", notes());
    place.put("vox.toml", "[grants]\nnotes = [\"--allow-read docs\"]\n");
    let ran = run(&place, 3, &["call", "./notes", "read", "docs/a.md"]);
    assert!(ran.stderr.contains("is not trusted"), "{}", ran.stderr);
    run(&place, 0, &["grant", "--project", "--yes"]);
    run(&place, 0, &["call", "./notes", "read", "docs/a.md"]);
    place.put("vox.toml", "[grants]\nnotes = [\"--allow-read docs\", \"--allow-clock\"]\n");
    let ran = run(&place, 3, &["call", "./notes", "read", "docs/a.md"]);
    assert!(ran.stderr.contains("has changed"), "{}", ran.stderr);
    place.put("vox.toml", "[grants]\nnotes = [\"--allow-everything\"]\n");
    run(&place, 2, &["call", "./notes", "read", "docs/a.md"]);
}

/// Where a person has to say what exactly, a yes is no answer: nobody is asked, also on a terminal.
#[test]
fn what_has_to_be_said_in_words_is_not_asked_for() {
    let place = need!("the guest `http_guest`", place(&["http_guest"]));
    need!("a terminal", script());
    let line = "vox call http_guest.wasm get http://127.0.0.1:1/; echo code \\$?";
    let told = typed(&place, "o\\n", line);
    assert!(told.stdout.contains("--allow-http URL") && told.stdout.contains("code 3"), "{}", told.stdout);
    assert!(!told.stdout.contains("asks for") && !told.stdout.contains("allow it?"), "{}", told.stdout);
}

/// The largest project file is read, and one byte more is a mistake.
#[test]
fn a_project_file_has_a_largest_size() {
    let place = need!("the guest `files`", notes());
    let text = "[grants]\nnotes = [\"--allow-read docs\"]\n";
    let sized = |size: usize| format!("{text}#{}\n", " ".repeat(size - text.len() - 2));
    place.put("vox.toml", sized(256 << 10));
    run(&place, 0, &["grant", "--project", "--yes"]);
    run(&place, 0, &["call", "./notes", "read", "docs/a.md"]);
    place.put("vox.toml", sized((256 << 10) + 1));
    let ran = run(&place, 2, &["call", "./notes", "read", "docs/a.md"]);
    assert!(ran.stderr.contains("larger than any project file"), "{}", ran.stderr);
}
