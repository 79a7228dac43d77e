use super::*;
use crate::Entry;
use proptest::prelude::*;

fn read(text: &[u8]) -> (Front, Vec<Violation>) {
    let file = Entry { path: SKILL_MD.to_owned(), executable: false, bytes: text.to_vec() };
    Front::read(&Tree::of(vec![file]), "csv-report")
}

const GOOD: &str = "---\nname: csv-report\ndescription: Makes a report. Use it for CSV.\n---\n# Body\n";

#[test]
fn good_front_matter_is_read() {
    let (front, violations) = read(GOOD.as_bytes());
    assert_eq!(violations, []);
    assert_eq!(front.name.as_deref(), Some("csv-report"));
    assert_eq!(front.description.as_deref(), Some("Makes a report. Use it for CSV."));
    let text = "---\r\nname: 'csv-report'\r\ndescription: >\r\n  Two\r\n  lines.\r\nlicense: MIT\r\ncompatibility: Needs git\r\n\
                metadata:\r\n  author: Ada\r\n  version: \"1.0\"\r\nallowed-tools: Bash(git:*)\r\n---\r\n";
    let (front, violations) = read(text.as_bytes());
    assert_eq!(violations, []);
    assert_eq!(front.description.as_deref(), Some("Two lines.\n"));
    assert_eq!((front.license.as_deref(), front.allowed_tools.as_deref()), (Some("MIT"), Some("Bash(git:*)")));
}

/// Each rule, broken alone: the line and a word of what is said.
#[test]
fn every_violation_has_a_line_and_a_fix() {
    let long = |count: usize| "x".repeat(count);
    let with = |more: &str| format!("---\nname: csv-report\ndescription: d\n{more}\n---\n");
    for (text, line, said) in [
        ("# no front matter\n".to_owned(), 1, "does not begin"),
        ("---\nname: csv-report\n".to_owned(), 1, "does not end"),
        ("---\n- a\n---\n".to_owned(), 2, "is a list"),
        ("---\njust text\n---\n".to_owned(), 2, "is one text"),
        ("---\ndescription: d\n---\n".to_owned(), 1, "`name` is missing"),
        ("---\nname: csv-report\n---\n".to_owned(), 1, "`description` is missing"),
        ("---\nname: csv-report\ndescription:\n---\n".to_owned(), 3, "`description` is empty"),
        ("---\nname: Csv-Report\ndescription: d\n---\n".to_owned(), 2, "no name"),
        ("---\nname: csv--report\ndescription: d\n---\n".to_owned(), 2, "no name"),
        ("---\nname: -csv\ndescription: d\n---\n".to_owned(), 2, "no name"),
        ("---\nname: other\ndescription: d\n---\n".to_owned(), 2, "its folder `csv-report`"),
        ("---\nname: a: b\ndescription: d\n---\n".to_owned(), 2, "no YAML"),
        ("---\nname: *a\ndescription: d\n---\n".to_owned(), 2, "no YAML"),
        ("---\nname: &a csv-report\ndescription: *a\n---\n".to_owned(), 3, "alias"),
        (with(&format!("compatibility: {}", long(501))), 4, "may have 500"),
        (format!("---\nname: csv-report\ndescription: {}\n---\n", long(1025)), 3, "may have 1024"),
        (format!("---\nname: {}\ndescription: d\n---\n", long(65)), 2, "no name"),
        (with("version: 1"), 4, "`version` is not part of the format"),
        (with("name: csv-report"), 4, "twice"),
        (with("license: [a]"), 4, "`license` is no text"),
        (with("metadata: x"), 4, "`metadata` is no map of texts"),
        (with("metadata:\n  a: [b]"), 4, "`metadata` is no map of texts"),
    ] {
        let (_, violations) = read(text.as_bytes());
        let found = violations.iter().find(|one| one.what.contains(said));
        let found = found.unwrap_or_else(|| panic!("{text}: {violations:?}"));
        assert_eq!(found.line, Some(line), "{text}: {violations:?}");
        assert!(!found.fix.is_empty(), "{text}");
    }
}

#[test]
fn all_violations_are_named_together() {
    let (_, violations) = read(b"---\nname: Bad\nversion: 1\nmetadata: 3\n---\n");
    assert_eq!(violations.len(), 4, "{violations:?}");
}

#[test]
fn other_files_are_no_skill() {
    let (_, violations) = Front::read(&Tree::of(Vec::new()), "x");
    assert_eq!(violations[0].what, "there is no SKILL.md");
    let (_, violations) = read(b"---\nname: a\n\xff\xfe\n---\n");
    assert_eq!((violations[0].line, violations[0].what.as_str()), (Some(3), "SKILL.md is not UTF-8 text"));
    let (_, violations) = read(format!("---\n{}: 1\n---\n", "k\u{7}".repeat(50)).as_bytes());
    assert!(violations.iter().all(|one| !one.what.contains('\u{7}')), "{violations:?}");
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(text in "(---\n)?[ -~\n\t&*:>|'\"-]{0,200}(\n---\n)?") {
        read(text.as_bytes());
    }

    #[test]
    fn bytes_do_not_either(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read(&[b"---\n", bytes.as_slice(), b"\n---\n"].concat());
    }
}
