//! Schemas by keyword and by draft. The official suite (JSON-Schema-Test-Suite, its mandatory tests) was run over this
//! code when it was written: all pass but those that need a reference to another document or a custom vocabulary.

use super::validate;
use crate::bindings::exports::vox::bundle::json::Error;

/// The violations as `instance|schema` paths.
fn paths(document: &str, schema: &str) -> Vec<String> {
    match validate(document, schema) {
        Ok(list) => list.into_iter().map(|one| format!("{}|{}", one.instance_path, one.schema_path)).collect(),
        Err(error) => panic!("{schema}: {error:?}"),
    }
}

fn invalid(schema: &str) -> String {
    match validate("null", schema) {
        Err(Error::InvalidSchema(complaint)) => complaint.message,
        other => panic!("{schema} gives {other:?}"),
    }
}

#[test]
fn every_violation_is_found_and_placed() {
    let schema = r##"{"type":"object","required":["a","z"],"properties":{"a":{"type":"integer","minimum":3},
        "l":{"items":{"$ref":"#/$defs/s"},"uniqueItems":true}},"additionalProperties":false,
        "$defs":{"s":{"type":"string","maxLength":2}}}"##;
    let document = r#"{"a":1,"l":["x","xyz",4,"x"],"q/~":0}"#;
    assert_eq!(
        paths(document, schema),
        [
            "|/required",
            "/a|/properties/a/minimum",
            "/l|/properties/l/uniqueItems",
            "/l/1|/$defs/s/maxLength",
            "/l/2|/$defs/s/type",
            "|/additionalProperties",
        ]
    );
    assert_eq!(paths(r#"{"a":3,"z":0}"#, schema), ["|/additionalProperties"]);
    assert_eq!(paths("[1,1.0]", r#"{"uniqueItems":true}"#), ["|/uniqueItems"]);
}

#[test]
fn keywords() {
    // Schema, documents that fit, documents that do not.
    let table: &[(&str, &[&str], &[&str])] = &[
        (r#"{"type":["integer","null"]}"#, &["1", "1.0", "null", "1e3"], &["1.5", "\"x\"", "true"]),
        (r#"{"const":{"a":[1,null]}}"#, &[r#"{"a":[1.0,null]}"#], &[r#"{"a":[1]}"#]),
        (r#"{"enum":[1,"a"]}"#, &["1.0", "\"a\""], &["2", "\"A\""]),
        (r#"{"minLength":2,"maxLength":2}"#, &["\"äö\"", "1", "\"😀😀\""], &["\"a\"", "\"abc\""]),
        (r#"{"pattern":"^[a-z]+$"}"#, &["\"abc\"", "5"], &["\"aB\""]),
        (r#"{"multipleOf":0.01}"#, &["4.35", "12345678901234567890"], &["0.001"]),
        (r#"{"exclusiveMinimum":1,"maximum":2}"#, &["1.5", "2"], &["1", "2.0000000000000000001"]),
        (r#"{"prefixItems":[{"type":"string"}],"items":false}"#, &["[]", "[\"a\"]"], &["[1]", "[\"a\",1]"]),
        (r#"{"contains":{"const":1},"minContains":2,"maxContains":3}"#, &["[1,1]", "[1,0,1,1]"], &["[1]", "[1,1,1,1]"]),
        (
            r#"{"patternProperties":{"^x":{"type":"null"}},"propertyNames":{"maxLength":2}}"#,
            &[r#"{"x":null}"#],
            &[r#"{"x":1}"#, r#"{"abc":1}"#],
        ),
        (
            r#"{"dependentRequired":{"a":["b"]},"dependentSchemas":{"c":{"required":["d"]}}}"#,
            &[r#"{"a":1,"b":1}"#, "{}"],
            &[r#"{"a":1}"#, r#"{"c":1}"#],
        ),
        (r#"{"anyOf":[{"type":"null"},{"minimum":3}],"not":{"const":5}}"#, &["null", "4"], &["1", "5"]),
        (r#"{"oneOf":[{"multipleOf":2},{"multipleOf":3}]}"#, &["2", "3"], &["6", "7"]),
        (r#"{"if":{"type":"string"},"then":{"minLength":1},"else":{"const":0}}"#, &["\"a\"", "0"], &["\"\"", "1"]),
        (r#"{"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false}"#, &[r#"{"a":1}"#], &[r#"{"b":1}"#]),
        (r#"{"prefixItems":[true],"contains":{"const":9},"unevaluatedItems":false}"#, &["[1,9]"], &["[1,2,9]"]),
        (
            r##"{"properties":{"next":{"$ref":"#"}},"required":["v"]}"##,
            &[r#"{"v":1,"next":{"v":2}}"#],
            &[r#"{"v":1,"next":{}}"#],
        ),
        (
            r##"{"$id":"https://e.org/a/b","$ref":"c#x","$defs":{"c":{"$id":"c","$defs":{"x":{"$anchor":"x","const":1}}}}}"##,
            &["1"],
            &["2"],
        ),
        (
            r#"{"$schema":"http://json-schema.org/draft-04/schema#","minimum":1,"exclusiveMinimum":true}"#,
            &["2"],
            &["1"],
        ),
        (
            r#"{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"const":1}],"additionalItems":false,"dependencies":{"a":["b"]}}"#,
            &["[1]", "[]"],
            &["[2]", "[1,1]", r#"{"a":1}"#],
        ),
        (r#"{"format":"date"}"#, &["\"no date\""], &[]),
        ("true", &["1"], &[]),
        ("false", &[], &["1"]),
    ];
    for (schema, fit, differ) in table {
        for document in *fit {
            assert!(paths(document, schema).is_empty(), "{document} should fit {schema}");
        }
        for document in *differ {
            assert!(!paths(document, schema).is_empty(), "{document} should not fit {schema}");
        }
    }
}

#[test]
fn schemas_that_are_none() {
    assert!(invalid("[]").contains("object"));
    assert!(invalid(r#"{"properties":{"a":{"type":"strng"}}}"#).starts_with("at `/properties/a`: `type`"));
    assert!(invalid(r#"{"minLength":-1}"#).contains("minLength"));
    assert!(invalid(r#"{"allOf":[]}"#).contains("allOf"));
    assert!(invalid(r#"{"pattern":"("}"#).contains("pattern"));
    assert!(invalid(r#"{"pattern":"(?=a)"}"#).contains("not supported"));
    assert!(invalid(r#"{"$schema":"https://e.org/own"}"#).contains("draft"));
    assert!(invalid(r#"{"items":{"$ref":"https://e.org/other"}}"#).contains("is not in the schema"));
    assert!(invalid(r##"{"$ref":"#/$defs/none"}"##).contains("is not in the schema"));
    assert!(invalid(r##"{"$ref":"#"}"##).contains("circle"));
    let Err(Error::InvalidSchema(complaint)) = validate("1", "{\n  1") else { panic!("it is read") };
    assert_eq!(complaint.at.map(|at| (at.line, at.column)), Some((2, 3)));
}

#[test]
fn deep_documents_and_schemas_end() {
    let list = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(paths(&list(300), r##"{"items":{"$ref":"#"}}"##).is_empty());
    assert!(matches!(validate(&list(500), r##"{"items":{"$ref":"#"}}"##), Err(Error::InvalidSchema(_))));
    let deep = format!("{}true{}", "{\"not\":".repeat(511), "}".repeat(511));
    assert!(validate("1", &deep).is_ok());
}
