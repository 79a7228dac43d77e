//! Programs and the component work on one folder, and nothing reaches it before somebody approves.

use crate::work::{Bench, ENGINES, contents};
use std::fs;
use vox_tests::need;

#[test]
fn git_commits_and_nothing_touches_the_folder_before_it_is_approved() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let repo = bench.folder("repo");
        let before = contents(&repo);
        let grants = ["--allow-write", "repo", "--allow-subprocess=git"];
        let ran = bench.call(0, &["commit", "repo", "notes.md", "hello"], &grants);
        assert_eq!(ran.stdout, "first\n\nnotes.md\nref: refs/heads/main\n", "{engine}: {}", ran.stderr);
        assert_eq!(contents(&repo), before, "{engine}: the folder changed before anybody approved");
        let audit = bench.run(0, &["audit"]);
        for line in ["init --quiet", "add notes.md", "commit --quiet --message first", "log --format=%s"] {
            assert!(audit.stdout.contains(line), "{engine}: {line}: {}", audit.stdout);
        }
        assert!(audit.stdout.contains("exit 0 after"), "{engine}: {}", audit.stdout);
        bench.run(0, &["approve", "--yes", "--even-dangerous"]);
        assert_eq!(fs::read_to_string(repo.join("notes.md")).ok().as_deref(), Some("hello"));
        assert_eq!(fs::read_to_string(repo.join(".git/HEAD")).ok().as_deref(), Some("ref: refs/heads/main\n"));
        assert_eq!(fs::read_to_string(repo.join("a.md")).ok().as_deref(), Some("# a\n"));
        // Another call finds the repository that was approved.
        let log = bench.call(0, &["run", "git", "[\"log\", \"--format=%an\"]", "some(\"repo\")"], &grants);
        assert!(log.stdout.contains("\"Skill\\n\""), "{engine}: {}{}", log.stdout, log.stderr);
    }
}

#[test]
fn a_component_and_its_programs_take_turns() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let docs = bench.folder("docs");
        let grants = ["--allow-write", "docs", "--allow-subprocess"];
        let ran = bench.call(0, &["take-turns", "docs"], &grants);
        assert_eq!(ran.stdout, "skill\nprogram\nskill again\n", "{engine}: {}", ran.stderr);
        assert!(!docs.join("turns").exists(), "{engine}");
        let diff = bench.run(0, &["diff"]);
        assert!(diff.stdout.contains("create turns"), "{engine}: {}", diff.stdout);
        bench.run(0, &["approve", "--yes"]);
        let turns = fs::read_to_string(docs.join("turns")).ok();
        assert_eq!(turns.as_deref(), Some("skill\nprogram\nskill again\n"), "{engine}");
    }
}

#[test]
fn programs_delete_rename_and_link_behind_the_overlay() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let docs = bench.folder("docs");
        let before = contents(&docs);
        let script = "rm a.md && rm -r sub && mkdir sub && echo c > sub/c && ln -s sub/c link && mkfifo pipe \
                      && ln -s /etc/passwd out && echo x > tool && chmod 755 tool && ls";
        let arguments = format!("[\"-c\", \"{script}\"]");
        let grants = ["--allow-write", "docs", "--allow-subprocess=sh"];
        let ran = bench.call(0, &["run", "sh", &arguments, "none", "none"], &grants);
        assert!(ran.stdout.contains("exit 0"), "{engine}: {}{}", ran.stdout, ran.stderr);
        for left in ["docs/pipe: it is a pipe", "docs/out: it is a link that leads out"] {
            assert!(ran.stderr.contains(left), "{engine}: {left}: {}", ran.stderr);
        }
        assert_eq!(contents(&docs), before, "{engine}");
        bench.run(0, &["approve", "--yes", "--even-dangerous"]);
        let names: Vec<String> = contents(&docs).iter().map(|(name, ..)| name.display().to_string()).collect();
        assert_eq!(names, ["link", "sub", "sub/c", "tool"], "{engine}");
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(docs.join("tool")).map(|about| about.permissions().mode() & 0o777).ok();
        assert_eq!(mode, Some(0o755), "{engine}");
    }
}

#[test]
fn folders_are_as_they_were_granted() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let docs = bench.folder("docs");
        let write = ["run", "sh", "[\"-c\", \"cat a.md; echo x > new\"]", "some(\"docs\")", "none"];
        let ran = bench.call(0, &write, &["--allow-read", "docs", "--allow-subprocess"]);
        assert!(ran.stdout.contains("# a") && ran.stdout.contains("Read-only"), "{engine}: {}", ran.stdout);
        assert!(!docs.join("new").exists(), "{engine}");
        let ran = bench.call(0, &write, &["--allow-write-through", "docs", "--allow-subprocess"]);
        assert!(ran.stdout.contains("exit 0"), "{engine}: {}", ran.stdout);
        assert_eq!(fs::read_to_string(docs.join("new")).ok().as_deref(), Some("x\n"), "{engine}");
        let ran = bench.call(1, &["run", "ls", "[]", "some(\"/etc\")", "none"], &["--allow-subprocess"]);
        assert!(ran.stderr.contains("lies in no granted folder"), "{engine}: {}", ran.stderr);
    }
}
