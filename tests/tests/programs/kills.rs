//! A `vox` that is killed at any moment leaves no container, no process, no mount and no folder.

use crate::limits::gone;
use crate::work::{Bench, ENGINES, contents};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use vox_tests::luck::Luck;
use vox_tests::need;
use vox_tests::needs::{scale, seed};
use vox_tests::processes::running;
use vox_tests::wait::settles;

/// Kills of each engine for each step of `VOX_TEST_SCALE`; 20 steps are 200 kills.
const KILLS: u64 = 5;

/// How long a call lasts when nobody kills it: start, program, end.
const CALL: Duration = Duration::from_millis(2500);

#[test]
fn whenever_vox_is_killed_nothing_of_its_containers_stays() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        killed(&bench, engine);
    }
}

fn killed(bench: &Bench, engine: &str) {
    let docs = bench.folder("docs");
    let before = contents(&docs);
    let marker = format!("7{}.25", std::process::id());
    let script = format!("[\"-c\", \"(setsid sleep {marker} &) ; echo x > a.md; sleep {marker}\"]");
    let grants = ["--allow-write", "docs", "--allow-subprocess"];
    let words = ["call", "programs.wasm", "run", "sh", &script, "none", "none", "--limit-time", "120s"];
    let words = [&words[..], &grants].concat();
    // What is compiled and measured once is so before the first kill.
    bench.call(0, &["run", "true", "[]", "none", "none"], &grants);
    let temporary = entries(&std::env::temp_dir());
    let seed = seed();
    let (mut luck, mut reached) = (Luck::of(seed), 0);
    for round in 0..KILLS * scale() {
        let wait = Duration::from_micros(luck.below(CALL.as_micros() as usize) as u64);
        let about = format!("{engine}, round {round} after {wait:?}, VOX_TEST_SEED={seed}");
        let child = bench.vox(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{error}"));
        if round == 0 {
            // One at least falls on the program itself.
            settles(&format!("{about}: the program does not run"), || running(&marker));
        }
        std::thread::sleep(wait);
        reached += u32::from(running(&marker));
        child.kill().and_then(|()| child.wait()).unwrap_or_else(|error| panic!("{error}"));
        // No other command of vox comes to help.
        gone(bench, engine, child.id());
        settles(&format!("{about}: a program is left"), || !running(&marker));
        assert_eq!(contents(&docs), before, "{about}: the folder changed");
    }
    assert!(reached > 0, "{engine}: of {} kills none came while the program ran: this shows nothing", KILLS * scale());
    // What the calls had staged, and the folders of their sessions, go with the next call: the former once it is sure that
    // no call is just beginning with it.
    bench.place.shell("touch -d '2 hours ago' \"$VOX_HOME\"/state/changes/drafts/*");
    bench.call(0, &["run", "true", "[]", "none", "none"], &grants);
    let state = bench.place.home().join("state");
    for folder in ["containers/sessions", "changes/drafts"] {
        assert_eq!(entries(&state.join(folder)), [""; 0], "{engine}: {folder}, VOX_TEST_SEED={seed}");
    }
    assert!(!bench.run(0, &["changes"]).stdout.contains("docs"), "a killed call staged nothing");
    let root = bench.place.root().display().to_string();
    settles(&format!("{engine}: a mount below {root} is left"), || {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_else(|error| panic!("{error}"));
        !mounts.lines().any(|line| line.contains(&root))
    });
    let new: Vec<_> = entries(&std::env::temp_dir()).into_iter().filter(|name| !temporary.contains(name)).collect();
    assert!(new.iter().all(|name| !name.contains("vox")), "{new:?}");
}

/// The names in a folder; none where it is not there.
fn entries(folder: &Path) -> Vec<String> {
    let names = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    fs::read_dir(folder).map(|all| all.flatten().map(names).collect()).unwrap_or_default()
}
