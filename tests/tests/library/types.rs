//! Every WIT type, from JSON and WAVE through a guest and back.

use vox_model::{Limits, Value, json, wave};
use vox_tests::{need, places, skills};

/// Functions and values as JSON; each must come back as it is written here.
const JSON: &[(&str, &[&str])] = &[
    ("echo-bool", &["true", "false"]),
    ("echo-s8", &["-128", "0", "127"]),
    ("echo-s16", &["-32768", "32767"]),
    ("echo-s32", &["-2147483648", "2147483647"]),
    (
        "echo-s64",
        &["0", "-9007199254740991", "9007199254740991", r#""-9223372036854775808""#, r#""9223372036854775807""#],
    ),
    ("echo-u8", &["0", "255"]),
    ("echo-u16", &["0", "65535"]),
    ("echo-u32", &["0", "4294967295"]),
    ("echo-u64", &["0", "9007199254740991", r#""9007199254740992""#, r#""18446744073709551615""#]),
    ("echo-f32", &["0.0", "-0.0", "0.1", "3.4028235e+38", "1e-45", r#""nan""#, r#""inf""#, r#""-inf""#]),
    ("echo-f64", &["0.0", "-0.0", "0.1", "1.7976931348623157e+308", "5e-324", r#""nan""#, r#""inf""#, r#""-inf""#]),
    ("echo-char", &[r#""a""#, r#""ß""#, r#""\u0000""#, r#""😀""#, "\"\u{10ffff}\""]),
    ("echo-string", &[r#""""#, r#""Ada""#, r#""line\nline\ttab\u0000\u001b""#, r#""日本語 😀 é""#]),
    ("echo-bytes", &[r#""""#, r#""AAECAw==""#, r#""/////w==""#]),
    ("echo-list", &["[]", r#"[0,1,"18446744073709551615"]"#]),
    ("echo-lists", &["[]", "[[]]", r#"[["a",""],[],["b"]]"#]),
    ("echo-blobs", &["[]", r#"["","AA==","/w=="]"#]),
    ("echo-tuple", &[r#"[255,"x",1.5]"#]),
    ("echo-color", &[r#""red""#, r#""blue-ish""#]),
    ("echo-permission", &["[]", r#"["read"]"#, r#"["read","write","execute"]"#]),
    ("echo-many", &["[]", r#"["f0","f31"]"#]),
    ("echo-point", &[r#"{"x":-1,"y":2147483647}"#]),
    (
        "echo-person",
        &[
            r#"{"first-name":"Ada","age":36,"at":{"x":0,"y":0},"likes":["red","green"],"may":["execute"]}"#,
            r#"{"first-name":"","age":null,"at":{"x":0,"y":0},"likes":[],"may":[]}"#,
        ],
    ),
    ("echo-people", &["[]"]),
    (
        "echo-shape",
        &[
            r#"{"tag":"nothing"}"#,
            r#"{"tag":"circle","val":-0.0}"#,
            r#"{"tag":"polygon","val":[{"x":1,"y":2},{"x":3,"y":4}]}"#,
            r#"{"tag":"labelled","val":["here",null]}"#,
            r#"{"tag":"labelled","val":["here",{"x":1,"y":2}]}"#,
            r#"{"tag":"none"}"#,
        ],
    ),
    ("echo-tree", &[r#"{"tag":"leaf"}"#, r#"{"tag":"branch","val":[]}"#]),
    ("echo-option", &["null", r#""""#, r#""null""#]),
    ("echo-option-option", &["null", r#"{"some":null}"#, r#"{"some":7}"#]),
    (
        "echo-option-option-option",
        &["null", r#"{"some":null}"#, r#"{"some":{"some":null}}"#, r#"{"some":{"some":true}}"#],
    ),
    ("echo-result", &[r#"{"ok":7}"#, r#"{"err":"no"}"#]),
    ("echo-result-ok", &[r#"{"ok":7}"#, r#"{"err":null}"#]),
    ("echo-result-err", &[r#"{"ok":null}"#, r#"{"err":"no"}"#]),
    ("echo-result-none", &[r#"{"ok":null}"#, r#"{"err":null}"#]),
    (
        "echo-nested-result",
        &["[]", r#"[{"ok":null},{"ok":{"x":1,"y":2}},{"err":{"tag":"circle","val":1.0}},{"err":{"tag":"none"}}]"#],
    ),
];

/// The same as WAVE, where the text that comes back may be told beforehand.
const WAVE: &[(&str, &[&str])] = &[
    ("echo-bool", &["true"]),
    ("echo-u64", &["18446744073709551615"]),
    ("echo-s64", &["-9223372036854775808"]),
    ("echo-f64", &["nan", "inf", "-inf", "-0", "0.1"]),
    ("echo-char", &["'x'", r"'\n'", "'😀'"]),
    ("echo-string", &[r#""""#, r#""a\"b\\c\n""#, "\"日本語\""]),
    ("echo-bytes", &["[]", "[0, 255]"]),
    ("echo-lists", &[r#"[["a"], []]"#]),
    ("echo-tuple", &[r#"(1, "x", 2.5)"#]),
    ("echo-color", &["blue-ish"]),
    ("echo-permission", &["{}", "{read, execute}"]),
    ("echo-point", &["{x: -1, y: 2}"]),
    ("echo-shape", &["nothing", "circle(1.5)", "polygon([{x: 1, y: 2}])", "%none", r#"labelled(("a", none))"#]),
    ("echo-option", &["none", r#"some("x")"#]),
    ("echo-option-option", &["none", "some(none)", "some(some(7))"]),
    ("echo-result", &["ok(7)", r#"err("no")"#]),
    ("echo-result-none", &["ok", "err"]),
];

#[test]
fn json_goes_through_every_type_and_comes_back() {
    let path = need!("the guest `types`", places::guest("types"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    for (name, texts) in JSON {
        let full = format!("identity.{name}");
        let callable = program.function(&full).unwrap_or_else(|error| panic!("{error}"));
        let ty = &callable.function().params[0].ty;
        for text in *texts {
            let parsed = json::parse(text).unwrap_or_else(|error| panic!("{name} {text}: {error}"));
            let value = json::read(&parsed, ty).unwrap_or_else(|error| panic!("{name} {text}: {error}"));
            let outcome = callable.call(vec![value]);
            let Ok(Some(back)) = &outcome.result else { panic!("{name} {text}: {outcome:?}") };
            assert_eq!(json::to_string(back, ty), *text, "{name}");
        }
    }
}

#[test]
fn wave_goes_through_every_type_and_comes_back() {
    let path = need!("the guest `types`", places::guest("types"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    for (name, texts) in WAVE {
        let callable = program.function(&format!("identity.{name}")).unwrap_or_else(|error| panic!("{error}"));
        let ty = &callable.function().params[0].ty;
        for text in *texts {
            let value = wave::read(text, ty).unwrap_or_else(|error| panic!("{name} {text}: {error}"));
            let outcome = callable.call(vec![value]);
            let Ok(Some(back)) = &outcome.result else { panic!("{name} {text}: {outcome:?}") };
            assert_eq!(wave::to_string(back, ty).as_deref(), Ok(*text), "{name}");
        }
    }
}

/// The table above has a row for every function of the interface: a type without a test does not slip in.
#[test]
fn no_function_is_forgotten() {
    let path = need!("the guest `types`", places::guest("types"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    let tested: Vec<&str> = JSON.iter().map(|(name, _)| *name).collect();
    let identity =
        |f: &&vox_model::Function| f.id.short_interface() == Some("identity") && f.id.name.starts_with("echo-");
    let forgotten: Vec<&str> = program
        .facts()
        .functions
        .iter()
        .filter(identity)
        .map(|f| f.id.name.as_str())
        .filter(|name| !tested.contains(name))
        .collect();
    assert_eq!(forgotten, Vec::<&str>::new());
}

#[test]
fn large_values_go_through_whole() {
    let path = need!("the guest `types`", places::guest("types"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits { output: 16 << 20, ..Limits::default() });
    let bytes: Vec<u8> = (0..8 << 20).map(|n: u32| n as u8).collect();
    let outcome = skills::call(&program, "echo-bytes", vec![Value::Bytes(bytes.clone())]);
    assert_eq!(outcome.result.ok(), Some(Some(Value::Bytes(bytes))));
    let text = "äöü€😀".repeat(200_000);
    let outcome = skills::call(&program, "echo-string", vec![text.as_str().into()]);
    assert_eq!(outcome.result.ok(), Some(Some(Value::String(text))));
}
