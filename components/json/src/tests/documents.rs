//! Reading, `format`, `patch` and `merge`.

use super::*;

fn format(document: &str, indent: u8, sort_keys: bool) -> String {
    Json::format(document.to_owned(), Some(Style { indent, sort_keys })).expect("a valid document")
}

#[test]
fn faults_of_a_document_have_a_place() {
    let invalid = |document: &str| match Json::format(document.to_owned(), None) {
        Err(Error::InvalidDocument(complaint)) => placed(complaint),
        other => panic!("`{document}` gives {other:?}"),
    };
    let table: &[(&str, (u32, u32, u32), &str)] = &[
        ("", (0, 1, 1), "the document is empty"),
        ("{\"a\":1,}", (7, 1, 8), "expected a key in quotes"),
        ("[1,\n 2,\n x]", (9, 3, 2), "expected a value"),
        ("[\"ä\", tru]", (7, 1, 7), "expected a value"),
        ("{\"a\" 1}", (5, 1, 6), "expected `:` after a key"),
        ("[1 2]", (3, 1, 4), "expected `,` or `]`"),
        ("[1", (2, 1, 3), "the document ends inside an array"),
        ("\"abc", (4, 1, 5), "the document ends inside a string"),
        ("\"a\nb\"", (2, 1, 3), "a control character in a string has to be written as an escape"),
        ("\"\\x\"", (2, 1, 3), "unknown escape in a string"),
        ("\"\\u12g4\"", (5, 1, 6), "expected four hexadecimal digits after `\\u`"),
        ("01", (1, 1, 2), "a number does not start with 0"),
        ("1.", (2, 1, 3), "expected a digit"),
        ("-", (1, 1, 2), "expected a digit"),
        ("1 2", (2, 1, 3), "something follows the document"),
        ("nul", (0, 1, 1), "expected a value"),
        ("nullx", (4, 1, 5), "unexpected character after a value"),
        ("+1", (0, 1, 1), "expected a value"),
        ("NaN", (0, 1, 1), "expected a value"),
        ("# c\n1", (0, 1, 1), "expected a value"),
    ];
    for (document, place, message) in table {
        assert_eq!(invalid(document), (Some(*place), (*message).to_owned()), "{document:?}");
    }
    assert!(matches!(query("[1] [", "."), Err(Error::InvalidDocument(_))));
}

#[test]
fn format_changes_nothing_but_space_and_order() {
    let document = r#" {"b":[1.0,1e5,12345678901234567890],"a":{},"\u0061":"\/é","c":[]} "#;
    assert_eq!(format(document, 0, false), r#"{"b":[1.0,1e5,12345678901234567890],"a":{},"\u0061":"\/é","c":[]}"#);
    assert_eq!(format(document, 0, true), r#"{"a":{},"\u0061":"\/é","b":[1.0,1e5,12345678901234567890],"c":[]}"#);
    assert_eq!(format("[1,{\"a\":[]}]", 2, false), "[\n  1,\n  {\n    \"a\": []\n  }\n]");
    assert_eq!(Json::format("[1]".into(), None).expect("valid"), "[\n  1\n]");
    assert_eq!(format("[1]", 200, false), format!("[\n{}1\n]", " ".repeat(16)));
    assert_eq!(format(r#"{"ä":1,"z":2,"Z":3,"😀":4,"":5}"#, 0, true), r#"{"":5,"Z":3,"z":2,"ä":1,"😀":4}"#);
    assert_eq!(format("\u{feff}1", 0, false), "1");
}

#[test]
fn format_is_stable_and_keeps_the_meaning() {
    let documents =
        [r#"{"a":[1,2,{"b":null}],"c":"x\ty"}"#, "[]", "\"\\ud800\"", "[[[[]]]]", "-1.5e-7", r#"{"":{"":""}}"#];
    for document in documents {
        for indent in [0, 1, 2, 16] {
            let once = format(document, indent, true);
            assert_eq!(format(&once, indent, true), once);
            assert_eq!(query(&once, ".").ok(), query(&format(document, 0, true), ".").ok());
        }
    }
}

#[test]
fn patch_applies_all_or_nothing() {
    let patch = |document: &str, patch: &str| Json::patch(document.to_owned(), patch.to_owned());
    let document = r#"{"z":1.00,"a":[1,2],"s":{"k/~":true}}"#;
    let operations = r#"[
        {"op":"test","path":"/a/0","value":1},
        {"op":"add","path":"/a/-","value":12345678901234567890},
        {"op":"remove","path":"/a/0"},
        {"op":"replace","path":"/s/k~1~0","value":null},
        {"op":"copy","from":"/z","path":"/y"},
        {"op":"move","from":"/s","path":"/m"}
    ]"#;
    assert_eq!(
        patch(document, operations).expect("applies"),
        r#"{"z":1.00,"a":[2,12345678901234567890],"y":1.00,"m":{"k/~":null}}"#
    );
    let conflict = |operations: &str| match patch(document, operations) {
        Err(Error::PatchConflict(message)) => message,
        other => panic!("{other:?}"),
    };
    let message = conflict(r#"[{"op":"add","path":"/b","value":1},{"op":"remove","path":"/nope/x"}]"#);
    assert!(message.starts_with("operation 2 (") && message.contains("/nope/x"), "{message}");
    assert!(conflict(r#"[{"op":"test","path":"/z","value":2}]"#).contains("test"));
    let invalid = |operations: &str| match patch(document, operations) {
        Err(Error::InvalidPatch(complaint)) => placed(complaint),
        other => panic!("{other:?}"),
    };
    assert_eq!(invalid("[{]").0, Some((2, 1, 3)));
    assert!(invalid("{}").1.contains("array"));
    assert!(invalid(r#"[{"op":"test","path":"/a","value":1},{"op":"jump","path":"/a"}]"#).1.starts_with("operation 2"));
    assert!(matches!(patch("{", "[]"), Err(Error::InvalidDocument(_))));
}

#[test]
fn merge_follows_the_examples_of_the_rfc() {
    let table = [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
        (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
        (r#"{"a":"foo"}"#, "null", "null"),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
        ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
    ];
    for (document, patch, expected) in table {
        assert_eq!(Json::merge(document.into(), patch.into()).expect("valid"), expected, "{patch} on {document}");
    }
    assert!(matches!(Json::merge("{}".into(), "{".into()), Err(Error::InvalidPatch(_))));
}
