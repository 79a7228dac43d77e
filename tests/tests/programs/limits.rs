//! Limits, ends, and programs that run while the component goes on.

use crate::work::{Bench, ENGINES};
use std::process::Stdio;
use std::time::{Duration, Instant};
use vox_tests::need;

const ANY: [&str; 1] = ["--allow-subprocess"];

#[test]
fn a_program_is_held_to_its_limits() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let ran = bench.call(1, &["limited", "sleep", "[\"600\"]", "some(300)", "none", "none"], &ANY);
        assert!(ran.stderr.contains("the time limit ended \"sleep\""), "{engine}: {}", ran.stderr);
        let ran = bench.call(0, &["limited", "seq", "[\"100000\"]", "none", "some(100)", "none"], &ANY);
        // `seq 100000` prints 588,895 bytes.
        assert!(ran.stdout.contains("588795"), "{engine}: {}", ran.stdout);
        let hungry = "[\"-c\", \"x = bytearray(300 << 20)\"]";
        let ran = bench.call(1, &["limited", "python3", hungry, "none", "none", "some(50331648)"], &ANY);
        assert!(ran.stderr.contains("limit: the memory limit ended"), "{engine}: {}", ran.stderr);
    }
}

#[test]
fn a_call_that_ends_takes_its_programs_along() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        // The measurement is not part of the call's time.
        bench.call(0, &["run", "true", "[]", "none", "none"], &ANY);
        let words = ["call", "programs.wasm", "run", "sleep", "[\"600\"]", "none", "none", "--allow-subprocess"];
        let mut command = bench.vox(&[&words[..], &["--limit-time", "8s"]].concat());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.unwrap_or_else(|error| panic!("{error}"));
        let owner = child.id();
        let ended = child.wait_with_output().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(ended.status.code(), Some(6), "{engine}: {}", String::from_utf8_lossy(&ended.stderr));
        gone(&bench, engine, owner);
        let audit = bench.run(0, &["audit"]);
        assert!(audit.stdout.contains("sleep 600: failed after"), "{engine}: {}", audit.stdout);
    }
}

/// Waits until no container of this process is left; engines tidy up by themselves and take a moment.
pub fn gone(bench: &Bench, engine: &str, owner: u32) {
    let line = format!("{engine} ps --all --format '{{{{.Labels}}}}' --filter label=org.vox.owner");
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let listed = bench.place.shell(&line);
        let mine = [format!("org.vox.owner={owner}:"), format!("org.vox.owner:{owner}:")];
        if !mine.iter().any(|mine| listed.stdout.contains(mine)) {
            return;
        }
        assert!(Instant::now() < until, "{engine}: {}", listed.stdout);
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_vox_that_is_killed_takes_its_programs_along() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        bench.call(0, &["run", "true", "[]", "none", "none"], &ANY);
        let words = ["call", "programs.wasm", "run", "sleep", "[\"600\"]", "none", "none", "--allow-subprocess"];
        let mut command = bench.vox(&[&words[..], &["--limit-time", "120s"]].concat());
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{error}"));
        std::thread::sleep(Duration::from_secs(3));
        child.kill().and_then(|()| child.wait()).unwrap_or_else(|error| panic!("{error}"));
        gone(&bench, engine, child.id());
    }
}

#[test]
fn programs_run_while_the_component_goes_on() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let ran = bench.call(0, &["converse", "hello"], &ANY);
        let expected = "hello; Some(\"exit 0\"); Err(\"invalid: `stdin` of this program was taken already\")\n";
        assert_eq!(ran.stdout, expected, "{engine}");
        let started = Instant::now();
        let ran = bench.call(0, &["kill"], &ANY);
        assert_eq!(ran.stdout, "None; Some(\"signal 9\")\n", "{engine}");
        bench.call(0, &["drop"], &ANY);
        assert!(started.elapsed() < Duration::from_secs(100), "{engine}: nothing waits for `sleep 600`");
        let audit = bench.run(0, &["audit"]);
        assert!(audit.stdout.contains("cat: exit 0 after"), "{engine}: {}", audit.stdout);
        assert_eq!(audit.stdout.matches("sleep 600: signal 9").count(), 2, "{engine}: {}", audit.stdout);
    }
}
