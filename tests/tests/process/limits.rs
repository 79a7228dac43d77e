//! Limits, ends, and what a kill leaves behind: nothing.

use crate::{bench, trusted};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use vox_tests::luck::Luck;
use vox_tests::need;
use vox_tests::needs::{scale, seed};
use vox_tests::processes::{executing, running};

const ANY: [&str; 1] = ["--allow-subprocess"];

#[test]
fn a_program_is_held_to_its_limits() {
    let bench = need!("the process tier", bench());
    let ran = trusted(&bench, 1, &["limited", "sleep", "[\"600\"]", "some(300)", "none", "none"], &ANY);
    assert!(ran.stderr.contains("the time limit ended \"sleep\""), "{}", ran.stderr);
    let ran = trusted(&bench, 0, &["limited", "seq", "[\"100000\"]", "none", "some(100)", "none"], &ANY);
    // `seq 100000` prints 588,895 bytes.
    assert!(ran.stdout.contains("588795"), "{}", ran.stdout);
    let hungry = "[\"-c\", \"x = bytearray(300 << 20)\"]";
    let ran = trusted(&bench, 0, &["limited", "/usr/bin/python3", hungry, "none", "none", "some(50331648)"], &ANY);
    assert!(ran.stdout.contains("exit 1") && ran.stdout.contains("MemoryError"), "{}", ran.stdout);
}

#[test]
fn a_program_that_fills_the_disk_is_ended() {
    let bench = need!("the process tier", bench());
    bench.folder("docs");
    let script =
        "[\"-c\", \"for n in 1 2 3 4 5 6; do dd if=/dev/zero of=f$n bs=1M count=100 2>/dev/null; done; sleep 600\"]";
    let grants = ["--allow-write", "docs", "--allow-subprocess"];
    let ran = trusted(&bench, 1, &["run", "sh", script, "none", "none"], &grants);
    assert!(ran.stderr.contains("wrote more"), "{}", ran.stderr);
    assert!(bench.run(0, &["changes"]).stdout.lines().all(|line| !line.contains("docs")), "nothing of it is kept");
}

#[test]
fn a_call_that_ends_takes_its_programs_along() {
    let bench = need!("the process tier", bench());
    let words =
        ["call", "programs.wasm", "run", "sleep", "[\"600.125\"]", "none", "none", "--allow-subprocess", "--trust"];
    let ran = bench.run(6, &[&words[..], &["--limit-time", "8s"]].concat());
    assert!(ran.stderr.contains("time"), "{}", ran.stderr);
    assert!(!running("600.125"));
    let audit = bench.run(0, &["audit"]);
    assert!(audit.stdout.contains("sleep 600.125: failed after"), "{}", audit.stdout);
}

#[test]
fn programs_run_while_the_component_goes_on() {
    let bench = need!("the process tier", bench());
    let ran = trusted(&bench, 0, &["converse", "hello"], &ANY);
    let expected = "hello; Some(\"exit 0\"); Err(\"invalid: `stdin` of this program was taken already\")\n";
    assert_eq!(ran.stdout, expected);
    assert_eq!(trusted(&bench, 0, &["kill"], &ANY).stdout, "None; Some(\"signal 9\")\n");
    let started = Instant::now();
    trusted(&bench, 0, &["drop"], &ANY);
    assert!(started.elapsed() < Duration::from_secs(100), "nothing waits for `sleep 600`");
}

#[test]
fn a_trust_that_is_taken_back_stops_the_next_program() {
    let bench = need!("the process tier", bench());
    bench.folder("docs");
    bench.run(0, &["grant", "programs.wasm", "--allow-subprocess", "--allow-write", "docs", "--trust", "--yes"]);
    // The third program of `commit` waits in a hook, so that the trust can go before the fourth.
    let marker = format!("6.0{}", std::process::id());
    bench.place.shell("git init --quiet docs");
    bench.place.put("docs/.git/hooks/pre-commit", format!("#!/bin/sh\nsleep {marker}\n"));
    let hook = bench.place.work().join("docs/.git/hooks/pre-commit");
    fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap_or_else(|error| panic!("{error}"));
    let words = ["call", "programs.wasm", "commit", "docs", "notes.md", "x", "--limit-time", "120s"];
    let child = bench.vox(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{error}"));
    while !running(&marker) {
        let early = child.try_wait().unwrap_or_else(|error| panic!("{error}"));
        assert!(early.is_none(), "the hook did not run: {:?}", child.wait_with_output());
        std::thread::sleep(Duration::from_millis(5));
    }
    bench.run(0, &["grant", "programs.wasm", "--deny", "--trust", "--yes"]);
    let ended = child.wait_with_output().unwrap_or_else(|error| panic!("{error}"));
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(3), "{told}");
    assert!(told.contains("`subprocess` was taken back while the skill ran"), "{told}");
    let audit = bench.run(0, &["audit"]);
    assert!(audit.stdout.contains("log --format=%s --name-only [the grant was taken back]"), "{}", audit.stdout);
}

/// Whenever vox is killed, nothing of its programs stays.
#[test]
fn a_vox_that_is_killed_leaves_no_process_no_mount_and_no_folder() {
    let mut bench = need!("the process tier", bench());
    // A program of its own tells its processes from those of other tests.
    bench.place.bring_program().unwrap_or_else(|error| panic!("{error}"));
    let docs = bench.folder("docs");
    let before = crate::work::contents(&docs);
    let marker = format!("6{}.5", std::process::id());
    let script = format!("[\"-c\", \"(setsid sleep {marker} &) ; echo x > a.md; sleep {marker}\"]");
    let words = ["call", "programs.wasm", "run", "sh", &script, "none", "none", "--allow-write", "docs"];
    let words = [&words[..], &["--allow-subprocess", "--trust", "--limit-time", "120s"]].concat();
    // The code is compiled before the first kill.
    trusted(&bench, 0, &["run", "true", "[]", "none", "none"], &ANY);
    let program = fs::metadata(bench.vox(&[]).get_program()).unwrap_or_else(|error| panic!("{error}"));
    let program = (program.dev(), program.ino());
    let temporary = entries(&std::env::temp_dir());
    let seed = seed();
    let (mut luck, mut reached) = (Luck::of(seed), 0);
    for round in 0..60 * scale() {
        let wait = Duration::from_micros(luck.below(1_200_000) as u64);
        let about = format!("round {round} after {wait:?}, VOX_TEST_SEED={seed}");
        let child = bench.vox(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{error}"));
        std::thread::sleep(wait);
        reached += u32::from(running(&marker));
        child.kill().and_then(|()| child.wait()).unwrap_or_else(|error| panic!("{error}"));
        let until = Instant::now() + Duration::from_secs(20);
        while running(&marker) || executing(program) {
            assert!(Instant::now() < until, "{about}: a process is left");
            std::thread::sleep(Duration::from_millis(5));
        }
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_else(|error| panic!("{error}"));
        assert!(!mounts.contains(&bench.place.root().display().to_string()), "{about}: a mount is left: {mounts}");
        assert_eq!(crate::work::contents(&docs), before, "{about}: the folder changed");
    }
    assert!(reached > 0, "VOX_TEST_SEED={seed}: no kill came while a program ran, so this shows nothing");
    let new: Vec<String> =
        entries(&std::env::temp_dir()).into_iter().filter(|name| !temporary.contains(name)).collect();
    assert!(new.iter().all(|name| !name.contains("vox")), "{new:?}");
    // What the calls had staged goes with the next command that looks.
    trusted(&bench, 0, &["run", "true", "[]", "none", "none"], &["--allow-write", "docs", "--allow-subprocess"]);
    assert!(!bench.run(0, &["changes"]).stdout.contains("docs"), "a killed call staged nothing");
}

/// The names in a folder.
fn entries(folder: &Path) -> Vec<String> {
    let all = fs::read_dir(folder).unwrap_or_else(|error| panic!("{error}"));
    all.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
