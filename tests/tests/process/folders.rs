//! Programs and the component work on one folder, and nothing reaches it before somebody approves: as in a container.

use crate::work::contents;
use crate::{bench, trusted};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use vox_tests::need;

#[test]
fn git_commits_and_nothing_touches_the_folder_before_it_is_approved() {
    let bench = need!("the process tier", bench());
    let repo = bench.folder("repo");
    let before = contents(&repo);
    let grants = ["--allow-write", "repo", "--allow-subprocess=git"];
    let ran = trusted(&bench, 0, &["commit", "repo", "notes.md", "hello"], &grants);
    assert_eq!(ran.stdout, "first\n\nnotes.md\nref: refs/heads/main\n", "{}", ran.stderr);
    assert_eq!(contents(&repo), before, "the folder changed before anybody approved");
    let audit = bench.run(0, &["audit"]);
    for line in ["init --quiet", "add notes.md", "commit --quiet --message first", "log --format=%s"] {
        assert!(audit.stdout.contains(line), "{line}: {}", audit.stdout);
    }
    bench.run(0, &["approve", "--yes", "--even-dangerous"]);
    assert_eq!(fs::read_to_string(repo.join("notes.md")).ok().as_deref(), Some("hello"));
    assert_eq!(fs::read_to_string(repo.join(".git/HEAD")).ok().as_deref(), Some("ref: refs/heads/main\n"));
    assert_eq!(fs::read_to_string(repo.join("a.md")).ok().as_deref(), Some("# a\n"));
    let log = trusted(&bench, 0, &["run", "git", "[\"log\", \"--format=%an\"]", "some(\"repo\")"], &grants);
    assert!(log.stdout.contains("\"Skill\\n\""), "{}{}", log.stdout, log.stderr);
}

#[test]
fn a_component_and_its_programs_take_turns() {
    let bench = need!("the process tier", bench());
    let docs = bench.folder("docs");
    let ran = trusted(&bench, 0, &["take-turns", "docs"], &["--allow-write", "docs", "--allow-subprocess"]);
    assert_eq!(ran.stdout, "skill\nprogram\nskill again\n", "{}", ran.stderr);
    assert!(!docs.join("turns").exists());
    let diff = bench.run(0, &["diff"]);
    assert!(diff.stdout.contains("create turns"), "{}", diff.stdout);
    bench.run(0, &["approve", "--yes"]);
    let turns = fs::read_to_string(docs.join("turns")).ok();
    assert_eq!(turns.as_deref(), Some("skill\nprogram\nskill again\n"));
}

#[test]
fn programs_delete_rename_and_link_behind_the_overlay() {
    let bench = need!("the process tier", bench());
    let docs = bench.folder("docs");
    let before = contents(&docs);
    let script = "rm a.md && rm -r sub && mkdir sub && echo c > sub/c && ln -s sub/c link && mkfifo pipe \
                  && ln -s /etc/passwd out && echo x > tool && chmod 755 tool && ls";
    let arguments = format!("[\"-c\", \"{script}\"]");
    let grants = ["--allow-write", "docs", "--allow-subprocess=sh"];
    let ran = trusted(&bench, 0, &["run", "sh", &arguments, "none", "none"], &grants);
    assert!(ran.stdout.contains("exit 0"), "{}{}", ran.stdout, ran.stderr);
    for left in ["docs/pipe: it is a pipe", "docs/out: it is a link that leads out"] {
        assert!(ran.stderr.contains(left), "{left}: {}", ran.stderr);
    }
    assert_eq!(contents(&docs), before);
    bench.run(0, &["approve", "--yes", "--even-dangerous"]);
    let names: Vec<String> = contents(&docs).iter().map(|(name, ..)| name.display().to_string()).collect();
    assert_eq!(names, ["link", "sub", "sub/c", "tool"]);
    let mode = fs::metadata(docs.join("tool")).map(|about| about.permissions().mode() & 0o777).ok();
    assert_eq!(mode, Some(0o755));
}

#[test]
fn folders_are_as_they_were_granted() {
    let bench = need!("the process tier", bench());
    let docs = bench.folder("docs");
    let write = ["run", "sh", "[\"-c\", \"cat a.md; echo x > new\"]", "some(\"docs\")", "none"];
    let ran = trusted(&bench, 0, &write, &["--allow-read", "docs", "--allow-subprocess"]);
    assert!(ran.stdout.contains("# a") && ran.stdout.contains("cannot create new"), "{}", ran.stdout);
    assert!(!docs.join("new").exists());
    let ran = trusted(&bench, 0, &write, &["--allow-write-through", "docs", "--allow-subprocess"]);
    assert!(ran.stdout.contains("exit 0"), "{}", ran.stdout);
    assert_eq!(fs::read_to_string(docs.join("new")).ok().as_deref(), Some("x\n"));
    let ran = trusted(&bench, 1, &["run", "ls", "[]", "some(\"/etc\")", "none"], &["--allow-subprocess"]);
    assert!(ran.stderr.contains("lies in no granted folder"), "{}", ran.stderr);
}

#[test]
fn secrets_of_the_person_are_nowhere_to_be_seen() {
    let bench = need!("the process tier", bench());
    bench.folder("docs");
    bench.place.put("beside.txt", "canary-3141");
    // What stands in the environment of vox, and beside the granted folder.
    let script = "env; ls -la / /home /tmp /work; cat /proc/*/environ /proc/*/cmdline /proc/*/maps | tr '\\\\0' ' '; \
                  cat /work/beside.txt /work/docs/../beside.txt; ls -la /proc/1/fd /proc/self/fd";
    let arguments = format!("[\"-c\", \"{script}\"]");
    let words = ["call", "programs.wasm", "run", "sh", &arguments, "none", "none"];
    let grants = ["--allow-read", "docs", "--allow-subprocess", "--trust"];
    let mut command = bench.vox(&[&words[..], &grants, &["--limit-time", "60s"]].concat());
    let ran = vox_tests::program::ran(command.env("API_TOKEN", "canary-3141"));
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("HOME=/home"), "the script ran: {}", ran.stdout);
    let canary = ran.stdout.matches("canary-3141").count();
    assert_eq!(canary, 0, "{}", ran.stdout);
}
