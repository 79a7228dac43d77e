//! Values to JSON. Total: every value has a JSON form.

use super::{Json, MAX_SAFE_INTEGER};
use crate::{Type, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The JSON of a value. The type tells what the value alone does not: whether an `option` holds another one.
pub fn write(value: &Value, ty: &Type) -> Json {
    match (value, ty) {
        (Value::Bool(v), _) => Json::Bool(*v),
        (Value::S8(v), _) => Json::Number((*v).into()),
        (Value::S16(v), _) => Json::Number((*v).into()),
        (Value::S32(v), _) => Json::Number((*v).into()),
        (Value::U8(v), _) => Json::Number((*v).into()),
        (Value::U16(v), _) => Json::Number((*v).into()),
        (Value::U32(v), _) => Json::Number((*v).into()),
        (Value::S64(v), _) if v.unsigned_abs() <= MAX_SAFE_INTEGER => Json::Number((*v).into()),
        (Value::S64(v), _) => Json::String(v.to_string()),
        (Value::U64(v), _) if *v <= MAX_SAFE_INTEGER => Json::Number((*v).into()),
        (Value::U64(v), _) => Json::String(v.to_string()),
        (Value::F32(v), _) => float32(*v),
        (Value::F64(v), _) => float64(*v),
        (Value::Char(v), _) => Json::String(v.to_string()),
        (Value::String(v), _) => Json::String(v.clone()),
        (Value::Bytes(v), _) => Json::String(STANDARD.encode(v)),
        (Value::List(items), Type::List(t) | Type::FixedList(t, _)) => {
            Json::Array(items.iter().map(|item| write(item, t)).collect())
        }
        (Value::Tuple(items), Type::Tuple(ts)) => {
            Json::Array(items.iter().zip(ts.iter()).map(|(item, t)| write(item, t)).collect())
        }
        (Value::Map(pairs), Type::Map(k, v)) => map(pairs, k, v),
        (Value::Record(fields), Type::Record(record)) => Json::Object(
            fields
                .iter()
                .zip(&record.fields)
                .map(|((name, value), field)| (name.clone(), write(value, &field.ty)))
                .collect(),
        ),
        (Value::Variant(tag, payload), Type::Variant(variant)) => {
            let mut fields = vec![("tag".to_owned(), Json::String(tag.clone()))];
            let case = variant.cases.iter().find(|case| case.name == *tag);
            if let (Some(value), Some(ty)) = (payload, case.and_then(|case| case.ty.as_ref())) {
                fields.push(("val".to_owned(), write(value, ty)));
            }
            Json::Object(fields)
        }
        (Value::Enum(name), _) => Json::String(name.clone()),
        (Value::Flags(names), _) => Json::Array(names.iter().map(|name| Json::String(name.clone())).collect()),
        (Value::Option(None), _) => Json::Null,
        // `some(none)` and `none` would both be null: the inner level of a nested option is wrapped.
        (Value::Option(Some(inner)), Type::Option(t)) if t.is_option() => {
            Json::Object(vec![("some".to_owned(), write(inner, t))])
        }
        (Value::Option(Some(inner)), Type::Option(t)) => write(inner, t),
        (Value::Result(result), Type::Result(ok, err)) => {
            let (word, payload, ty) = match result {
                Ok(payload) => ("ok", payload, ok),
                Err(payload) => ("err", payload, err),
            };
            let payload = match (payload, ty) {
                (Some(value), Some(ty)) => write(value, ty),
                _ => Json::Null,
            };
            Json::Object(vec![(word.to_owned(), payload)])
        }
        // A value of another type than it is said to be. No conversion makes one; were there a fault of ours,
        // null shows up in every round-trip test instead of a panic in somebody's service.
        (value, ty) => {
            debug_assert!(false, "{value:?} is not a {ty}");
            Json::Null
        }
    }
}

/// The JSON text of a value on one line.
pub fn to_string(value: &Value, ty: &Type) -> String {
    serde_json::to_string(&write(value, ty)).unwrap_or_default()
}

/// The JSON text of a value, indented.
pub fn to_string_pretty(value: &Value, ty: &Type) -> String {
    serde_json::to_string_pretty(&write(value, ty)).unwrap_or_default()
}

fn map(pairs: &[(Value, Value)], key: &Type, value: &Type) -> Json {
    if *key == Type::String {
        let field = |(k, v): &(Value, Value)| (k.as_str().unwrap_or_default().to_owned(), write(v, value));
        return Json::Object(pairs.iter().map(field).collect());
    }
    let pair = |(k, v): &(Value, Value)| Json::Array(vec![write(k, key), write(v, value)]);
    Json::Array(pairs.iter().map(pair).collect())
}

fn float64(value: f64) -> Json {
    match serde_json::Number::from_f64(value) {
        Some(number) => Json::Number(number),
        None => Json::String(word(value).to_owned()),
    }
}

/// The shortest decimal that is this f32, not the longer one of the f64 it widens to.
fn float32(value: f32) -> Json {
    let shortest = value.to_string().parse::<f64>();
    match shortest.ok().and_then(serde_json::Number::from_f64) {
        Some(number) if value.is_finite() => Json::Number(number),
        _ => Json::String(word(value.into()).to_owned()),
    }
}

fn word(value: f64) -> &'static str {
    if value.is_nan() {
        "nan"
    } else if value > 0.0 {
        "inf"
    } else {
        "-inf"
    }
}
