//! Every exit code has a command that gives it, and an error in JSON that says the same.

use crate::transcripts::furnish;
use vox_tests::program::Place;
use vox_tests::{need, places};

/// A command, its exit code and the kind that its error names. Codes of `host/cli/src/error.rs`; 70 (a fault of
/// vox) has no command, and 1 needs a guest.
const CODES: [(&[&str], i32, &str); 10] = [
    (&["call", "answer.wasm", "answer", "surplus"], 2, "usage"),
    (&["call", "unknown-import.wasm", "answer"], 3, "denied"),
    (&["call", "http.wasm", "go"], 3, "denied"),
    (&["call", "missing.wasm", "answer"], 4, "not-found"),
    (&["call", "answer.wasm", "anser"], 4, "not-found"),
    (&["call", "zip.wasm", "answer"], 4, "not-found"),
    (&["call", "trap.wasm", "trap"], 5, "trap"),
    (&["call", "spin.wasm", "spin", "--limit-time", "50ms"], 6, "limit"),
    (&["call", "sleep.wasm", "leak"], 6, "limit"),
    (&["inspect", "deep.wasm"], 6, "limit"),
];

#[test]
fn every_kind_of_error_has_its_code() {
    let place = need!("vox", Place::new());
    furnish(&place);
    for (arguments, code, kind) in CODES {
        let plain = place.run(arguments);
        assert_eq!(plain.code, Some(code), "{arguments:?}: {}", plain.stderr);
        assert!(plain.stderr.starts_with("error: "), "{arguments:?}: {}", plain.stderr);
        assert_eq!(plain.stdout, "", "{arguments:?}");
        let json = place.run(&[&["--format", "json"], arguments].concat());
        assert_eq!((json.code, json.stdout.as_str()), (Some(code), ""), "{arguments:?}");
        let lines: Vec<&str> = json.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{arguments:?}: {}", json.stderr);
        let error: serde_json::Value = serde_json::from_str(lines[0]).unwrap_or_else(|e| panic!("{arguments:?}: {e}"));
        assert_eq!((&error["kind"], &error["code"]), (&kind.into(), &code.into()), "{arguments:?}");
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{error}");
    }
}

#[test]
fn a_skills_own_error_has_code_one() {
    let guest = need!("the guest `hostile`", places::guest("hostile"));
    let place = need!("vox", Place::new());
    std::fs::copy(guest, place.work().join("hostile.wasm")).unwrap_or_else(|error| panic!("{error}"));
    let ran = place.run(&["--format", "json", "call", "hostile.wasm", "fail", "no"]);
    assert_eq!(ran.code, Some(1));
    let error: serde_json::Value =
        serde_json::from_str(ran.stderr.trim()).unwrap_or_else(|e| panic!("{e}: {}", ran.stderr));
    assert_eq!((&error["kind"], &error["error"]), (&"skill".into(), &"no".into()));
}

/// 7: a component whose code is not valid passes the inspection and is turned down by the compiler.
#[test]
fn a_component_that_does_not_compile_has_code_seven() {
    let place = need!("vox", Place::new());
    // `i32.add` on an empty stack: the text is assembled, the code is wrong.
    let text = r#"(component
        (core module $m (func (export "go") (result i32) i32.add))
        (core instance $i (instantiate $m))
        (func (export "go") (result u32) (canon lift (core func $i "go"))))"#;
    place.put("invalid.wasm", vox_tests::fixtures::assembled(text));
    let ran = place.run(&["call", "invalid.wasm", "go"]);
    assert_eq!(ran.code, Some(7), "{}", ran.stderr);
}

/// 8: a cache that cannot be used is an error only for the verb that is about the cache.
#[test]
fn a_damaged_cache_has_code_eight() {
    let place = need!("vox", Place::new());
    furnish(&place);
    assert_eq!(place.run(&["call", "answer.wasm", "answer"]).code, Some(0));
    place.shell("printf short > \"$VOX_HOME/cache/mac.key\"");
    assert_eq!(place.run(&["cache"]).code, Some(8));
    let ran = place.run(&["call", "answer.wasm", "answer"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "42\n"));
    assert!(ran.stderr.contains("damaged"), "{}", ran.stderr);
}

/// 10: the machine lacks what a sandbox needs, here address space for its memory.
#[test]
fn a_machine_without_address_space_has_code_ten() {
    let place = need!("vox", Place::new());
    let text = r#"(component
        (core module $m (memory 1) (func (export "go") (result i32) (memory.size)))
        (core instance $i (instantiate $m))
        (func (export "go") (result u32) (canon lift (core func $i "go"))))"#;
    place.put("memory.wasm", vox_tests::fixtures::assembled(text));
    assert_eq!(place.shell("vox call memory.wasm go").stdout, "1\n");
    let ran = place.shell("ulimit -v 2000000 && vox call memory.wasm go");
    assert_eq!(ran.code, Some(10), "{}", ran.stderr);
    assert!(ran.stderr.contains("raise its limit (ulimit -v)"), "{}", ran.stderr);
}
