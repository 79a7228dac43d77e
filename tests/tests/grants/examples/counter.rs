//! `counter`: what is kept is kept, and nobody counts twice or not at all.

use super::{error, place, value};
use crate::work::run;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::Stdio;
use vox_tests::luck::Luck;
use vox_tests::need;
use vox_tests::needs::scale;

const COUNTER: &str = "components/counter";

/// A call with the grant.
fn words<'w>(words: &[&'w str]) -> Vec<&'w str> {
    [&[COUNTER], words, &["--allow-kv"]].concat()
}

#[test]
fn without_a_grant_nothing_is_counted() {
    let place = need!("the example skills", place());
    let ran = run(&place, 3, &["call", COUNTER, "increment", "visits"]);
    assert!(ran.stderr.contains("vox grant components/counter --allow-kv\n"), "{}", ran.stderr);
    assert!(run(&place, 3, &["why", COUNTER]).stdout.contains("vox grant components/counter --allow-kv\n"));
    assert_eq!(value(&place, &words(&["list"])), json!([]));
}

#[test]
fn a_counter_outlives_the_call() {
    let place = need!("the example skills", place());
    assert_eq!(value(&place, &words(&["increment", "visits"])), 1);
    assert_eq!(value(&place, &words(&["increment", "visits", "41"])), 42);
    assert_eq!(value(&place, &words(&["increment", "a/b", "0"])), 0);
    assert_eq!(value(&place, &words(&["value", "visits"])), 42);
    let all = json!([{"name": "a/b", "value": 0}, {"name": "visits", "value": 42}]);
    assert_eq!(value(&place, &words(&["list"])), all);
    assert_eq!(value(&place, &words(&["reset", "visits"])), 42);
    assert_eq!(error(&place, &words(&["value", "visits"])), json!({"tag": "unknown", "val": "visits"}));
    assert_eq!(error(&place, &words(&["reset", "visits"])), json!({"tag": "unknown", "val": "visits"}));
    assert_eq!(value(&place, &words(&["list"])), json!([{"name": "a/b", "value": 0}]));
}

#[test]
fn what_does_not_count_changes_nothing() {
    let place = need!("the example skills", place());
    value(&place, &words(&["increment", "n", "18446744073709551610"]));
    assert_eq!(error(&place, &words(&["increment", "n", "6"])), json!({"tag": "overflow"}));
    assert_eq!(value(&place, &words(&["increment", "n", "5"])), "18446744073709551615");
    for name in ["", " ", "a b", "é", "../x y", &"n".repeat(65)] {
        let told = error(&place, &words(&["increment", name]));
        assert_eq!(told["tag"], "invalid-name", "{name:?}: {told}");
    }
    run(&place, 2, &["call", COUNTER, "increment", "n", "-1", "--allow-kv"]);
    assert_eq!(value(&place, &words(&["list"])), json!([{"name": "n", "value": "18446744073709551615"}]));
}

#[test]
fn a_grant_for_good_can_be_taken_back_and_the_counters_stay() {
    let place = need!("the example skills", place());
    run(&place, 0, &["grant", COUNTER, "--yes"]);
    assert_eq!(value(&place, &[COUNTER, "increment", "visits"]), 1);
    run(&place, 0, &["revoke", "example:counter"]);
    run(&place, 3, &["call", COUNTER, "value", "visits"]);
    assert_eq!(value(&place, &words(&["value", "visits"])), 1);
}

/// The manifest names no quota, so 1 MiB is asked for.
#[test]
fn a_smaller_quota_is_not_enough() {
    let place = need!("the example skills", place());
    let ran = run(&place, 3, &["call", COUNTER, "increment", "n", "--allow-kv=64B"]);
    assert!(ran.stderr.contains("vox grant components/counter --allow-kv\n"), "{}", ran.stderr);
    run(&place, 0, &["call", COUNTER, "increment", "n", "--allow-kv=2MiB"]);
}

/// Several processes count at once: what was answered was counted, and nothing else.
#[test]
fn nobody_counts_over_another() {
    let place = need!("the example skills", place());
    value(&place, &words(&["increment", "n", "0"]));
    let mut counted = 0;
    for _ in 0..2 * scale() {
        let start = |_| {
            let mut vox = place.vox(&[&["call"], &words(&["increment", "n"])[..]].concat());
            vox.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{error}"))
        };
        let running: Vec<_> = (0..4).map(start).collect();
        for child in running {
            let output = child.wait_with_output().unwrap_or_else(|error| panic!("{error}"));
            let said = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                Some(0) => counted += 1,
                // Waiting for the others took longer than the store waits.
                Some(1) if said.contains("another process") => {}
                other => panic!("{other:?}: {said}"),
            }
        }
    }
    assert!(counted > 0);
    assert_eq!(value(&place, &words(&["value", "n"])), counted);
}

/// Any sequence of calls gives what the same sequence over a map gives.
#[test]
fn sequences_of_calls_add_up() {
    let place = need!("the example skills", place());
    for seed in 0..scale() {
        let mut luck = Luck::of(seed);
        let mut model: BTreeMap<String, u64> = BTreeMap::new();
        for step in 0..12 {
            // Names of this seed, because the store is the same for all.
            let name = format!("s{seed}-{}", luck.pick(&["a", "b/c", "d.e"]));
            let at = format!("seed {seed}, step {step}, {name}");
            match luck.below(6) {
                0 => {
                    let left = model.remove(&name);
                    match left {
                        Some(left) => assert_eq!(value(&place, &words(&["reset", &name])), left, "{at}"),
                        None => assert_eq!(error(&place, &words(&["reset", &name]))["tag"], "unknown", "{at}"),
                    }
                }
                1 => match model.get(&name) {
                    Some(known) => assert_eq!(value(&place, &words(&["value", &name])), *known, "{at}"),
                    None => assert_eq!(error(&place, &words(&["value", &name]))["tag"], "unknown", "{at}"),
                },
                _ => {
                    let by = luck.number() >> 16;
                    let sum = model.entry(name.clone()).or_default();
                    *sum += by;
                    // Beyond 2^53 - 1 a number of JSON is a text, see the guide.
                    let shown = value(&place, &words(&["increment", &name, &by.to_string()]));
                    let read = shown.as_u64().or_else(|| shown.as_str().and_then(|text| text.parse().ok()));
                    assert_eq!(read, Some(*sum), "{at}: {shown}");
                }
            }
        }
        let listed = value(&place, &words(&["list"]));
        let listed = listed.as_array().unwrap_or_else(|| panic!("{listed}"));
        let own =
            listed.iter().filter(|entry| entry["name"].as_str().is_some_and(|n| n.starts_with(&format!("s{seed}-"))));
        assert_eq!(own.count(), model.len(), "seed {seed}: {listed:?}");
    }
}
