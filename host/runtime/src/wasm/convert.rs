//! Our values to the engine's and back, by type.

use vox_model::{Type, Value};
use wasmtime::component::Val;

/// A value that does not have the type it should have; a fault of the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// The engine's form of a value.
pub(crate) fn lower(value: Value, ty: &Type) -> Result<Val, Mismatch> {
    let wrong =
        |value: &Value| Mismatch { expected: ty.to_string(), found: format!("{value:?}").chars().take(80).collect() };
    Ok(match (ty, value) {
        (Type::Bool, Value::Bool(v)) => Val::Bool(v),
        (Type::S8, Value::S8(v)) => Val::S8(v),
        (Type::S16, Value::S16(v)) => Val::S16(v),
        (Type::S32, Value::S32(v)) => Val::S32(v),
        (Type::S64, Value::S64(v)) => Val::S64(v),
        (Type::U8, Value::U8(v)) => Val::U8(v),
        (Type::U16, Value::U16(v)) => Val::U16(v),
        (Type::U32, Value::U32(v)) => Val::U32(v),
        (Type::U64, Value::U64(v)) => Val::U64(v),
        (Type::F32, Value::F32(v)) => Val::Float32(v),
        (Type::F64, Value::F64(v)) => Val::Float64(v),
        (Type::Char, Value::Char(v)) => Val::Char(v),
        (Type::String, Value::String(v)) => Val::String(v),
        (Type::List(t), Value::Bytes(v)) if **t == Type::U8 => Val::List(v.into_iter().map(Val::U8).collect()),
        (Type::List(t), Value::List(items)) if **t != Type::U8 => Val::List(lower_all(items, t)?),
        (Type::FixedList(t, n), Value::List(items)) if items.len() == *n as usize => {
            Val::FixedLengthList(lower_all(items, t)?)
        }
        (Type::Map(k, v), Value::Map(pairs)) => Val::Map(
            pairs.into_iter().map(|(key, value)| Ok((lower(key, k)?, lower(value, v)?))).collect::<Result<_, _>>()?,
        ),
        (Type::Record(record), Value::Record(fields)) if same_fields(&fields, record) => Val::Record(
            fields
                .into_iter()
                .zip(&record.fields)
                .map(|((name, value), field)| Ok((name, lower(value, &field.ty)?)))
                .collect::<Result<_, _>>()?,
        ),
        (Type::Tuple(ts), Value::Tuple(items)) if items.len() == ts.len() => {
            Val::Tuple(items.into_iter().zip(ts.iter()).map(|(v, t)| lower(v, t)).collect::<Result<_, _>>()?)
        }
        (Type::Variant(variant), Value::Variant(tag, payload)) => {
            let case = variant.cases.iter().find(|case| case.name == tag);
            match (case.map(|case| &case.ty), payload) {
                (Some(Some(t)), Some(v)) => Val::Variant(tag, Some(Box::new(lower(*v, t)?))),
                (Some(None), None) => Val::Variant(tag, None),
                (_, payload) => return Err(wrong(&Value::Variant(tag, payload))),
            }
        }
        (Type::Enum(e), Value::Enum(name)) if e.cases.iter().any(|c| c.name == name) => Val::Enum(name),
        (Type::Flags(x), Value::Flags(names)) if names.iter().all(|name| x.flags.iter().any(|f| f.name == *name)) => {
            Val::Flags(names)
        }
        (Type::Option(_), Value::Option(None)) => Val::Option(None),
        (Type::Option(t), Value::Option(Some(v))) => Val::Option(Some(Box::new(lower(*v, t)?))),
        (Type::Result(ok, _), Value::Result(Ok(v))) => Val::Result(Ok(lower_side(v, ok.as_deref())?)),
        (Type::Result(_, err), Value::Result(Err(v))) => Val::Result(Err(lower_side(v, err.as_deref())?)),
        (_, value) => return Err(wrong(&value)),
    })
}

fn same_fields(fields: &[(String, Value)], record: &vox_model::Record) -> bool {
    fields.len() == record.fields.len()
        && fields.iter().zip(&record.fields).all(|((name, _), field)| *name == field.name)
}

fn lower_all(items: Vec<Value>, ty: &Type) -> Result<Vec<Val>, Mismatch> {
    items.into_iter().map(|item| lower(item, ty)).collect()
}

fn lower_side(value: Option<Box<Value>>, ty: Option<&Type>) -> Result<Option<Box<Val>>, Mismatch> {
    match (value, ty) {
        (Some(value), Some(ty)) => Ok(Some(Box::new(lower(*value, ty)?))),
        (None, None) => Ok(None),
        (value, ty) => Err(Mismatch {
            expected: ty.map_or_else(|| "no payload".to_owned(), Type::to_string),
            found: value.map_or("no payload", |_| "a payload").to_owned(),
        }),
    }
}

/// Our form of an engine value. None when it is not of this type, which the engine's own checks rule out, or
/// holds a handle, which [`Type::handle`] keeps from being asked for.
pub(crate) fn lift(val: Val, ty: &Type) -> Option<Value> {
    Some(match (val, ty) {
        (Val::Bool(v), _) => Value::Bool(v),
        (Val::S8(v), _) => Value::S8(v),
        (Val::S16(v), _) => Value::S16(v),
        (Val::S32(v), _) => Value::S32(v),
        (Val::S64(v), _) => Value::S64(v),
        (Val::U8(v), _) => Value::U8(v),
        (Val::U16(v), _) => Value::U16(v),
        (Val::U32(v), _) => Value::U32(v),
        (Val::U64(v), _) => Value::U64(v),
        (Val::Float32(v), _) => Value::F32(v),
        (Val::Float64(v), _) => Value::F64(v),
        (Val::Char(v), _) => Value::Char(v),
        (Val::String(v), _) => Value::String(v),
        (Val::List(items), Type::List(t)) if **t == Type::U8 => {
            let byte = |item| match item {
                Val::U8(byte) => Some(byte),
                _ => None,
            };
            Value::Bytes(items.into_iter().map(byte).collect::<Option<_>>()?)
        }
        (Val::List(items), Type::List(t)) | (Val::FixedLengthList(items), Type::FixedList(t, _)) => {
            Value::List(items.into_iter().map(|item| lift(item, t)).collect::<Option<_>>()?)
        }
        (Val::Map(pairs), Type::Map(k, v)) => {
            let pair = |(key, value)| Some((lift(key, k)?, lift(value, v)?));
            Value::Map(pairs.into_iter().map(pair).collect::<Option<_>>()?)
        }
        (Val::Record(fields), Type::Record(record)) => {
            let fields = fields.into_iter().zip(&record.fields);
            let field = |((name, value), field): (_, &vox_model::Field)| Some((name, lift(value, &field.ty)?));
            Value::Record(fields.map(field).collect::<Option<_>>()?)
        }
        (Val::Tuple(items), Type::Tuple(ts)) => {
            let items = items.into_iter().zip(ts.iter());
            Value::Tuple(items.map(|(item, t)| lift(item, t)).collect::<Option<_>>()?)
        }
        (Val::Variant(tag, payload), Type::Variant(variant)) => {
            let case = variant.cases.iter().find(|case| case.name == tag)?;
            let payload = lift_side(payload, case.ty.as_ref())?;
            Value::Variant(tag, payload)
        }
        (Val::Enum(name), _) => Value::Enum(name),
        (Val::Option(payload), Type::Option(t)) => Value::Option(lift_side(payload, Some(t))?),
        (Val::Result(Ok(payload)), Type::Result(ok, _)) => Value::Result(Ok(lift_side(payload, ok.as_deref())?)),
        (Val::Result(Err(payload)), Type::Result(_, err)) => Value::Result(Err(lift_side(payload, err.as_deref())?)),
        (Val::Flags(names), _) => Value::Flags(names),
        _ => return None,
    })
}

fn lift_side(payload: Option<Box<Val>>, ty: Option<&Type>) -> Option<Option<Box<Value>>> {
    match payload {
        Some(val) => Some(Some(Box::new(lift(*val, ty?)?))),
        None => Some(None),
    }
}
