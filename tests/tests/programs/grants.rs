//! Off refuses and says how, on works; and what a machine lacks is said with the command that mends it.

use crate::work::{Bench, ENGINES};
use vox_tests::need;

#[test]
fn programs_run_only_where_they_are_granted() {
    let engine = ENGINES[0];
    let bench = need!(engine, Bench::with(engine));
    let run = ["run", "git", "[\"--version\"]", "none", "none"];
    let ran = bench.call(3, &run, &[]);
    assert!(ran.stderr.contains("vox grant programs.wasm --allow-subprocess"), "{}", ran.stderr);
    let ran = bench.call(3, &run, &["--allow-subprocess=jq,python3"]);
    assert!(ran.stderr.contains("run with --allow-subprocess=git"), "{}", ran.stderr);
    let audit = bench.run(0, &["audit"]);
    assert!(audit.stdout.contains("denied"), "{}", audit.stdout);
    let ran = bench.call(0, &run, &["--allow-subprocess=git"]);
    assert!(ran.stdout.contains("git version"), "{}", ran.stdout);
    bench.run(0, &["grant", "programs.wasm", "--allow-subprocess=git", "--yes"]);
    bench.call(0, &run, &[]);
    let ran = bench.call(1, &["run", "no-such-program", "[]", "none", "none"], &["--allow-subprocess"]);
    assert!(ran.stderr.contains("not-found"), "{}", ran.stderr);
}

#[test]
fn variables_are_set_only_where_they_are_granted() {
    let engine = ENGINES[0];
    let bench = need!(engine, Bench::with(engine));
    let run = ["run-with", "GREETING", "hello there", "sh", "[\"-c\", \"env\"]"];
    let ran = bench.call(3, &run, &["--allow-subprocess"]);
    assert!(ran.stderr.contains("run with --allow-env GREETING"), "{}", ran.stderr);
    let ran = bench.call(0, &run, &["--allow-subprocess", "--allow-env", "GREETING"]);
    assert!(ran.stdout.contains("GREETING=hello there"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("VOX_HOME"), "nothing of the host's environment: {}", ran.stdout);
}

#[test]
fn a_machine_without_an_engine_says_what_to_install() {
    let bench = need!("the guest `programs`", Bench::without());
    let run = ["run", "git", "[]", "none", "none"];
    let ran = bench.call(10, &run, &["--allow-subprocess"]);
    assert!(ran.stderr.contains("no container engine works here"), "{}", ran.stderr);
    assert!(ran.stderr.contains("sudo apt-get install podman runc"), "{}", ran.stderr);
    let why = bench.run(10, &["why", "programs.wasm", "--allow-subprocess"]);
    assert!(why.stdout.contains("apt-get install podman"), "{}", why.stdout);
    let doctor = bench.run(0, &["doctor"]);
    assert!(
        doctor.stdout.contains("tier  container: not offered: no container engine works here"),
        "{}",
        doctor.stdout
    );
    let fix = bench.run(10, &["doctor", "--fix"]);
    assert!(fix.stderr.contains("sudo apt-get install podman runc"), "{}", fix.stderr);
}

#[test]
fn why_says_which_import_a_container_serves() {
    for (engine, name) in ENGINES.into_iter().zip(["Podman", "Docker"]) {
        let bench = need!(engine, Bench::with(engine));
        let why = bench.run(0, &["why", "programs.wasm", "--allow-subprocess"]);
        assert!(why.stdout.contains("runs on the wasm tier"), "{}", why.stdout);
        let line = format!("outside  vox:skill/processes@0.1.0, in a container of {name} ");
        assert!(why.stdout.contains(&line), "{}", why.stdout);
        let why = bench.run(3, &["why", "programs.wasm"]);
        let offered = format!("container: offered: {name} ");
        for told in [why, bench.run(0, &["doctor"])] {
            let tier = told.stdout.lines().find(|line| line.contains(&offered)).unwrap_or_default();
            assert!(tier.starts_with("tier ") || tier.starts_with("  tier "), "{}", told.stdout);
            assert!(tier.contains("; measured in a container: memory and processes are capped"), "{tier}");
        }
    }
}

#[test]
fn the_weaker_profile_is_asked_for_by_name_and_told_with_the_outcome() {
    let engine = ENGINES[0];
    let bench = need!(engine, Bench::with(engine));
    let run = ["run", "true", "[]", "none", "none"];
    let strict = bench.call(0, &run, &["--allow-subprocess"]);
    assert!(!strict.stderr.contains("rlimits"), "{}", strict.stderr);
    let asked = ["--allow-subprocess", "--container-profile", "rlimits"];
    if rustix::process::geteuid().is_root() {
        // The kernel counts the processes of everybody but root (setrlimit(2)), and the measurement finds that.
        let refused = bench.call(10, &run, &asked);
        assert!(refused.stderr.contains("processes: more could be made"), "{}", refused.stderr);
        assert!(refused.stderr.contains("run vox as another user"), "{}", refused.stderr);
        return;
    }
    let weaker = bench.call(0, &run, &asked);
    assert!(weaker.stderr.contains("note: programs ran under the profile `rlimits`"), "{}", weaker.stderr);
}
