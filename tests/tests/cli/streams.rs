//! Data on standard output, everything else on standard error; pipes that close; help for shells and people.

use crate::transcripts::furnish;
use std::process::Stdio;
use vox_tests::need;
use vox_tests::program::Place;

#[test]
fn a_closed_pipe_is_no_error() {
    let place = need!("vox", Place::new());
    furnish(&place);
    for arguments in [&["inspect", "typed.wasm", "--schema"][..], &["completions", "bash"], &["bundle"], &["--help"]] {
        let mut command = place.vox(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap_or_else(|e| panic!("{e}"));
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap_or_else(|error| panic!("{error}"));
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        assert!(!said.contains("error"), "{arguments:?}: {said}");
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {said}");
    }
}

#[test]
fn completions_are_scripts_that_name_every_verb() {
    let place = need!("vox", Place::new());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = place.run(&["completions", shell]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{shell}");
        for verb in ["inspect", "why", "call", "run", "pipe", "bundle", "doctor", "cache", "completions"] {
            assert!(ran.stdout.contains(verb), "{shell} completes no {verb}");
        }
    }
    let checked = place.shell("vox completions bash > c.sh && sh -n c.sh 2>/dev/null || bash -n c.sh");
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
}

#[test]
fn quiet_says_nothing_but_results_and_errors() {
    let place = need!("vox", Place::new());
    furnish(&place);
    assert_eq!(place.run(&["call", "answer.wasm", "answer"]).code, Some(0));
    place.shell("for entry in \"$VOX_HOME\"/cache/v1/*; do printf x >> \"$entry\"; done");
    let ran = place.run(&["--quiet", "call", "answer.wasm", "answer"]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("42\n", ""));
    place.shell("for entry in \"$VOX_HOME\"/cache/v1/*; do printf x >> \"$entry\"; done");
    let ran = place.run(&["call", "answer.wasm", "answer"]);
    assert!(ran.stderr.contains("warning: cache: "), "{}", ran.stderr);
    let ran = place.run(&["--quiet", "call", "answer.wasm", "anser"]);
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
}

/// No colour and no drawing of progress where no terminal is.
#[test]
fn off_a_terminal_nothing_is_coloured() {
    let place = need!("vox", Place::new());
    furnish(&place);
    for arguments in
        [&["call", "typed.wasm", "sum", "x", "1"][..], &["inspect", "trap.wasm"], &["--help"], &["why", "http.wasm"]]
    {
        let ran = place.run(arguments);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains('\u{1b}'), "{arguments:?}");
    }
    let ran = place.run(&["--color", "always", "call", "typed.wasm", "sum", "x", "1"]);
    assert!(ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
}

/// The doctor finds this machine fit, and says so in both formats.
#[test]
fn the_doctor_finds_every_guard_in_place() {
    let place = need!("vox", Place::new());
    let ran = place.run(&["doctor", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {}", ran.stderr));
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    assert!(checks.len() >= 12, "{report}");
    let bad: Vec<_> = checks.iter().filter(|check| check["state"] == "FAIL").collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!(ran.code, Some(0));
    let ran = place.run(&["doctor"]);
    assert_eq!(
        ran.stdout.lines().filter(|line| line.starts_with("ok")).count()
            + ran.stdout.lines().filter(|l| l.starts_with("note")).count(),
        checks.len()
    );
}

#[test]
fn a_result_goes_to_a_file_whole_or_not_at_all() {
    let place = need!("vox", Place::new());
    furnish(&place);
    place.put("out", "before");
    assert_eq!(place.run(&["call", "trap.wasm", "trap", "-o", "out"]).code, Some(5));
    assert_eq!(std::fs::read(place.work().join("out")).ok(), Some(b"before".to_vec()));
    assert_eq!(place.run(&["call", "answer.wasm", "answer", "-o", "out"]).code, Some(0));
    assert_eq!(std::fs::read(place.work().join("out")).ok(), Some(b"42".to_vec()));
    let left = std::fs::read_dir(place.work()).map_or(0, |entries| {
        entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(".tmp")).count()
    });
    assert_eq!(left, 0);
}

/// What cannot be called says so before it complains about arguments.
#[test]
fn an_uncallable_function_says_so_first() {
    let place = need!("vox", Place::new());
    furnish(&place);
    let ran = place.run(&["call", "typed.wasm", "open", "a"]);
    assert!(ran.stderr.contains("cannot be called"), "{}", ran.stderr);
}
