//! `vox import`: what it writes, what it refuses, and that it never runs, follows or overwrites anything.

use crate::work::{Bench, put};
use std::fs;
use std::os::unix::fs::symlink;
use vox_tests::{need, places};

#[test]
fn what_is_written_passes_the_check_and_is_not_written_twice() {
    let bench = need!("vox", Bench::without());
    for name in ["csv-report", "release-notes", "tidy-json"] {
        let folder = bench.example(name);
        let dry = bench.run(0, &["import", name, "--dry-run"]);
        assert!(!folder.join("skill.toml").exists(), "{name}");
        bench.run(0, &["import", name]);
        let written = fs::read_to_string(folder.join("skill.toml")).unwrap_or_default();
        assert_eq!(written, dry.stdout, "{name}");
        let checked = bench.run(0, &["check", name]);
        assert!(
            checked.stdout.starts_with(&format!("{name} is fine: 1 script, needs filesystem-rw, subprocess\n")),
            "{name}: {}",
            checked.stdout
        );

        put(&folder.join("skill.toml"), "# mine\n");
        let again = bench.run(2, &["import", name]);
        assert!(again.stderr.contains(&format!("vox import {name} --force")), "{}", again.stderr);
        assert_eq!(fs::read_to_string(folder.join("skill.toml")).ok().as_deref(), Some("# mine\n"), "{name}");
        bench.run(0, &["import", name, "--force"]);
        assert_eq!(fs::read_to_string(folder.join("skill.toml")).ok(), Some(written), "{name}");
        let left = fs::read_dir(&folder).map(|entries| entries.count()).ok();
        assert_eq!(left, Some(3), "{name}: SKILL.md, scripts, skill.toml and nothing else");
    }
}

#[test]
fn everything_is_there_as_json() {
    let bench = need!("vox", Bench::without());
    bench.skill("x", &[("a.py", "import csv, pandas\nimport subprocess\nsubprocess.run(['git'])\n")]);
    let ran = bench.run(0, &["import", "x", "--dry-run", "--format", "json"]);
    let json: serde_json::Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout));
    assert_eq!(json["version"], 1);
    assert!(json["written"].is_null() && json["manifest"].as_str().is_some_and(|text| text.contains("[[script]]")));
    let script = &json["scripts"][0];
    assert_eq!((script["tier"].as_str(), script["kind"].as_str()), (Some("container"), Some("python")));
    assert_eq!(script["modules"]["foreign"][0]["what"], "pandas");
    assert_eq!(script["found-by-reading"]["programs"][0], serde_json::json!({"what": "git", "line": 3}));
}

#[test]
fn every_broken_rule_is_named_with_its_line() {
    let bench = need!("vox", Bench::without());
    let folder = bench.skill("x", &[("a.py", "")]);
    put(&folder.join("SKILL.md"), "---\nname: Other\nversion: 2\nlicense: [a]\n---\n");
    let refused = bench.run(2, &["import", "x"]);
    for line in [
        "SKILL.md:2: `Other` is no name",
        "SKILL.md:3: the key `version`",
        "SKILL.md:4: `license` is no text",
        "SKILL.md:1: `description` is missing",
    ] {
        assert!(refused.stderr.contains(line), "{line}: {}", refused.stderr);
    }
    assert!(!folder.join("skill.toml").exists());
    let taken = bench.run(0, &["import", "x", "--lenient"]);
    assert!(taken.stderr.contains("warning: SKILL.md:3:"), "{}", taken.stderr);
    bench.run(0, &["check", "x"]);
}

#[test]
fn hostile_folders_are_refused_without_a_trace() {
    let bench = need!("vox", Bench::without());
    type Make = fn(&std::path::Path);
    let cases: [(&str, i32, &str, Make); 6] = [
        ("link", 4, "is a link", |at| {
            symlink("/etc/passwd", at.join("scripts/b.py")).unwrap_or_else(|error| panic!("{error}"))
        }),
        ("manifest", 4, "is a link", |at| {
            symlink("/etc/passwd", at.join("skill.toml")).unwrap_or_else(|error| panic!("{error}"))
        }),
        ("pipe", 4, "is a pipe", |at| {
            let made = rustix::fs::mknodat(
                rustix::fs::CWD,
                at.join("scripts/b.py"),
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::RUSR,
                0,
            );
            made.unwrap_or_else(|error| panic!("{error}"));
        }),
        ("control", 4, "control characters", |at| put(&at.join("scripts/\u{1b}[2J.py"), "")),
        ("many", 6, "more than 512 files", |at| (0..512).for_each(|n| put(&at.join(format!("many/{n}")), ""))),
        ("large", 6, "more than 16 MiB", |at| {
            let made = fs::File::create(at.join("large")).and_then(|file| file.set_len(1 << 34));
            made.unwrap_or_else(|error| panic!("{error}"));
        }),
    ];
    for (name, code, said, make) in cases {
        let folder = bench.skill(name, &[("a.py", "")]);
        make(&folder);
        let refused = bench.run(code, &["import", name]);
        assert!(refused.stderr.contains(said) && !refused.stderr.contains('\u{1b}'), "{name}: {}", refused.stderr);
        assert!(name == "manifest" || !folder.join("skill.toml").exists(), "{name}");
    }
    // Text that is no UTF-8 is read as far as it goes; a script of another encoding is a script all the same.
    let folder = bench.skill("bytes", &[]);
    let made = fs::create_dir(folder.join("scripts"))
        .and_then(|()| fs::write(folder.join("scripts/a.py"), b"import csv\n\xff\xfe\n"));
    made.unwrap_or_else(|error| panic!("{error}"));
    assert!(bench.run(0, &["import", "bytes"]).stdout.contains("(csv)"));
    bench.run(4, &["import", "nowhere"]);
}

/// A manifest that is written by hand leads nowhere but to its own scripts.
#[test]
fn manifests_with_scripts_are_strict() {
    let bench = need!("vox", Bench::without());
    let folder = bench.skill("x", &[("a.py", "")]);
    let head = "[runtime]\nrequired = [\"subprocess\"]\n[subprocess]\nprograms = [\"python3\"]\n[[script]]\ninterpreter = \"python3\"\n";
    for (path, code, said) in [
        ("scripts/a.py", 0, ""),
        ("../x/scripts/a.py", 2, "a file in the skill's folder"),
        ("scripts/b.py", 4, "there is no such file"),
    ] {
        put(&folder.join("skill.toml"), format!("{head}path = \"{path}\"\n"));
        let checked = bench.run(code, &["check", "x"]);
        assert!(checked.stderr.contains(said), "{path}: {}", checked.stderr);
    }
}

#[test]
fn a_foreign_folder_is_inspected_without_being_imported() {
    let bench = need!("vox", Bench::without());
    let folder = bench.example("csv-report");
    let shown = bench.run(0, &["inspect", "./csv-report"]);
    for line in [
        "manifest none",
        "needs    subprocess",
        "scripts/report.py  container tier",
        "because  Python with the standard library alone",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {}", shown.stdout);
    }
    let json = bench.run(0, &["inspect", "./csv-report", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        (&json["manifest"], &json["scripts"][0]["path"]),
        (&serde_json::json!(false), &serde_json::json!("scripts/report.py"))
    );
    assert!(!folder.join("skill.toml").exists());
    let listed = bench.run(0, &["run", "./csv-report"]);
    assert!(
        listed.stdout.contains("scripts/report.py") && listed.stderr.contains("vox run ./csv-report scripts/report.py")
    );
    let unknown = bench.run(4, &["run", "./csv-report", "nothing.py"]);
    assert!(unknown.stderr.contains("there are: scripts/report.py"), "{}", unknown.stderr);
}

/// The readers of languages meet real code: every script of this repository and of the test machine's Python.
#[test]
fn scripts_that_exist_are_read() {
    let bench = need!("vox", Bench::without());
    let library = ["/usr/lib/python3.11", "/usr/lib/python3"].map(std::path::Path::new);
    let found = library.iter().find(|folder| folder.is_dir());
    let library = need!("a Python library", found.ok_or_else(|| "python3 is not installed".to_owned()));
    let folder = bench.skill("x", &[]);
    let scripts = folder.join("scripts");
    fs::create_dir_all(&scripts).unwrap_or_else(|error| panic!("{error}"));
    let entries = fs::read_dir(library).unwrap_or_else(|error| panic!("{error}")).flatten();
    let files = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "py"));
    let copied = files
        .take(200)
        .filter(|path| fs::copy(path, scripts.join(path.file_name().unwrap_or_default())).is_ok())
        .count();
    assert!(copied > 50, "{copied} files");
    let json = bench.run(0, &["import", "x", "--dry-run", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap_or_else(|error| panic!("{error}"));
    let foreign: Vec<&str> = json["scripts"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|script| script["modules"]["foreign"].as_array().into_iter().flatten())
        .filter_map(|found| found["what"].as_str())
        .filter(|name| !name.starts_with('_'))
        .collect();
    // The library imports itself, apart from the few that other systems or tools bring.
    assert!(foreign.len() <= 12, "{foreign:?}");
    assert!(places::repository().join("examples/agent-skills").is_dir());
}
