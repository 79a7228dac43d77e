//! Every limit of the inspection: what is just below passes, what is just above is too large, and says what.

use std::fmt::Write as _;
use vox_inspect::{InspectError, Limits, inspect};

fn assembled(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What is too large, how much is there, and how much may be.
fn too_large(bytes: &[u8], limits: &Limits) -> (&'static str, u64, u64) {
    match inspect(bytes, limits) {
        Err(InspectError::TooLarge { what, found, allowed }) => (what, found, allowed),
        other => panic!("{other:?}"),
    }
}

/// The component is within limits of exactly what it has, and beyond those of one less.
fn edge(bytes: &[u8], set: impl Fn(&mut Limits, u64), has: u64, what: &str) {
    let mut limits = Limits::default();
    set(&mut limits, has);
    assert!(inspect(bytes, &limits).is_ok(), "{has} should be allowed: {:?}", inspect(bytes, &limits));
    set(&mut limits, has - 1);
    let (named, found, allowed) = too_large(bytes, &limits);
    assert!(named.contains(what), "{named}");
    assert_eq!((found, allowed), (has, has - 1), "{named}");
}

#[test]
fn size() {
    let bytes = assembled("(component)");
    edge(&bytes, |limits, n| limits.size = n, bytes.len() as u64, "size");
}

#[test]
fn depth() {
    let bytes = assembled("(component (component (component)))");
    edge(&bytes, |limits, n| limits.depth = n as u32, 3, "nesting");
}

#[test]
fn modules_and_components() {
    let bytes = assembled("(component (core module) (core module) (component (core module)) (component))");
    edge(&bytes, |limits, n| limits.modules = n as u32, 5, "modules");
}

#[test]
fn functions() {
    let bytes = assembled("(component (core module (func) (func)) (core module (func)))");
    edge(&bytes, |limits, n| limits.functions = n, 3, "functions");
}

#[test]
fn one_body() {
    let body = "(drop (i32.const 7)) ".repeat(100);
    let bytes = assembled(&format!("(component (core module (func {body})))"));
    // One byte of locals, three for each constant and drop, one for the end.
    edge(&bytes, |limits, n| limits.body = n, 302, "one function");
}

#[test]
fn data_segments() {
    let bytes = assembled("(component (core module (memory 1) (data \"a\") (data \"b\") (data \"c\")))");
    edge(&bytes, |limits, n| limits.segments = n, 3, "data segments");
}

#[test]
fn items() {
    let mut text = String::from("(component");
    for n in 0..50 {
        let _ = write!(text, "(type $t{n} (list u8))");
    }
    let bytes = assembled(&format!("{text})"));
    edge(&bytes, |limits, n| limits.items = n, 50, "types, imports");
}

/// Types count as often as they are mentioned: a type that doubles on every level is large, though its text is short.
#[test]
fn nodes_of_types() {
    let doubling = |levels: usize| {
        let mut types = String::from("(type $t0 (list u16))");
        for n in 1..levels {
            let _ = write!(types, "(type $t{n} (tuple $t{0} $t{0}))", n - 1);
        }
        let last = levels - 1;
        assembled(&format!(
            r#"(component {types}
                (core module $m
                    (memory (export "memory") 1)
                    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (unreachable))
                    (func (export "take") (param i32 i32 i32 i32 i32 i32)))
                (core instance $i (instantiate $m))
                (func (export "take") (param "v" (list $t{last})) (param "w" (list $t{last})) (param "x" (list $t{last}))
                    (canon lift (core func $i "take") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))"#
        ))
    };
    let limits = Limits::default();
    // Three lists have six flat parameters.
    let small = doubling(4);
    let found = inspect(&small.clone(), &limits);
    match found {
        Ok(facts) => assert_eq!(facts.functions.len(), 1),
        Err(InspectError::Malformed(why)) => panic!("{why}"),
        Err(other) => panic!("{other}"),
    }
    let (what, _, allowed) = too_large(&small, &Limits { type_nodes: 20, ..limits });
    assert!(what.contains("types of its functions"), "{what}");
    assert_eq!(allowed, 20);
}

/// The limits are counted before the content is read: a bomb is refused at once.
#[test]
fn counting_is_quick() {
    let mut text = String::from("(component (component $c)");
    (0..40_000).for_each(|_| text.push_str("(instance (instantiate $c))"));
    let bytes = assembled(&format!("{text})"));
    let started = std::time::Instant::now();
    too_large(&bytes, &Limits { items: 1000, ..Limits::default() });
    assert!(started.elapsed() < std::time::Duration::from_secs(1), "{:?}", started.elapsed());
}

/// Text of a component that a person is shown is cut and escaped.
#[test]
fn text_of_a_component_is_cleaned() {
    use vox_inspect::docs::clean;
    assert_eq!(clean("plain\ntext"), "plain\ntext");
    assert_eq!(clean("\u{1b}[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
    assert_eq!(clean("a\u{202e}b\u{2066}c"), "a\\u{202e}b\\u{2066}c");
    assert_eq!(clean("\r\n\t"), "");
    assert_eq!(clean("a\rb\tc\u{85}d"), "a\\u{d}b\\u{9}c\\u{85}d");
    let long = clean(&"é".repeat(10_000));
    assert!(long.len() < 2100 && long.ends_with('…'), "{}", long.len());
}

/// The section `vox:docs` is a hint: whatever it holds, the facts are the same but for the docs.
#[test]
fn damaged_docs_are_passed_over() {
    let plain = assembled("(component)");
    let facts = inspect(&plain, &Limits::default());
    for content in [
        "",
        "\\00",
        "\\01",
        "\\01{",
        "\\01[]",
        "\\01{\\22a\\22:7}",
        "\\02{}",
        "\\01{\\22\\22:{\\22functions\\22:{\\22f\\22:\\22x\\22}}}",
    ] {
        let bytes = assembled(&format!("(component (@custom \"vox:docs\" \"{content}\"))"));
        let found = inspect(&bytes, &Limits::default()).map(|mut facts| {
            facts.size = plain.len() as u64;
            facts
        });
        assert_eq!(found, facts, "{content}");
    }
}
