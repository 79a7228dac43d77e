//! `docs/attacks.md` names a test for every attack, and every test that it names is there and runs.

use regex::Regex;
use std::collections::BTreeMap;
use vox_tests::places;

/// The rows of the threat model: a letter for the part, and how many it has.
const ROWS: [(char, usize); 3] = [('N', 17), ('K', 10), ('F', 14)];

fn regex(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| panic!("{error}"))
}

/// A test as the page names it: its name, and its file from the root of the repository.
type Named = (String, String);

/// The lines of the tables: the row, and the tests on both sides.
fn lines(page: &str) -> Vec<(String, [Vec<Named>; 2])> {
    let row = regex(r"^\| ([NKF][0-9]+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$");
    let link = regex(r"\[`([a-z0-9_]+)`\]\(\.\./([^)]+)\)");
    let tests = |cell: &str| -> Vec<Named> {
        link.captures_iter(cell).map(|found| (found[1].to_owned(), found[2].to_owned())).collect()
    };
    let found = page.lines().filter_map(|line| row.captures(line));
    found.map(|found| (found[1].to_owned(), [tests(&found[2]), tests(&found[3])])).collect()
}

/// Whether a source has a test of this name that is not left out.
fn has(source: &str, name: &str) -> bool {
    let attributes = r"(?:\s*(?:#\[[^\]]*\]|//[^\n]*))*";
    let test = regex(&format!(r"#\[(?:tokio::)?test[^\]]*\]({attributes})\s*(?:async )?fn {name}\("));
    test.captures(source).is_some_and(|found| !found[1].contains("#[ignore"))
}

#[test]
fn every_attack_has_tests_on_both_sides() {
    let root = places::repository();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines = lines(&read("docs/attacks.md"));
    let expected: Vec<String> =
        ROWS.iter().flat_map(|(letter, count)| (1..=*count).map(move |number| format!("{letter}{number}"))).collect();
    assert_eq!(lines.iter().map(|(row, _)| row.clone()).collect::<Vec<_>>(), expected, "each row once and in order");
    let mut sources: BTreeMap<String, String> = BTreeMap::new();
    for (row, [library, command]) in lines {
        assert!(!library.is_empty(), "{row} has no test through the library");
        assert!(!command.is_empty(), "{row} has no test through the command");
        for (name, path) in library.iter().chain(&command) {
            let source = sources.entry(path.clone()).or_insert_with(|| read(path));
            assert!(has(source, name), "{row}: there is no test `{name}` in {path}, or it is left out");
        }
        // The command is tried by tests that start it; they lie beside each other.
        let starts = command.iter().all(|(_, path)| path.starts_with("tests/tests/"));
        assert!(starts, "{row}: a test of the command lies in tests/tests: {command:?}");
    }
}

#[test]
fn tests_are_told_from_what_looks_like_them() {
    let source = "
        #[test]
        fn plain() {}

        /// Says what.
        #[tokio::test]
        // Why.
        #[allow(clippy::unwrap_used)]
        async fn waiting() {}

        #[test]
        #[ignore = \"a child\"]
        fn left_out() {}

        fn helper() {}
    ";
    assert!(has(source, "plain") && has(source, "waiting"));
    for other in ["left_out", "helper", "plai", "lain", "none"] {
        assert!(!has(source, other), "{other}");
    }
}
