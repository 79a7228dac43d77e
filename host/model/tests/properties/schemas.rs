//! Every value that is written is valid against the schema of its type.

use crate::random::typed;
use proptest::prelude::*;
use serde_json::Value as Document;
use vox_model::{Function, FunctionId, Param, json, schema};

/// The schema, as a validator of the draft that it is written for.
fn validator(schema: &Document) -> Result<jsonschema::Validator, TestCaseError> {
    let made = jsonschema::draft202012::options().build(schema);
    made.map_err(|error| TestCaseError::fail(format!("{schema} is no schema: {error}")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_valid((ty, value) in typed(true)) {
        let schema = schema::value(&ty);
        let text = json::to_string(&value, &ty);
        let document: Document = serde_json::from_str(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let validator = validator(&schema)?;
        let error = validator.validate(&document).err().map(|error| error.to_string());
        prop_assert_eq!(error, None, "{} against {}", document, schema);
    }

    #[test]
    fn a_schema_refers_to_nothing_outside((ty, _) in typed(true)) {
        let schema = schema::value(&ty);
        prop_assert!(schema.get("$ref").is_none(), "the root is a reference: {schema}");
        let mut references = Vec::new();
        collect(&schema, &mut references);
        for reference in references {
            let key = reference.strip_prefix("#/$defs/");
            prop_assert!(key.is_some_and(|key| schema["$defs"].get(key).is_some()), "{reference} in {schema}");
        }
    }

    #[test]
    fn arguments_are_one_closed_object((first, value) in typed(true), (second, other) in typed(true)) {
        let param = |name: &str, ty: &vox_model::Type| Param { name: name.to_owned(), ty: ty.clone() };
        let function = Function {
            id: FunctionId { interface: None, name: "f".to_owned() },
            docs: String::new(),
            params: vec![param("first", &first), param("second-one", &second)],
            result: None,
            uncallable: None,
        };
        let schema = schema::arguments(&function);
        prop_assert_eq!(&schema["type"], "object");
        prop_assert_eq!(&schema["additionalProperties"], false);
        for combinator in ["oneOf", "anyOf", "allOf", "$ref"] {
            prop_assert!(schema.get(combinator).is_none(), "{schema}");
        }
        let text = format!(
            "{{\"first\":{},\"second-one\":{}}}",
            json::to_string(&value, &first),
            json::to_string(&other, &second)
        );
        let document: Document = serde_json::from_str(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let validator = validator(&schema)?;
        prop_assert!(validator.is_valid(&document), "{document} against {schema}");
        let parsed = json::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(json::arguments(&parsed, &function.params).is_ok());
    }
}

fn collect<'s>(schema: &'s Document, into: &mut Vec<&'s str>) {
    match schema {
        Document::Object(fields) => {
            // A property may be called `$ref`; then it is no text.
            into.extend(fields.get("$ref").and_then(Document::as_str));
            fields.values().for_each(|value| collect(value, into));
        }
        Document::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}

/// Schemas turn down what the reader turns down.
#[test]
fn wrong_documents_are_invalid() {
    use std::sync::Arc;
    use vox_model::Type;
    let list = Type::List(Arc::new(Type::S8));
    let option = Type::Option(Arc::new(Type::Option(Arc::new(Type::Bool))));
    let result = Type::Result(Some(Arc::new(Type::U8)), None);
    let tuple = Type::Tuple([Type::U8, Type::String].into());
    for (ty, text) in [
        (&Type::U8, "256"),
        (&Type::U8, "-1"),
        (&Type::U8, "1.5"),
        (&Type::U8, "\"1\""),
        (&Type::U64, "18446744073709551616"),
        (&Type::U64, "\"-1\""),
        (&Type::F64, "\"NaN\""),
        (&Type::Char, "\"ab\""),
        (&Type::Char, "\"\""),
        (&list, "[128]"),
        (&option, "true"),
        (&option, "{\"some\":null,\"more\":1}"),
        (&result, "{\"ok\":1,\"err\":null}"),
        (&result, "{\"err\":1}"),
        (&result, "{}"),
        (&tuple, "[1]"),
        (&tuple, "[1,\"a\",2]"),
    ] {
        let document: Document = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"));
        let validator = validator(&schema::value(ty)).unwrap_or_else(|error| panic!("{error}"));
        assert!(!validator.is_valid(&document), "{text} as {ty}");
        let read = json::parse(text).and_then(|parsed| json::read(&parsed, ty));
        assert!(read.is_err(), "{text} as {ty}: {read:?}");
    }
}
