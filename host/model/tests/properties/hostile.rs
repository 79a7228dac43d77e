//! Text that means harm: an error with a place, never a panic, never unbounded memory.

use crate::random::ty;
use proptest::prelude::*;
use std::sync::Arc;
use vox_model::{Field, MAX_DEPTH, Record, Type, TypeName, json, wave};

fn point() -> Type {
    let field = |name: &str, ty| Field { name: name.to_owned(), ty, docs: String::new() };
    let name = TypeName { interface: None, name: "point".to_owned() };
    let fields = vec![field("x", Type::S32), field("max-size", Type::Option(Arc::new(Type::U8)))];
    Type::Record(Arc::new(Record { name, docs: String::new(), fields }))
}

/// The place that the error of a document names.
fn place(text: &str, ty: &Type) -> String {
    let read = json::parse(text).and_then(|parsed| json::read(&parsed, ty));
    let error = read.err().unwrap_or_else(|| panic!("{text} was read as {ty}"));
    assert!(!error.message.contains('\u{1b}') && !error.path.contains('\u{1b}'), "{error:?}");
    error.path
}

#[test]
fn errors_name_the_place() {
    let points = Type::List(Arc::new(point()));
    for (text, path) in [
        ("[{\"x\":1},{\"x\":\"one\"}]", "$[1].x"),
        ("[{\"x\":1},{\"x\":2,\"y\":3}]", "$[1]"),
        ("[{\"max-size\":1}]", "$[0]"),
        ("[{\"x\":1,\"max-size\":256}]", "$[0].max-size"),
        ("[{\"x\":1,\"max-size\":1,\"maxSize\":2}]", "$[0]"),
        ("[{\"x\":2147483648}]", "$[0].x"),
        ("[{\"x\":1.5}]", "$[0].x"),
        ("[{\"x\":-0.0}]", "$[0].x"),
        ("[{\"x\":1e400}]", "$"),
        ("[null]", "$[0]"),
        ("{\"x\":1}", "$"),
        ("[{\"x\":1,\"\\u001b[31m\":3}]", "$[0]"),
    ] {
        assert_eq!(place(text, &points), path, "{text}");
    }
}

#[test]
fn names_may_be_written_as_other_languages_do() {
    for key in ["max-size", "max_size", "maxSize", "MaxSize"] {
        let text = format!("{{\"x\":1,\"{key}\":2}}");
        let read = json::parse(&text).and_then(|parsed| json::read(&parsed, &point()));
        assert!(read.is_ok(), "{key}: {read:?}");
    }
}

#[test]
fn documents_that_are_no_json_are_errors() {
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":1,\"b\":1}}",
        "1 2",
        "nan",
        "NaN",
        "1e400",
        "-1e400",
        "01",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\u{1}\"",
        "'a'",
        "// comment\n1",
        "\u{feff}1",
    ] {
        assert!(json::parse(text).is_err(), "{text:?} was read");
    }
}

/// Depth of text: 64 levels are read, more are an error, however many more.
#[test]
fn deep_documents_are_errors() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(json::parse(&nested(MAX_DEPTH)).is_ok());
    for depth in [MAX_DEPTH + 1, 10_000, 1_000_000] {
        assert!(json::parse(&nested(depth)).is_err(), "{depth}");
        assert!(json::parse(&"[".repeat(depth)).is_err(), "{depth}");
        assert!(json::parse(&"{\"a\":".repeat(depth)).is_err(), "{depth}");
    }
}

#[test]
fn deep_wave_is_an_error() {
    let mut deep = Type::U8;
    for _ in 0..MAX_DEPTH + 10 {
        deep = Type::Tuple([deep].into());
    }
    for depth in [MAX_DEPTH + 1, 10_000, 1_000_000] {
        for open in ["(", "[", "{a: ", "some(", "ok(", "\"(\"("] {
            assert!(wave::read(&open.repeat(depth), &deep).is_err(), "{open} {depth} times");
        }
    }
    assert!(wave::read(&"x".repeat(wave::MAX_TEXT + 1), &Type::String).is_err());
}

/// A type nested deeper than the limit has values that both writers give, and nobody reads back too deep a text.
#[test]
fn values_at_the_limit_go_through() {
    let mut ty = Type::Bool;
    let mut text = "true".to_owned();
    for _ in 0..MAX_DEPTH {
        ty = Type::List(Arc::new(ty));
        text = format!("[{text}]");
    }
    let value = json::parse(&text).and_then(|parsed| json::read(&parsed, &ty));
    let value = value.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(json::to_string(&value, &ty), text);
    assert_eq!(wave::to_string(&value, &ty).as_deref(), Ok(text.as_str()));
    assert_eq!(wave::read(&text, &ty).as_ref(), Ok(&value));
}

/// A field that the record does not have is a mistake of whoever wrote it: never left out silently.
#[test]
fn unknown_fields_in_wave_are_errors() {
    for text in ["{x: 1, y: 2}", "{x: 1, max-szie: 2}", "{x: 1, max-size: 2, z: none}"] {
        let read = wave::read(text, &point());
        assert!(read.is_err(), "{text} was read as {read:?}");
    }
    let inside = Type::List(Arc::new(Type::Option(Arc::new(point()))));
    assert!(wave::read("[some({x: 1, y: 2})]", &inside).is_err());
    assert!(wave::read("[some({x: 1})]", &inside).is_ok());
}

#[test]
fn handles_have_no_values() {
    let handle = Type::Handle("own<file>".into());
    assert!(wave::read("1", &handle).is_err());
    assert_eq!(place("1", &handle), "$");
    let inside = Type::Option(Arc::new(Type::List(Arc::new(handle))));
    assert_eq!(inside.handle().as_deref(), Some("own<file>"));
    assert!(wave::expressible(&inside).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_text_has_an_answer(ty in ty(true), text in ".{0,80}") {
        if let Ok(parsed) = json::parse(&text) {
            let _ = json::read(&parsed, &ty);
        }
        let _ = wave::read(&text, &ty);
    }

    #[test]
    fn almost_json_has_an_answer(ty in ty(true), text in "[\\[\\]{}:,\"a0-9.eE+tfnu\\\\-]{0,60}") {
        if let Ok(parsed) = json::parse(&text)
            && let Err(error) = json::read(&parsed, &ty)
        {
            prop_assert!(error.path.starts_with('$'), "{error}");
            prop_assert!(!error.message.is_empty());
        }
    }

    #[test]
    fn almost_wave_has_an_answer(ty in ty(true), text in "[\\[\\](){}:,\"'%a0-9.e\\\\ /-]{0,60}") {
        if let Err(error) = wave::read(&text, &ty) {
            prop_assert!(!error.message.is_empty());
            let inside = error.span.is_none_or(|span| span.start <= span.end && span.end <= text.len());
            prop_assert!(inside, "a place outside of {text:?}");
        }
    }
}
