//! What a script gets: nothing without a grant, the exact line that gives it, and no more than that.

use crate::work::{Bench, ENGINES, put};
use vox_tests::need;

const RUNS: &str = "[runtime]\nrequired = [\"subprocess\"]\n[subprocess]\nprograms = [\"sh\"]\n";

#[test]
fn a_refusal_says_the_line_that_allows_it_and_the_line_works() {
    let engine = ENGINES[0];
    let bench = need!(engine, Bench::with(engine));
    let folder = bench.skill("x", &[("a.sh", "echo hello\n"), ("b.sh", "echo other\n")]);
    bench.run(0, &["import", "x"]);
    let refused = bench.run(3, &["run", "./x", "a.sh"]);
    assert!(refused.stderr.contains("vox grant ./x --allow-subprocess=sh"), "{}", refused.stderr);
    let why = bench.run(3, &["why", "./x", "a.sh"]);
    assert!(why.stdout.contains("scripts/a.sh of ./x may not run"), "{}", why.stdout);
    bench.run(0, &["grant", "./x", "--allow-subprocess=sh"]);
    // A grant is for the skill: whichever of its scripts is run.
    assert_eq!(bench.script(0, &["./x", "a.sh"], &[], &[]).stdout, "hello\n");
    assert_eq!(bench.script(0, &["./x", "scripts/b.sh"], &[], &[]).stdout, "other\n");
    let why = bench.run(0, &["why", "./x", "a.sh"]);
    for line in ["runs on the container tier", "a shell script starts programs", "in a container of"] {
        assert!(why.stdout.contains(line), "{line}: {}", why.stdout);
    }
    let audit = bench.run(0, &["audit"]);
    assert!(audit.stdout.contains("sh /skill/scripts/a.sh: exit 0 after"), "{}", audit.stdout);
    // Another content is another skill, also where another file of the folder changed.
    put(&folder.join("notes.md"), "new");
    let refused = bench.run(3, &["run", "./x", "a.sh"]);
    assert!(refused.stderr.contains("its content changed since"), "{}", refused.stderr);
}

#[test]
fn folders_variables_and_programs_are_those_that_were_granted() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let text = "pwd; ls -A; echo \"[${GREETING-unset}] [${VOX_HOME-unset}]\"; touch /skill/x 2>/dev/null || echo read-only\n\
                    touch new 2>/dev/null || echo nothing to write\ncat /skill/SKILL.md | head -n 2 | tail -n 1\n";
        let folder = bench.skill("x", &[("a.sh", text)]);
        put(&folder.join("skill.toml"), format!("{RUNS}[[script]]\npath = \"scripts/a.sh\"\ninterpreter = \"sh\"\n"));
        bench.folder("docs", "a.md", "# a");
        let grants = ["--allow-subprocess=sh", "--allow-read", "docs", "--allow-env", "GREETING"];
        let words = ["run", "./x", "a.sh", "--limit-time", "120s"];
        let mut command = bench.vox(&[&words[..], &grants].concat());
        let ran = vox_tests::program::ran(command.env("GREETING", "good day"));
        let expected = "/work/docs\na.md\n[good day] [unset]\nread-only\nnothing to write\nname: x\n";
        assert_eq!(ran.stdout, expected, "{engine}: {}", ran.stderr);
        // Not granted, a variable is not there.
        let mut command = bench.vox(&[&words[..], &grants[..3]].concat());
        let ran = vox_tests::program::ran(command.env("GREETING", "good day"));
        assert!(ran.stdout.contains("[unset] [unset]"), "{engine}: {}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn a_script_without_an_engine_says_what_to_install() {
    let bench = need!("vox", Bench::without());
    bench.skill("x", &[("a.sh", "true\n")]);
    bench.run(0, &["import", "x"]);
    let ran = bench.run(10, &["run", "./x", "a.sh", "--allow-subprocess=sh"]);
    assert!(ran.stderr.contains("no container engine works here"), "{}", ran.stderr);
    assert!(ran.stderr.contains("sudo apt-get install podman runc"), "{}", ran.stderr);
    bench.run(10, &["why", "./x", "a.sh", "--allow-subprocess=sh"]);
}

/// Each script asks for its own part of what the skill asks for.
#[test]
fn a_script_asks_for_no_more_than_its_own_part() {
    let engine = ENGINES[0];
    let bench = need!(engine, Bench::with(engine));
    let folder = bench.skill("x", &[("a.sh", "echo a\n"), ("b.py", "print('b')\n")]);
    let manifest = "[runtime]\nrequired = [\"filesystem-rw\", \"subprocess\"]\n[subprocess]\nprograms = [\"python3\", \"sh\"]\n\
                    [[script]]\npath = \"scripts/a.sh\"\ninterpreter = \"sh\"\nrequired = [\"subprocess\"]\n\
                    [[script]]\npath = \"scripts/b.py\"\ninterpreter = \"python3\"\n";
    put(&folder.join("skill.toml"), manifest);
    assert_eq!(bench.script(0, &["./x", "a.sh"], &["--allow-subprocess=sh"], &[]).stdout, "a\n");
    let refused = bench.run(3, &["run", "./x", "b.py", "--allow-subprocess=sh"]);
    for part in ["--allow-write DIR", "--allow-subprocess=python3"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
}

/// The folder that is mounted is the one that was looked at: a script that waits sees nothing of what comes later.
#[test]
fn what_was_inspected_is_what_runs() {
    let engine = ENGINES[0];
    let bench = need!(engine, Bench::with(engine));
    let folder =
        bench.skill("x", &[("a.sh", "echo started >&2; sleep 3; cat /skill/scripts/data; cat /skill/scripts/late\n")]);
    put(&folder.join("scripts/data"), "as it was\n");
    bench.run(0, &["import", "x"]);
    bench.script(1, &["./x", "a.sh"], &["--allow-subprocess=sh", "--allow-read", "x"], &[]);
    let words = ["run", "./x", "a.sh", "--allow-subprocess=sh", "--allow-read", "x", "--limit-time", "120s"];
    let mut command = bench.vox(&words);
    let piped = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = piped.spawn().unwrap_or_else(|error| panic!("{error}"));
    let mut first = [0; 8];
    let read = child.stderr.as_mut().map(|pipe| std::io::Read::read_exact(pipe, &mut first));
    assert!(matches!(read, Some(Ok(()))), "it prints as it goes");
    put(&folder.join("scripts/data"), "as it is now\n");
    put(&folder.join("scripts/late"), "late\n");
    let ended = child.wait_with_output().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "as it was\n");
    // Nothing of the copy stays.
    let left = std::fs::read_dir(bench.place.home().join("state/scripts")).map(|entries| entries.count()).ok();
    assert_eq!(left, Some(0));
}
