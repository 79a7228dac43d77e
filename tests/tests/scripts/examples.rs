//! The three example skills as a person uses them: imported, granted, run, looked at, approved. With both engines.

use crate::work::{Bench, ENGINES, contents};
use std::fs;
use vox_tests::need;

const TABLE: &str = "region,units\nnorth,10\nsouth,30\n";

#[test]
fn csv_report_writes_a_report_once_it_is_approved() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        bench.example("csv-report");
        let imported = bench.run(0, &["import", "csv-report"]);
        for line in ["scripts/report.py  container tier", "standard library alone", "--allow-env REPORT_TITLE"] {
            assert!(imported.stdout.contains(line), "{line}: {}", imported.stdout);
        }
        assert!(!imported.stdout.contains("tables.py"), "a module is no script: {}", imported.stdout);
        bench.run(0, &["check", "csv-report"]);
        let data = bench.folder("data", "sales.csv", TABLE);
        let before = contents(&data);
        let grants = ["--allow-write", "data", "--allow-subprocess=python3"];
        let ran = bench.script(0, &["./csv-report", "report.py"], &grants, &["sales.csv", "report.md"]);
        assert_eq!(ran.stdout, "report.md: 2 rows, 2 columns\n", "{engine}: {}", ran.stderr);
        assert_eq!(contents(&data), before, "{engine}: the folder changed before anybody approved");
        let diff = bench.run(0, &["diff"]);
        assert!(diff.stdout.contains("report.md"), "{engine}: {}", diff.stdout);
        bench.run(0, &["approve", "--yes"]);
        let report = fs::read_to_string(data.join("report.md")).unwrap_or_default();
        assert!(report.starts_with("# sales\n\n2 rows.\n"), "{engine}: {report}");
        assert!(report.contains("| units  | number | 2      | 20   | 10    | 30       |"), "{engine}: {report}");
        // What is in the folder besides is as it was.
        let rest: Vec<_> = contents(&data).into_iter().filter(|(name, ..)| !name.ends_with("report.md")).collect();
        assert_eq!(rest, before, "{engine}");
    }
}

#[test]
fn release_notes_reads_a_repository() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        bench.example("release-notes");
        let imported = bench.run(0, &["import", "release-notes"]);
        assert!(imported.stdout.contains("git in line"), "{engine}: {}", imported.stdout);
        let commit = "git -c user.name=Ada -c user.email=ada@example.org commit --quiet --allow-empty --message";
        let made = bench.place.shell(&format!(
            "git init --quiet repo && cd repo && {commit} 'parser: reads tabs' && {commit} 'first' && {commit} 'parser: is quick'"
        ));
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let repo = bench.place.work().join("repo");
        let before = contents(&repo);
        let grants = ["--allow-write", "repo", "--allow-subprocess=sh"];
        let ran = bench.script(0, &["./release-notes", "scripts/notes.sh"], &grants, &[]);
        assert_eq!(ran.stdout, "RELEASE_NOTES.md: 3 commits\n", "{engine}: {}", ran.stderr);
        assert_eq!(contents(&repo), before, "{engine}: the folder changed before anybody approved");
        bench.run(0, &["approve", "--yes"]);
        let notes = fs::read_to_string(repo.join("RELEASE_NOTES.md")).unwrap_or_default();
        let expected = "# Release notes\n\n## other\n\n- first\n\n## parser\n\n- is quick\n- reads tabs\n";
        assert_eq!(notes, expected, "{engine}");
    }
}

#[test]
fn tidy_json_edits_in_place() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        bench.example("tidy-json");
        bench.run(0, &["import", "tidy-json"]);
        let docs = bench.folder("docs", "a.json", "{\"b\":1,\"a\":[]}");
        bench.folder("docs", "sub/b.json", "{\n  \"a\": 1\n}\n");
        let before = contents(&docs);
        let grants = ["--allow-write", "docs", "--allow-subprocess=bash"];
        let ran = bench.script(0, &["./tidy-json", "tidy.sh"], &grants, &[]);
        assert_eq!(ran.stdout, "2 files, 1 changed, 0 no JSON\n", "{engine}: {}", ran.stderr);
        assert_eq!(contents(&docs), before, "{engine}: the folder changed before anybody approved");
        bench.run(0, &["approve", "--yes"]);
        let tidy = fs::read_to_string(docs.join("a.json")).unwrap_or_default();
        assert_eq!(tidy, "{\n  \"a\": [],\n  \"b\": 1\n}\n", "{engine}");
        // A file that is no JSON: the script says so and fails, and what it staged waits all the same.
        bench.folder("docs", "c.json", "{");
        let ran = bench.script(1, &["./tidy-json", "tidy.sh"], &grants, &["c.json"]);
        assert_eq!(ran.stdout, "1 files, 0 changed, 1 no JSON\n", "{engine}");
        assert!(ran.stderr.contains("c.json: no JSON\n"), "{engine}: {}", ran.stderr);
    }
}
