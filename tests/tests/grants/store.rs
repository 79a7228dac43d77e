//! The small capabilities: a store, settings, log lines, the clock, randomness.

use crate::work::{place, run};
use std::process::Stdio;
use std::time::{Duration, Instant};
use vox_tests::need;

const ALL: [&str; 3] = ["--allow-kv", "--config", "unit=km"];

fn call<'w>(words: &[&'w str]) -> Vec<&'w str> {
    [&["call", "store.wasm"], words, &ALL].concat()
}

#[test]
fn what_is_kept_is_there_in_the_next_call() {
    let place = need!("the guest `store`", place(&["store"]));
    run(&place, 0, &call(&["set", "k", "v"]));
    assert_eq!(run(&place, 0, &call(&["get", "k"])).stdout, "\"v\"\n");
    place.put("big", "x".repeat(300 << 10));
    let ran = place.run(&call(&["set", "big", "@big"]));
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
}

#[test]
fn only_settings_that_were_granted_exist() {
    let place = need!("the guest `store`", place(&["store"]));
    assert_eq!(run(&place, 0, &call(&["setting", "unit"])).stdout, "\"km\"\n");
    assert_eq!(run(&place, 0, &call(&["setting", "HOME"])).stdout, "null\n");
}

#[test]
fn log_lines_are_escaped() {
    let place = need!("the guest `store`", place(&["store"]));
    let ran = run(&place, 0, &call(&["log", "info", "red \u{1b}[31m and \u{202e} back"]));
    assert!(ran.stderr.contains("\\u{1b}") && ran.stderr.contains("\\u{202e}"), "{}", ran.stderr);
    assert!(!ran.stderr.contains('\u{1b}'));
}

#[test]
fn the_clock_stands_still_unless_it_is_granted() {
    let place = need!("the guest `store`", place(&["store"]));
    assert_eq!(run(&place, 0, &call(&["now"])).stdout, "0\n");
    let words = [&call(&["now"])[..], &["--allow-clock"]].concat();
    let now: u64 = run(&place, 0, &words).stdout.trim().parse().unwrap_or(0);
    assert!(now > 1_700_000_000_000, "{now}");
}

#[test]
fn a_seed_repeats_itself() {
    let place = need!("the guest `store`", place(&["store"]));
    let seeded = [&call(&["random"])[..], &["--random-seed", "7"]].concat();
    let first = run(&place, 0, &seeded).stdout;
    assert_eq!(run(&place, 0, &seeded).stdout, first);
    assert!(run(&place, 0, &call(&["random"])).stdout != first);
}

/// A person takes a grant back, counts it, or lets it end.
#[test]
fn grants_count_and_end() {
    let place = need!("the guest `store`", place(&["store"]));
    run(&place, 0, &["grant", "store.wasm", "--allow-kv", "--config", "unit=km", "--times", "2"]);
    run(&place, 0, &["call", "store.wasm", "keys"]);
    run(&place, 0, &["call", "store.wasm", "keys"]);
    run(&place, 3, &["call", "store.wasm", "keys"]);
    run(&place, 0, &["grant", "store.wasm", "--allow-kv", "--config", "unit=km", "--for", "4s"]);
    run(&place, 0, &["call", "store.wasm", "keys"]);
    std::thread::sleep(Duration::from_millis(4200));
    run(&place, 3, &["call", "store.wasm", "keys"]);
    run(&place, 0, &["grant", "store.wasm", "--allow-kv", "--config", "unit=km"]);
    let listed = run(&place, 0, &["grants"]);
    assert!(listed.stdout.contains("read the setting `unit`"), "{}", listed.stdout);
    run(&place, 0, &["call", "store.wasm", "keys"]);
    run(&place, 0, &["revoke", "store"]);
    run(&place, 3, &["call", "store.wasm", "keys"]);
    run(&place, 4, &["revoke", "store"]);
}

/// Whoever gave something to a file takes it back from that file; a grant to that very name comes first.
#[test]
fn a_grant_is_found_by_the_skill_it_was_given_to() {
    let place = need!("the guest `store`", place(&["store"]));
    let grant = ["grant", "./store.wasm", "--allow-kv", "--config", "unit=km"];
    run(&place, 0, &grant);
    for word in ["store", "./store.wasm"] {
        let listed = run(&place, 0, &["grants", word]).stdout;
        assert!(listed.contains("read the setting `unit`"), "{word}: {listed}");
    }
    assert_eq!(run(&place, 0, &["grants", "json"]).stdout, "");
    let revoked = run(&place, 0, &["revoke", "./store.wasm"]).stdout;
    assert!(revoked.starts_with("g1  store ") && revoked.ends_with(" revoked\n"), "{revoked}");
    run(&place, 3, &["call", "store.wasm", "keys"]);
    run(&place, 4, &["revoke", "./store.wasm"]);
    // The file is gone, the grant is not: its package has to be named.
    run(&place, 0, &grant);
    std::fs::remove_file(place.work().join("store.wasm")).unwrap_or_else(|error| panic!("{error}"));
    let refused = run(&place, 4, &["revoke", "./store.wasm"]).stderr;
    assert!(refused.contains("nothing is granted to `./store.wasm`") && refused.contains("vox grants"), "{refused}");
    run(&place, 0, &["revoke", "store"]);
}

#[test]
fn what_is_forbidden_beats_what_a_flag_gives() {
    let place = need!("the guest `store`", place(&["store"]));
    run(&place, 0, &["grant", "store.wasm", "--deny", "--allow-kv"]);
    run(&place, 3, &call(&["keys"]));
}

/// What became of each call, and of what was refused before one started.
#[test]
fn the_audit_says_how_calls_ended() {
    let place = need!("the guest `store`", place(&["store"]));
    run(&place, 3, &["call", "store.wasm", "keys"]);
    run(&place, 0, &call(&["keys"]));
    place.put("big", "x".repeat(300 << 10));
    run(&place, 1, &call(&["set", "big", "@big"]));
    let limited = [&call(&["busy", "4000000"])[..], &["--limit-time", "300ms"]].concat();
    run(&place, 6, &limited);
    let told = run(&place, 0, &["audit"]).stdout;
    let refused = told.lines().find(|line| line.contains("denied    kv decide")).unwrap_or_default();
    assert!(refused.contains("wasi:keyvalue/store") && refused.contains("it needs `kv`"), "{told}");
    let ended: Vec<&str> = told.lines().filter(|line| line.contains(" ended ")).collect();
    assert_eq!(ended.len(), 3, "what was not let start did not end: {told}");
    assert!(ended[0].contains("keys allowed after") && ended[0].ends_with(" us"), "{told}");
    assert!(ended[1].contains("set failed after") && ended[1].ends_with(": the skill returned an error"), "{told}");
    assert!(ended[2].contains("busy failed after") && ended[2].contains("time limit"), "{told}");
}

/// Another content under the same name has to ask again.
#[test]
fn a_grant_is_bound_to_the_content() {
    let place = need!("the guest `store`", place(&["store"]));
    run(&place, 0, &["grant", "store.wasm", "--allow-kv", "--config", "unit=km"]);
    run(&place, 0, &["call", "store.wasm", "keys"]);
    let path = place.work().join("store.wasm");
    let mut bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{error}"));
    // An empty custom section named `x`: the same component with another digest.
    bytes.extend([0, 2, 1, b'x']);
    place.put("store.wasm", &bytes);
    let ran = run(&place, 3, &["call", "store.wasm", "keys"]);
    assert!(ran.stderr.contains("its content changed"), "{}", ran.stderr);
}

/// A revoke in another process cuts a call that is running: its next effects are refused.
#[test]
fn a_revoke_cuts_a_running_call() {
    let place = need!("the guest `store`", place(&["store"]));
    run(&place, 0, &["grant", "store.wasm", "--allow-kv", "--config", "unit=km"]);
    let words = ["call", "store.wasm", "busy", "3000", "--limit-time", "20s", "--limit-cpu", "20s"];
    let busy = place.vox(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = busy.unwrap_or_else(|error| panic!("{error}"));
    std::thread::sleep(Duration::from_millis(1500));
    run(&place, 0, &["revoke", "--all"]);
    let revoked = Instant::now();
    let output = child.wait_with_output().unwrap_or_else(|error| panic!("{error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("taken back"), "{said}");
    assert!(revoked.elapsed() < Duration::from_secs(2), "{:?}", revoked.elapsed());
}
