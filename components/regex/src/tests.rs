//! Every function, the places of errors, and the limits.

use crate::bindings::exports::vox::bundle::regex::Error;
use crate::search::*;

fn pieces(text: &str, pattern: &str) -> Vec<(u32, u32, String)> {
    find_all(text, pattern)
        .expect("a valid pattern")
        .into_iter()
        .map(|span| (span.start, span.end, span.text))
        .collect()
}

fn invalid(pattern: &str) -> (u32, u32, String) {
    match is_match("", pattern) {
        Err(Error::InvalidPattern(error)) => (error.start, error.end, error.message),
        other => panic!("`{pattern}` gives {other:?}"),
    }
}

#[test]
fn finds() {
    assert!(is_match("a1", r"\d").expect("valid"));
    assert!(!is_match("ab", r"\d").expect("valid"));
    assert!(is_match("ÄRGER", r"(?i)ärger").expect("valid"));
    assert_eq!(pieces("a1 b22", r"\d+"), [(1, 2, "1".into()), (4, 6, "22".into())]);
    assert_eq!(
        pieces("aé日b", r"\w"),
        [(0, 1, "a".into()), (1, 3, "é".into()), (3, 6, "日".into()), (6, 7, "b".into())]
    );
    assert_eq!(pieces("ab", ""), [(0, 0, String::new()), (1, 1, String::new()), (2, 2, String::new())]);
    assert_eq!(pieces("", "x"), []);
}

#[test]
fn captures_with_names_and_gaps() {
    let found = captures("k=v; k2", r"(?<key>\w+)(=(?<value>\w+))?").expect("valid");
    assert_eq!(found.len(), 2);
    let names: Vec<_> = found[0].iter().map(|capture| capture.name.as_deref()).collect();
    assert_eq!(names, [None, Some("key"), None, Some("value")]);
    let texts: Vec<_> =
        found[0].iter().map(|capture| capture.matched.as_ref().map(|span| span.text.as_str())).collect();
    assert_eq!(texts, [Some("k=v"), Some("k"), Some("=v"), Some("v")]);
    assert!(found[1][3].matched.is_none());
    assert_eq!(found[1][1].matched.as_ref().map(|span| (span.start, span.end)), Some((5, 7)));
}

#[test]
fn replaces_and_splits() {
    assert_eq!(replace("John Smith", r"(\w+) (?<last>\w+)", "$last, $1").expect("valid"), "Smith, John");
    assert_eq!(replace("5", r"\d", "$$${0}x").expect("valid"), "$5x");
    assert_eq!(replace("aaa", "b", "c").expect("valid"), "aaa");
    assert_eq!(split("a, b,c", r",\s*").expect("valid"), ["a", "b", "c"]);
    assert_eq!(split(",a,", ",").expect("valid"), ["", "a", ""]);
}

#[test]
fn escaped_text_matches_itself() {
    for text in ["a.b*c", "(?<x>)", "[]{}^$|\\", "päö 日本", "#-&~"] {
        assert_eq!(pieces(text, &regex_syntax::escape(text)), [(0, text.len() as u32, text.to_owned())]);
    }
}

#[test]
fn errors_have_a_place() {
    assert_eq!(invalid("a(b"), (1, 2, "unclosed group".into()));
    assert_eq!(invalid("é[z-a]"), (3, 6, "invalid character class range, the start must be <= the end".into()));
    let (start, end, message) = invalid(r"x\p{Nope}");
    assert_eq!((start, end), (1, 9));
    assert!(message.contains("not found"), "{message}");
    let (start, _, message) = invalid("(?=a)");
    assert_eq!(start, 0);
    assert!(message.contains("look-around"), "{message}");
    assert!(invalid(r"(a)\1").2.contains("backreferences"));
    assert!(invalid(&"(".repeat(5000)).2.contains("nest") || invalid(&"(".repeat(5000)).2.contains("unclosed"));
    let deep = format!("{}a{}", "(".repeat(5000), ")".repeat(5000));
    assert!(invalid(&deep).2.contains("nest"));
}

#[test]
fn large_patterns_are_refused_and_no_pattern_runs_away() {
    assert!(matches!(is_match("", r"\w{5000}"), Err(Error::PatternTooLarge(1048576))));
    let text = "a".repeat(20_000);
    assert!(!is_match(&text, "(a*)*b").expect("valid"));
    assert_eq!(pieces(&text, "(a+)+$").len(), 1);
}

#[test]
fn short_and_long_texts_give_the_same() {
    let line = "Ärger: a1=22, [x] (foo bar) k=v\n";
    let long = line.repeat(2_000);
    for pattern in [r"\w+", r"(?<k>\w)=(?<v>\w+)", r"\b", r"(?i)ä|FOO", r"\d{2}"] {
        let one = find_all(line, pattern).expect("valid").len();
        let all = find_all(&long, pattern).expect("valid").len();
        assert!(all.abs_diff(one * 2_000) <= 2_000, "{pattern}: {one} in one line, {all} in all");
        let replaced = replace(line, pattern, "<$0>").expect("valid");
        assert!(replace(&long, pattern, "<$0>").expect("valid").contains(replaced.trim_end()));
    }
}

#[test]
fn pieces_and_gaps_make_up_the_text() {
    for pattern in [r"\w+", r"\s", "o", "", r"(?s).", r"\b"] {
        let text = "foo bär  o日o\n";
        let mut rebuilt = String::new();
        let mut last = 0;
        for (start, end, piece) in pieces(text, pattern) {
            rebuilt.push_str(&text[last..start as usize]);
            rebuilt.push_str(&piece);
            last = end as usize;
        }
        rebuilt.push_str(&text[last..]);
        assert_eq!(rebuilt, text);
    }
}
