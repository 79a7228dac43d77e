//! JSON to values, by type.

use super::{Json, JsonError, MAX_SAFE_INTEGER, Path};
use crate::facts::nearest;
use crate::{Param, Record, Type, Value, Variant};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// The value of this type that the document stands for.
///
/// # Errors
/// The place in the document, what the type wants there and what was found.
pub fn read(json: &Json, ty: &Type) -> Result<Value, JsonError> {
    value(json, ty, &Path::Root)
}

/// The arguments of a call from one object with a property for each parameter.
///
/// # Errors
/// Not an object, a property that is no parameter (with the nearest name), a missing parameter that is no
/// `option`, or a value of another type.
pub fn arguments(json: &Json, params: &[Param]) -> Result<Vec<Value>, JsonError> {
    let names: Vec<_> = params.iter().map(|p| (p.name.as_str(), &p.ty)).collect();
    let fields = object(json, &Path::Root, "an object with the parameters by name")?;
    Ok(closed(fields, &names, &Path::Root, "parameter")?.into_iter().map(|(_, value)| value).collect())
}

fn value(json: &Json, ty: &Type, at: &Path<'_>) -> Result<Value, JsonError> {
    let wrong = || at.error(format!("expected {ty}, found {}", json.kind()));
    Ok(match (ty, json) {
        (Type::Bool, Json::Bool(v)) => Value::Bool(*v),
        (Type::S8, _) => Value::S8(integer(json, ty, at)?),
        (Type::S16, _) => Value::S16(integer(json, ty, at)?),
        (Type::S32, _) => Value::S32(integer(json, ty, at)?),
        (Type::S64, _) => Value::S64(integer(json, ty, at)?),
        (Type::U8, _) => Value::U8(integer(json, ty, at)?),
        (Type::U16, _) => Value::U16(integer(json, ty, at)?),
        (Type::U32, _) => Value::U32(integer(json, ty, at)?),
        (Type::U64, _) => Value::U64(integer(json, ty, at)?),
        (Type::F64, _) => Value::F64(float(json).ok_or_else(wrong)?),
        (Type::F32, _) => Value::F32(float32(json, at)?.ok_or_else(wrong)?),
        (Type::Char, Json::String(text)) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => Value::Char(c),
                _ => return Err(at.error("expected char: a string of exactly one character")),
            }
        }
        (Type::String, Json::String(text)) => Value::String(text.clone()),
        (Type::List(_), Json::String(text)) if ty.is_bytes() => bytes(text, at)?,
        (Type::List(_), Json::Array(items)) if ty.is_bytes() => {
            Value::Bytes(each(items, at, |item, at| integer(item, &Type::U8, at))?)
        }
        (Type::List(t), Json::Array(items)) => Value::List(each(items, at, |item, at| value(item, t, at))?),
        (Type::FixedList(t, length), Json::Array(items)) if items.len() == *length as usize => {
            Value::List(each(items, at, |item, at| value(item, t, at))?)
        }
        (Type::Tuple(ts), Json::Array(items)) if items.len() == ts.len() => {
            let mut ts = ts.iter();
            Value::Tuple(each(items, at, |item, at| ts.next().map_or_else(|| Err(wrong()), |t| value(item, t, at)))?)
        }
        (Type::FixedList(_, length), Json::Array(items)) => {
            return Err(at.error(format!("expected {length} elements, found {}", items.len())));
        }
        (Type::Tuple(ts), Json::Array(items)) => {
            return Err(at.error(format!("expected {} elements, found {}", ts.len(), items.len())));
        }
        (Type::Map(k, v), _) => map(json, k, v, at)?,
        (Type::Record(record), _) => record_value(json, record, at)?,
        (Type::Variant(variant), _) => variant_value(json, variant, at)?,
        (Type::Enum(e), Json::String(name)) => match e.cases.iter().find(|c| c.name == *name) {
            Some(case) => Value::Enum(case.name.clone()),
            None => return Err(unknown(at, "case", name, e.cases.iter().map(|c| &*c.name))),
        },
        (Type::Flags(flags), _) => {
            let names: Vec<&str> = flags.flags.iter().map(|f| f.name.as_str()).collect();
            flags_value(json, &names, at)?
        }
        (Type::Option(_), Json::Null) => Value::Option(None),
        (Type::Option(t), Json::Object(fields)) if t.is_option() => match &fields[..] {
            [(key, inner)] if key == "some" => Value::Option(Some(Box::new(value(inner, t, at)?))),
            _ => return Err(at.error(format!("expected {ty}: null or {{\"some\": …}}"))),
        },
        (Type::Option(t), _) if !t.is_option() => Value::Option(Some(Box::new(value(json, t, at)?))),
        (Type::Result(ok, err), Json::Object(fields)) => match &fields[..] {
            [(key, inner)] if key == "ok" => Value::Result(Ok(payload(inner, ok.as_deref(), at)?)),
            [(key, inner)] if key == "err" => Value::Result(Err(payload(inner, err.as_deref(), at)?)),
            _ => return Err(at.error(format!("expected {ty}: {{\"ok\": …}} or {{\"err\": …}}"))),
        },
        (Type::Handle(what), _) => {
            return Err(at.error(format!("{what} has no value outside a component")));
        }
        _ => return Err(wrong()),
    })
}

fn each<T>(
    items: &[Json],
    at: &Path<'_>,
    mut read: impl FnMut(&Json, &Path<'_>) -> Result<T, JsonError>,
) -> Result<Vec<T>, JsonError> {
    let place = |(index, item)| read(item, &Path::Index(at, index));
    items.iter().enumerate().map(place).collect()
}

fn payload(json: &Json, ty: Option<&Type>, at: &Path<'_>) -> Result<Option<Box<Value>>, JsonError> {
    match ty {
        Some(ty) => Ok(Some(Box::new(value(json, ty, at)?))),
        None if *json == Json::Null => Ok(None),
        None => Err(at.error(format!("expected null, found {}", json.kind()))),
    }
}

/// An integer in the range of its type: a whole number however it is written, or a decimal string for the
/// 64-bit types, whose upper half JSON numbers cannot carry safely.
fn integer<T: TryFrom<i128>>(json: &Json, ty: &Type, at: &Path<'_>) -> Result<T, JsonError> {
    let wide = matches!(ty, Type::S64 | Type::U64);
    let found = match json {
        Json::Number(n) => {
            n.as_i64().map(i128::from).or_else(|| n.as_u64().map(i128::from)).or_else(|| n.as_f64().and_then(whole))
        }
        Json::String(text) if wide => decimal(text),
        _ => None,
    };
    let number = found.ok_or_else(|| {
        let also = if wide { " or a string of decimal digits" } else { "" };
        at.error(format!("expected {ty}: a whole number{also}, found {}", json.kind()))
    })?;
    T::try_from(number).map_err(|_| at.error(format!("{number} is out of range for {ty}")))
}

/// `3.0` and `1e2` are whole; beyond 2^53 a float no longer says which integer was meant.
fn whole(number: f64) -> Option<i128> {
    let exact = number.fract() == 0.0 && number.abs() <= MAX_SAFE_INTEGER as f64;
    // A minus sign on zero means somebody wanted a float.
    let negative_zero = number == 0.0 && number.is_sign_negative();
    (exact && !negative_zero).then_some(number as i128)
}

fn decimal(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = !digits.is_empty()
        && digits.len() <= 20
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" && !text.starts_with('-') || !digits.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

fn float(json: &Json) -> Option<f64> {
    match json {
        Json::Number(n) => n.as_f64(),
        Json::String(word) => match &**word {
            "nan" => Some(f64::NAN),
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn float32(json: &Json, at: &Path<'_>) -> Result<Option<f32>, JsonError> {
    let Some(wide) = float(json) else { return Ok(None) };
    // Through text, so that the decimal is rounded once and not first to f64.
    let narrow = match json {
        Json::Number(n) => n.to_string().parse().unwrap_or(wide as f32),
        _ => wide as f32,
    };
    if narrow.is_infinite() && wide.is_finite() {
        return Err(at.error(format!("{wide} is out of range for f32")));
    }
    Ok(Some(narrow))
}

fn bytes(text: &str, at: &Path<'_>) -> Result<Value, JsonError> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE_NO_PAD.decode(text))
        .map(Value::Bytes)
        .map_err(|error| at.error(format!("expected list<u8> as base64: {error}")))
}

fn object<'j>(json: &'j Json, at: &Path<'_>, expected: &str) -> Result<&'j [(String, Json)], JsonError> {
    match json {
        Json::Object(fields) => Ok(fields),
        _ => Err(at.error(format!("expected {expected}, found {}", json.kind()))),
    }
}

fn record_value(json: &Json, record: &Record, at: &Path<'_>) -> Result<Value, JsonError> {
    let names: Vec<_> = record.fields.iter().map(|f| (f.name.as_str(), &f.ty)).collect();
    let expected = format!("the record {}", record.name.name);
    let fields = object(json, at, &expected)?;
    Ok(Value::Record(closed(fields, &names, at, "field")?))
}

/// The fields of a closed object, in the order of the type.
///
/// A field may be written as in WIT (`max-size`), in snake case or in camel case, as long as that names one field.
fn closed(
    given: &[(String, Json)],
    wanted: &[(&str, &Type)],
    at: &Path<'_>,
    what: &str,
) -> Result<Vec<(String, Value)>, JsonError> {
    let mut found: Vec<Option<Value>> = vec![None; wanted.len()];
    for (key, json) in given {
        let mut alias = wanted.iter().enumerate().filter(|(_, (name, _))| folded(name) == folded(key));
        let exact = wanted.iter().position(|(name, _)| name == key);
        let index = match (exact, alias.next(), alias.next()) {
            (Some(index), _, _) | (None, Some((index, _)), None) => index,
            _ => return Err(unknown(at, what, key, wanted.iter().map(|(name, _)| *name))),
        };
        let (name, ty) = wanted[index];
        if found[index].is_some() {
            return Err(at.error(format!("the {what} {name} is given twice")));
        }
        found[index] = Some(value(json, ty, &Path::Field(at, key))?);
    }
    let complete = |((name, ty), value): (&(&str, &Type), Option<Value>)| match value {
        Some(value) => Ok(((*name).to_owned(), value)),
        None if ty.is_option() => Ok(((*name).to_owned(), Value::Option(None))),
        None => Err(at.error(format!("the {what} {name}: {ty} is missing"))),
    };
    wanted.iter().zip(found).map(complete).collect()
}

/// A name without case and separators: `max-size`, `max_size` and `maxSize` meet.
fn folded(name: &str) -> String {
    name.chars().filter(|c| *c != '-' && *c != '_').flat_map(char::to_lowercase).collect()
}

fn variant_value(json: &Json, variant: &Variant, at: &Path<'_>) -> Result<Value, JsonError> {
    let (tag, val) = match json {
        Json::String(tag) => (tag, None),
        Json::Object(fields) => {
            let field = |key: &str| fields.iter().find(|(k, _)| k == key).map(|(_, v)| v);
            let extra = fields.iter().find(|(k, _)| k != "tag" && k != "val");
            match (field("tag"), extra) {
                (Some(Json::String(tag)), None) => (tag, field("val")),
                (_, Some((key, _))) => {
                    return Err(at.error(format!("a variant has only `tag` and `val`, found {key:?}")));
                }
                _ => return Err(at.error("expected a variant: {\"tag\": \"…\", \"val\": …}")),
            }
        }
        _ => {
            let name = &variant.name.name;
            return Err(at.error(format!("expected the variant {name}, found {}", json.kind())));
        }
    };
    let Some(case) = variant.cases.iter().find(|case| case.name == *tag) else {
        return Err(unknown(at, "case", tag, variant.cases.iter().map(|c| &*c.name)));
    };
    let payload = match (&case.ty, val) {
        (Some(ty), Some(json)) => Some(Box::new(value(json, ty, &Path::Field(at, "val"))?)),
        (Some(ty), None) if ty.is_option() => Some(Box::new(Value::Option(None))),
        (Some(ty), None) => return Err(at.error(format!("the case {tag} needs a `val`: {ty}"))),
        (None, None | Some(Json::Null)) => None,
        (None, Some(_)) => return Err(at.error(format!("the case {tag} carries no `val`"))),
    };
    Ok(Value::Variant(case.name.clone(), payload))
}

/// An array of names, or an object of booleans.
fn flags_value(json: &Json, names: &[&str], at: &Path<'_>) -> Result<Value, JsonError> {
    let mut set = vec![false; names.len()];
    let mut mark = |name: &str, on: bool| match names.iter().position(|n| *n == name) {
        Some(index) => {
            set[index] |= on;
            Ok(())
        }
        None => Err(unknown(at, "flag", name, names.iter().copied())),
    };
    match json {
        Json::Array(items) => {
            for item in items {
                match item {
                    Json::String(name) => mark(name, true)?,
                    _ => return Err(at.error(format!("expected a flag name, found {}", item.kind()))),
                }
            }
        }
        Json::Object(fields) => {
            for (name, on) in fields {
                match on {
                    Json::Bool(on) => mark(name, *on)?,
                    _ => return Err(at.error(format!("the flag {name} must be true or false"))),
                }
            }
        }
        _ => return Err(at.error(format!("expected a list of flags, found {}", json.kind()))),
    }
    let on = |(name, on): (&&str, bool)| on.then(|| (*name).to_owned());
    Ok(Value::Flags(names.iter().zip(set).filter_map(on).collect()))
}

fn map(json: &Json, key: &Type, val: &Type, at: &Path<'_>) -> Result<Value, JsonError> {
    let pairs = match json {
        Json::Object(fields) if *key == Type::String => fields
            .iter()
            .map(|(k, v)| Ok((Value::String(k.clone()), value(v, val, &Path::Field(at, k))?)))
            .collect::<Result<Vec<_>, JsonError>>()?,
        Json::Array(items) if *key != Type::String => each(items, at, |item, at| match item {
            Json::Array(pair) if pair.len() == 2 => {
                Ok((value(&pair[0], key, &Path::Index(at, 0))?, value(&pair[1], val, &Path::Index(at, 1))?))
            }
            _ => Err(at.error("expected a pair [key, value]")),
        })?,
        _ => return Err(at.error(format!("expected map<{key}, {val}>, found {}", json.kind()))),
    };
    let mut seen = std::collections::HashSet::new();
    for (name, _) in &pairs {
        let name = super::to_string(name, key);
        if !seen.insert(name.clone()) {
            return Err(at.error(format!("the key {name} is given twice")));
        }
    }
    Ok(Value::Map(pairs))
}

fn unknown<'n>(at: &Path<'_>, what: &str, name: &str, known: impl Iterator<Item = &'n str> + Clone) -> JsonError {
    let hint = match nearest(name, known.clone()).first() {
        Some(near) => format!("; did you mean `{near}`?"),
        None => format!("; there are: {}", known.collect::<Vec<_>>().join(", ")),
    };
    at.error(format!("there is no {what} {name:?}{hint}"))
}
