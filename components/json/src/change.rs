//! `patch` (RFC 6902) and `merge` (RFC 7396), and the shape of documents that they and `validate` work on.

use crate::bindings::exports::vox::bundle::json::{Complaint, Error};
use crate::complain;
use crate::read::{self, Build, Text};
use serde_json::{Map, Number, Value};
use std::vec::Drain;

/// Applies a JSON Patch: all of it or nothing.
pub(crate) fn patch(document: &str, patch: &str) -> Result<String, Error> {
    let mut value = tree(document).map_err(Error::InvalidDocument)?;
    let operations = operations(patch).map_err(Error::InvalidPatch)?;
    json_patch::patch_unsafe(&mut value, &operations).map_err(|error| {
        let operation = operations.0.get(error.operation).map(ToString::to_string).unwrap_or_default();
        Error::PatchConflict(format!("operation {} ({operation}): {}", error.operation + 1, error.kind))
    })?;
    text(&value)
}

/// Applies a JSON Merge Patch.
pub(crate) fn merge(document: &str, patch: &str) -> Result<String, Error> {
    let mut value = tree(document).map_err(Error::InvalidDocument)?;
    let patch = tree(patch).map_err(Error::InvalidPatch)?;
    json_patch::merge(&mut value, &patch);
    text(&value)
}

/// A document as a tree that keeps its numbers as written.
pub(crate) fn tree(document: &str) -> Result<Value, Complaint> {
    read::one(document, Tree)
}

fn text(value: &Value) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::PatchConflict(error.to_string()))
}

fn operations(patch: &str) -> Result<json_patch::Patch, Complaint> {
    let Value::Array(parts) = tree(patch)? else {
        return Err(complain::whole("a patch is an array of operations"));
    };
    let read = |(index, part): (usize, Value)| {
        serde_json::from_value(part).map_err(|error| complain::whole(format!("operation {}: {error}", index + 1)))
    };
    parts.into_iter().enumerate().map(read).collect::<Result<_, _>>().map(json_patch::Patch)
}

struct Tree;

impl<'d> Build<'d> for Tree {
    type Value = Value;
    type Key = String;

    fn null(&mut self) -> Value {
        Value::Null
    }

    fn bool(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }

    fn number(&mut self, text: &'d str, _integer: bool) -> Value {
        // The reader has checked the text against the grammar of JSON.
        text.parse::<Number>().map_or(Value::Null, Value::Number)
    }

    fn string(&mut self, text: Text<'d>) -> Value {
        Value::String(text.text.into_owned())
    }

    fn key(&mut self, text: Text<'d>) -> String {
        text.text.into_owned()
    }

    fn array(&mut self, items: Drain<'_, Value>) -> Value {
        Value::Array(items.collect())
    }

    fn object(&mut self, fields: Drain<'_, (String, Value)>) -> Value {
        let mut map = Map::with_capacity(fields.len());
        map.extend(fields);
        Value::Object(map)
    }
}
