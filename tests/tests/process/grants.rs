//! Who may run programs in a process: never who was not trusted, and never by trust alone.

use crate::{bench, trusted};
use vox_tests::need;

const VERSION: [&str; 5] = ["run", "git", "[\"--version\"]", "none", "none"];

#[test]
fn without_trust_nothing_runs_in_a_process_and_trust_alone_runs_nothing() {
    let bench = need!("the process tier", bench());
    let refused = bench.call(10, &VERSION, &["--allow-subprocess=git"]);
    assert!(refused.stderr.contains("no container engine works here"), "{}", refused.stderr);
    let refused = trusted(&bench, 3, &VERSION, &[]);
    assert!(refused.stderr.contains("--allow-subprocess"), "{}", refused.stderr);
    let refused = trusted(&bench, 3, &VERSION, &["--allow-subprocess=jq"]);
    assert!(refused.stderr.contains("run with --allow-subprocess=git"), "{}", refused.stderr);
    let ran = trusted(&bench, 0, &VERSION, &["--allow-subprocess=git"]);
    assert!(ran.stdout.contains("git version"), "{}", ran.stdout);
    let told = "programs ran in the process tier, because this skill is trusted";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let audit = bench.run(0, &["audit"]);
    assert!(audit.stdout.contains("git --version: exit 0 after"), "{}", audit.stdout);
    assert!(audit.stdout.contains("[--allow-subprocess=git --trust"), "the audit names the tier: {}", audit.stdout);
    // The flag was for that run.
    bench.call(10, &VERSION, &["--allow-subprocess=git"]);
}

#[test]
fn a_trust_is_kept_shown_forbidden_and_taken_back() {
    let bench = need!("the process tier", bench());
    bench.run(0, &["grant", "programs.wasm", "--allow-subprocess=git", "--yes"]);
    bench.call(10, &VERSION, &[]);
    let given = bench.run(0, &["grant", "programs.wasm", "--trust", "--yes"]);
    assert!(given.stdout.contains("be trusted: the programs that it may run"), "{}", given.stdout);
    assert!(given.stderr.contains("this lets no program run by itself"), "{}", given.stderr);
    bench.call(0, &VERSION, &[]);
    let listed = bench.run(0, &["grants"]);
    for line in ["run `git` in a process of this machine", "be trusted"] {
        assert!(listed.stdout.contains(line), "{line}: {}", listed.stdout);
    }
    // Forbidden is forbidden, whatever the flags say; what it may run otherwise is not touched.
    let denied = bench.run(0, &["grant", "programs.wasm", "--deny", "--trust", "--yes"]);
    let refused = trusted(&bench, 10, &VERSION, &[]);
    assert!(refused.stderr.contains("no container engine works here"), "{}", refused.stderr);
    let [given, denied] =
        [given, denied].map(|ran| ran.stdout.split_whitespace().next().unwrap_or_default().to_owned());
    bench.run(0, &["revoke", &denied]);
    bench.call(0, &VERSION, &[]);
    // Grants of one skill under one term are one entry, which goes whole.
    bench.run(0, &["revoke", &given]);
    trusted(&bench, 3, &VERSION, &[]);
    bench.call(10, &VERSION, &["--allow-subprocess=git"]);
}

#[test]
fn a_trust_lasts_as_often_as_was_said_and_for_this_content() {
    let bench = need!("the process tier", bench());
    bench.run(0, &["grant", "programs.wasm", "--allow-subprocess=git", "--yes"]);
    bench.run(0, &["grant", "programs.wasm", "--trust", "--times", "1", "--yes"]);
    bench.call(0, &VERSION, &[]);
    bench.call(10, &VERSION, &[]);
    bench.run(0, &["grant", "programs.wasm", "--trust", "--yes"]);
    bench.call(0, &VERSION, &[]);
    // Another content under the same name: a custom section is enough.
    let path = bench.place.work().join("programs.wasm");
    let mut bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{error}"));
    bytes.extend_from_slice(&[0, 2, 1, b'x']);
    std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{error}"));
    let refused = bench.call(10, &VERSION, &["--allow-subprocess=git"]);
    assert!(refused.stderr.contains("no container engine works here"), "{}", refused.stderr);
}

#[test]
fn a_project_cannot_give_it() {
    let bench = need!("the process tier", bench());
    bench.place.put("vox.toml", "[grants]\n\"programs\" = [\"--allow-subprocess=git\", \"--trust\"]\n");
    let refused = bench.call(2, &VERSION, &["--allow-subprocess=git"]);
    assert!(refused.stderr.contains("--trust is not for a project to give"), "{}", refused.stderr);
    assert!(refused.stderr.contains("vox grant programs --trust"), "{}", refused.stderr);
}

#[test]
fn why_and_doctor_name_the_tier_and_the_reason() {
    let bench = need!("the process tier", bench());
    let why = bench.run(0, &["why", "programs.wasm", "--allow-subprocess", "--trust"]);
    let line = "outside  vox:skill/processes@0.1.0, on the process tier: a process of this machine with Landlock";
    assert!(why.stdout.contains(line), "{}", why.stdout);
    assert!(why.stdout.contains("because a person trusts this skill"), "{}", why.stdout);
    let why = bench.run(0, &["why", "programs.wasm", "--allow-subprocess", "--trust", "--format", "json"]);
    let why: serde_json::Value = serde_json::from_str(&why.stdout).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(why["outside"][0]["tier"], "process", "{why}");
    let why = bench.run(10, &["why", "programs.wasm", "--allow-subprocess"]);
    assert!(
        why.stdout
            .contains("offered to skills that are trusted, with --trust: a process of this machine with Landlock"),
        "{}",
        why.stdout
    );
    let doctor = bench.run(0, &["doctor"]);
    assert!(doctor.stdout.contains("tier  process: offered: a process of this machine with"), "{}", doctor.stdout);
}
