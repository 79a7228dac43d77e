//! JSON text to a tree that keeps what `serde_json::Value` loses: the order of keys, and duplicates as an error.

use super::{JsonError, Path};
use crate::MAX_DEPTH;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;

/// A JSON document. Keys keep their order and are distinct.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the cases are those of JSON")]
pub enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// What this is, as an error message names it.
    pub fn kind(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(b) => format!("the boolean {b}"),
            Self::Number(n) => format!("the number {n}"),
            Self::String(s) if s.chars().count() <= 32 => format!("the string {s:?}"),
            Self::String(_) => "a string".to_owned(),
            Self::Array(_) => "an array".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
    }
}

/// Reads one JSON document.
///
/// # Errors
/// Text that is not JSON, with line and column; a key given twice; nesting beyond [`MAX_DEPTH`]; a number
/// beyond the range of a 64-bit float.
pub fn parse(text: &str) -> Result<Json, JsonError> {
    parse_wrapped(text, 0)
}

/// [`parse`] for a document that wraps a value in so many levels of its own, at most 8: the value may nest as deep as ever.
///
/// # Errors
/// As for [`parse`].
pub fn parse_wrapped(text: &str, levels: usize) -> Result<Json, JsonError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let json = Depth(MAX_DEPTH + levels.min(8)).deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
    json.map_err(|error| Path::Root.error(format!("not valid JSON: {error}")))
}

/// Builds a [`Json`] with so many levels left.
#[derive(Clone, Copy)]
struct Depth(usize);

impl Depth {
    fn down<E: de::Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")))
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Json;
    fn deserialize<D: de::Deserializer<'de>>(self, reader: D) -> Result<Json, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Json, E> {
        serde_json::Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("number out of range"))
    }
    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let inner = self.down()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let inner = self.down()?;
        let mut seen = std::collections::HashSet::new();
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(de::Error::custom(format_args!("the key {key:?} is given twice")));
            }
            fields.push((key, map.next_value_seed(inner)?));
        }
        Ok(Json::Object(fields))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => out.serialize_unit(),
            Self::Bool(value) => out.serialize_bool(*value),
            Self::Number(value) => value.serialize(out),
            Self::String(value) => out.serialize_str(value),
            Self::Array(items) => out.collect_seq(items),
            Self::Object(fields) => {
                let mut map = out.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}
