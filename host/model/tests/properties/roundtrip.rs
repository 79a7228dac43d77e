//! Value to text and back.

use crate::random::{same, typed};
use proptest::prelude::*;
use vox_model::{Value, json, wave};

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn json_reads_back((ty, value) in typed(true)) {
        let text = json::to_string(&value, &ty);
        let parsed = json::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let back = json::read(&parsed, &ty).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert!(same(&value, &back), "{value:?}\n{text}\n{back:?}");
        // Indented text is the same document.
        let pretty = json::parse(&json::to_string_pretty(&value, &ty));
        prop_assert_eq!(pretty.as_ref(), Ok(&parsed));
    }

    #[test]
    fn wave_reads_back((ty, value) in typed(false)) {
        let text = wave::to_string(&value, &ty).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let back = wave::read(&text, &ty).map_err(|error| TestCaseError::fail(format!("{ty} {text}: {error}")))?;
        prop_assert!(same(&value, &back), "{value:?}\n{text}\n{back:?}");
    }

    #[test]
    fn wave_says_no_to_maps((ty, value) in typed(true)) {
        // Never a panic: the type is looked at before the value is.
        let written = wave::to_string(&value, &ty);
        prop_assert_eq!(written.is_ok(), wave::expressible(&ty).is_ok());
    }

    #[test]
    fn a_type_accepts_itself((ty, _) in typed(true)) {
        prop_assert!(ty.accepts(&ty));
        prop_assert!(ty.handle().is_none());
    }

    #[test]
    fn other_types_answer_with_an_error((own, value) in typed(true), (ty, _) in typed(true)) {
        // Text of one type read as another: an error or a value, and then one of that type.
        let text = json::to_string(&value, &own);
        if let Ok(parsed) = json::parse(&text)
            && let Ok(read) = json::read(&parsed, &ty)
        {
            let again = json::parse(&json::to_string(&read, &ty));
            prop_assert!(again.is_ok_and(|again| json::read(&again, &ty).is_ok_and(|again| same(&again, &read))));
        }
    }
}

/// What JSON accepts besides what it writes.
#[test]
fn other_spellings_are_read() {
    use vox_model::Type;
    let read = |text: &str, ty: &Type| json::parse(text).and_then(|json| json::read(&json, ty));
    let bytes = Type::List(std::sync::Arc::new(Type::U8));
    assert_eq!(read("3.0", &Type::U8), Ok(Value::U8(3)));
    assert_eq!(read("1e2", &Type::S16), Ok(Value::S16(100)));
    assert_eq!(read("\"7\"", &Type::U64), Ok(Value::U64(7)));
    assert_eq!(read("[1,2,255]", &bytes), Ok(Value::Bytes(vec![1, 2, 255])));
    assert_eq!(read("\"_-8\"", &bytes), Ok(Value::Bytes(vec![255, 239])));
}

#[test]
fn lists_of_fixed_length_are_wave_too() {
    let ty = vox_model::Type::FixedList(std::sync::Arc::new(vox_model::Type::Bool), 2);
    let value = Value::List(vec![Value::Bool(true), Value::Bool(false)]);
    assert_eq!(wave::to_string(&value, &ty).as_deref(), Ok("[true, false]"));
    assert_eq!(wave::read("[true, false]", &ty), Ok(value));
    assert!(wave::read("[true]", &ty).is_err());
}

/// Words of WAVE may be names of fields, cases and flags.
#[test]
fn keywords_are_names_too() {
    use vox_model::{Field, Record, Type, TypeName};
    for name in ["true", "false", "inf", "nan", "some", "none", "ok", "err"] {
        let field = Field { name: name.to_owned(), ty: Type::Bool, docs: String::new() };
        let named = TypeName { interface: None, name: "r".to_owned() };
        let ty = Type::Record(std::sync::Arc::new(Record { name: named, docs: String::new(), fields: vec![field] }));
        let value = Value::Record(vec![(name.to_owned(), Value::Bool(true))]);
        let text = wave::to_string(&value, &ty).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(wave::read(&text, &ty), Ok(value), "{text}");
    }
}
