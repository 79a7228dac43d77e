//! F8: what a reviewer sees.

use super::*;
use crate::changes::{ApproveError, Hazard, View};

#[test]
fn nothing_hides_in_a_review() {
    let bench = Bench::furnished();
    bench.write("text", "one\ntwo\nthree\n");
    std::fs::write(bench.live.join("binary"), [0, 159, 146]).unwrap();
    let set = bench.stage(|tree| {
        put(tree, "text", "one\n2 \u{202e}ow\u{1b}[2J\r\nthree");
        put(tree, "binary", "now\0this");
        put(tree, "na\u{200b}me\n+++ b", "x\n");
        tree.remove_file(&root(), "file").unwrap();
        tree.remove_directory(&root(), "empty").unwrap();
        tree.create_directory(&root(), "made").unwrap();
        tree.symlink("../text", &root(), "made/link").unwrap();
        put(tree, "large", &"x\n".repeat(600_000));
    });
    let text = bench.store.review(&set, &[]).unwrap().to_string();
    for expected in [
        &format!("change set {}", set.id) as &str,
        "replace text\n",
        "  | @@ -1,3 +1,3 @@\n",
        "  | -two\n",
        "  | +2 \\u{202e}ow\\u{1b}[2J\\r\n",
        "  | +three\n  | \\ no line break here\n",
        "replace binary\n",
        "  content not shown: not text\n",
        "create na\\u{200b}me\\n+++ b\n",
        "delete file\n  was file, 7 bytes, mode 644, not read\n",
        "rmdir empty\n  was directory, mode 755\n",
        "mkdir made\n  directory, mode 755\n",
        "link made/link\n  link to `../text`\n",
        "create large\n",
        "  content not shown: larger than 1048576 bytes: compare the digests\n",
        "8 changes, 0 of which make something run later\n",
    ] {
        assert!(text.contains(expected), "{expected:?} in\n{text}");
    }
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    // Some paths alone say what they leave out.
    let some = bench.store.review(&set, &["made".to_owned()]).unwrap();
    assert_eq!(some.entries.len(), 2);
    assert!(some.to_string().contains("not asked for in this set: 6 more"));
}

#[test]
fn a_live_file_that_changed_is_not_what_is_compared_with() {
    let bench = Bench::furnished();
    let set = bench.stage(|tree| put(tree, "file", "new\n"));
    bench.write("file", "by hand");
    let review = bench.store.review(&set, &[]).unwrap();
    let View::Diff(diff) = &review.entries[0].view else { panic!() };
    assert!(diff.contains("the live file is not the one that the skill saw"), "{diff}");
    assert!(diff.contains("+new") && !diff.contains("by hand"));
}

#[test]
fn modes_are_shown_and_data_is_compared_with_the_list() {
    let bench = Bench::furnished();
    let folder = bench.open_with(Access::Write, Quota::default(), CallScope::unwatched("test"));
    open(&*folder.tree, "file", WRITE).unwrap();
    put(&*folder.tree, "dir/inner", "other");
    let draft = std::fs::read_dir(bench.store.root().join("drafts")).unwrap().next().unwrap().unwrap().path();
    // As a container would do it.
    std::fs::set_permissions(draft.join("upper/file"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let set = folder.staged.unwrap().seal(&bench.store).unwrap().unwrap();
    let review = bench.store.review(&set, &[]).unwrap();
    let text = review.to_string();
    assert!(text.contains("mode file\n  file, 7 bytes, mode 644, "), "{text}");
    assert!(text.contains("-> file, 7 bytes, mode 755, "), "{text}");
    assert_eq!(review.entries[1].dangers[0].hazard, Hazard::Executable);
    let home = bench.store.root().join("sets").join(set.id.to_string());
    std::fs::set_permissions(home.join("upper/dir/inner"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(home.join("upper/dir/inner"), "evil!").unwrap();
    assert!(bench.store.review(&set, &[]).is_err());
}

#[test]
fn what_the_host_would_run_is_flagged_and_needs_a_yes_of_its_own() {
    let cases = [
        (".git/hooks/pre-commit", Hazard::Git),
        ("sub/.git/config", Hazard::Git),
        (".GIT/hooks/x", Hazard::Git),
        (".envrc", Hazard::Shell),
        ("home/.bashrc", Hazard::Shell),
        (".github/workflows/ci.yml", Hazard::ContinuousIntegration),
        (".gitlab-ci.yml", Hazard::ContinuousIntegration),
        ("Makefile", Hazard::Build),
        ("web/package.json", Hazard::Build),
        ("build.rs", Hazard::Build),
        ("units/x.service", Hazard::Service),
        ("etc/cron.d/x", Hazard::Service),
        ("crontab", Hazard::Service),
        (".vscode/tasks.json", Hazard::Editor),
        (".ssh/authorized_keys", Hazard::Credentials),
    ];
    for (path, hazard) in cases {
        let bench = Bench::new();
        let set = bench.stage(|tree| {
            let mut at = String::new();
            for name in path.split('/').collect::<Vec<_>>().split_last().unwrap().1 {
                at = if at.is_empty() { (*name).to_owned() } else { format!("{at}/{name}") };
                tree.create_directory(&root(), &at).unwrap();
            }
            put(tree, path, "x");
        });
        let review = bench.store.review(&set, &[]).unwrap();
        let found: Vec<Hazard> =
            review.entries.iter().flat_map(|entry| &entry.dangers).map(|danger| danger.hazard).collect();
        assert_eq!(found, [hazard], "{path}");
        let silent = Approval { acknowledged: false, ..yes(&set) };
        assert!(matches!(bench.store.approve(&silent), Err(ApproveError::Dangerous(dangers)) if dangers.len() == 1));
        assert!(!bench.live.join(path).exists());
        bench.store.approve(&yes(&set)).unwrap();
        assert_eq!(bench.read(path), "x");
    }
}

#[test]
fn plain_changes_need_no_second_yes() {
    let bench = Bench::furnished();
    let set = bench.stage(|tree| {
        for path in ["notes.md", "src.rs", "makefile.txt", "git", "hooks", "a.servicex"] {
            put(tree, path, "x");
        }
        put(tree, "über", "x");
        put(tree, "FILE", "x");
    });
    let review = bench.store.review(&set, &[]).unwrap();
    let found: Vec<Hazard> =
        review.entries.iter().flat_map(|entry| &entry.dangers).map(|danger| danger.hazard).collect();
    assert_eq!(found, [Hazard::Twin, Hazard::OddName]);
    bench.store.approve(&Approval { acknowledged: false, ..yes(&set) }).unwrap();
}
