//! Walking a document along a schema.

use super::decimal::Decimal;
use super::form::Draft;
use super::index::{Index, Place, escape};
use crate::bindings::exports::vox::bundle::json::Violation;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::marker::PhantomData;

/// How deep schemas may lead into schemas, through documents and through references: measured to fit the 512 KiB of
/// stack that a sandbox has.
const DEPTH: usize = 640;

/// What of an object or array a schema has looked at, for `unevaluatedProperties` and `unevaluatedItems`.
#[derive(Default)]
pub(super) struct Seen<'d> {
    names: BTreeSet<&'d str>,
    items: BTreeSet<usize>,
}

impl Seen<'_> {
    pub(super) fn join(&mut self, other: Self) {
        self.names.extend(other.names);
        self.items.extend(other.items);
    }
}

pub(super) struct Checker<'a, 's, 'd> {
    pub(super) index: &'a Index<'s>,
    violations: Vec<Violation>,
    /// Where the document and the schema are being looked at.
    instance: String,
    pub(super) pointer: String,
    /// Bases of the schemas that lead here, outermost first: what `$dynamicRef` looks through.
    scope: Vec<usize>,
    depth: usize,
    marker: PhantomData<&'d Value>,
}

/// Finds every violation; the error says that the schema leads in a circle.
pub(super) fn run(index: &Index<'_>, document: &Value) -> Result<Vec<Violation>, String> {
    let mut checker = Checker::new(index);
    checker.place(index.root, document)?;
    Ok(checker.violations)
}

type Checked<'d> = Result<Seen<'d>, String>;

impl<'a, 's, 'd> Checker<'a, 's, 'd> {
    fn new(index: &'a Index<'s>) -> Self {
        Checker {
            index,
            violations: Vec::new(),
            instance: String::new(),
            pointer: String::new(),
            scope: Vec::new(),
            depth: 0,
            marker: PhantomData,
        }
    }

    pub(super) fn violation(&mut self, keyword: &str, message: String) {
        self.violations.push(Violation {
            instance_path: self.instance.clone(),
            schema_path: format!("{}/{}", self.pointer, keyword),
            message,
        });
    }

    /// Checks a part of the document against a place of the schema.
    fn place(&mut self, place: Place<'s>, part: &'d Value) -> Checked<'d> {
        if self.depth == DEPTH {
            return Err(self.index.at(place.pointer, "the schema leads in a circle or too deep"));
        }
        self.depth += 1;
        let outer = std::mem::replace(&mut self.pointer, self.index.pointers[place.pointer].clone());
        self.scope.push(place.base);
        let result = match place.schema {
            Value::Bool(false) => {
                let message = "nothing is allowed here".to_owned();
                let (instance_path, schema_path) = (self.instance.clone(), self.pointer.clone());
                self.violations.push(Violation { instance_path, schema_path, message });
                Ok(Seen::default())
            }
            Value::Object(schema) => self.schema(place, schema, part),
            _ => Ok(Seen::default()),
        };
        self.scope.pop();
        self.pointer = outer;
        self.depth -= 1;
        result
    }

    /// Checks a part against a subschema.
    pub(super) fn sub(&mut self, schema: &'s Value, part: &'d Value) -> Checked<'d> {
        match self.index.place_of(schema) {
            Some(place) => self.place(place, part),
            None => Ok(Seen::default()),
        }
    }

    /// Checks a field or item.
    pub(super) fn child(&mut self, schema: &'s Value, name: &str, part: &'d Value) -> Result<(), String> {
        let length = self.instance.len();
        self.instance.push('/');
        self.instance.push_str(&escape(name));
        let result = self.sub(schema, part);
        self.instance.truncate(length);
        result.map(drop)
    }

    /// Whether a part fits a subschema; what does not fit is forgotten.
    fn fits(&mut self, schema: &'s Value, part: &'d Value) -> Result<Option<Seen<'d>>, String> {
        let before = self.violations.len();
        let seen = self.sub(schema, part)?;
        let fits = self.violations.len() == before;
        self.violations.truncate(before);
        Ok(fits.then_some(seen))
    }

    fn schema(&mut self, place: Place<'s>, schema: &'s Map<String, Value>, part: &'d Value) -> Checked<'d> {
        let mut seen = Seen::default();
        if let Some(reference) = self.index.reference(place, "$ref") {
            if let Some(target) = self.index.target(place, reference) {
                seen.join(self.place(target, part)?);
            }
            if self.index.draft <= Draft::Seven {
                return Ok(seen);
            }
        }
        for keyword in ["$dynamicRef", "$recursiveRef"] {
            if let Some(reference) = self.index.reference(place, keyword)
                && let Some(target) = self.dynamic(place, reference)
            {
                seen.join(self.place(target, part)?);
            }
        }
        self.any_value(schema, part);
        self.combined(schema, part, &mut seen)?;
        match part {
            Value::Object(fields) => self.object(schema, fields, part, &mut seen)?,
            Value::Array(items) => self.array(schema, items, &mut seen)?,
            Value::String(text) => self.string(schema, text),
            Value::Number(number) => self.number(schema, number),
            Value::Null | Value::Bool(_) => {}
        }
        Ok(seen)
    }

    /// Where a dynamic reference leads: the outermost schema on the way here that has the anchor.
    fn dynamic(&self, place: Place<'s>, reference: &str) -> Option<Place<'s>> {
        let target = self.index.target(place, reference)?;
        let anchor = match reference.split_once('#') {
            Some((_, fragment)) if fragment.starts_with('/') => return Some(target),
            Some((_, fragment)) => fragment,
            None => return Some(target),
        };
        match self.index.dynamic(target.base, anchor) {
            Some(start) if std::ptr::eq(start.schema, target.schema) => {
                let outermost = self.scope.iter().find_map(|base| self.index.dynamic(*base, anchor));
                Some(outermost.unwrap_or(target))
            }
            _ => Some(target),
        }
    }

    fn any_value(&mut self, schema: &'s Map<String, Value>, part: &'d Value) {
        if let Some(types) = schema.get("type") {
            let names: Vec<&str> = match types {
                Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
                name => name.as_str().into_iter().collect(),
            };
            if !names.iter().any(|name| is_type(part, name)) {
                self.violation("type", format!("expected {}, found {}", names.join(" or "), type_of(part)));
            }
        }
        if let Some(Value::Array(allowed)) = schema.get("enum")
            && !allowed.iter().any(|value| equal(value, part))
        {
            let list = shorten(&schema["enum"].to_string());
            self.violation("enum", format!("{} is none of {list}", shorten(&part.to_string())));
        }
        if let Some(value) = schema.get("const").filter(|_| self.index.draft >= Draft::Six)
            && !equal(value, part)
        {
            let (found, expected) = (shorten(&part.to_string()), shorten(&value.to_string()));
            self.violation("const", format!("{found} is not {expected}"));
        }
    }

    fn combined(&mut self, schema: &'s Map<String, Value>, part: &'d Value, seen: &mut Seen<'d>) -> Result<(), String> {
        let list = |keyword| schema.get(keyword).and_then(Value::as_array);
        for branch in list("allOf").into_iter().flatten() {
            seen.join(self.sub(branch, part)?);
        }
        if let Some(branches) = list("anyOf") {
            let mut fitting = 0;
            for branch in branches {
                if let Some(more) = self.fits(branch, part)? {
                    fitting += 1;
                    seen.join(more);
                    if !self.index.tracks {
                        break;
                    }
                }
            }
            if fitting == 0 {
                self.violation("anyOf", format!("fits none of the {} schemas", branches.len()));
            }
        }
        if let Some(branches) = list("oneOf") {
            let mut fitting = Vec::new();
            for (at, branch) in branches.iter().enumerate() {
                if let Some(more) = self.fits(branch, part)? {
                    fitting.push(at.to_string());
                    seen.join(more);
                }
            }
            match fitting.len() {
                0 => self.violation("oneOf", format!("fits none of the {} schemas", branches.len())),
                1 => {}
                _ => self.violation("oneOf", format!("fits more than one schema: {}", fitting.join(", "))),
            }
        }
        if let Some(not) = schema.get("not")
            && self.fits(not, part)?.is_some()
        {
            self.violation("not", "fits a schema that it must not fit".to_owned());
        }
        if let Some(condition) = schema.get("if").filter(|_| self.index.draft >= Draft::Seven) {
            let fits = self.fits(condition, part)?;
            let branch = if fits.is_some() { "then" } else { "else" };
            seen.join(fits.unwrap_or_default());
            if let Some(branch) = schema.get(branch) {
                seen.join(self.sub(branch, part)?);
            }
        }
        Ok(())
    }

    pub(super) fn see_name(&self, seen: &mut Seen<'d>, name: &'d str) {
        if self.index.tracks {
            seen.names.insert(name);
        }
    }

    pub(super) fn see_item(&self, seen: &mut Seen<'d>, at: usize) {
        if self.index.tracks {
            seen.items.insert(at);
        }
    }

    pub(super) fn fits_item(&mut self, schema: &'s Value, part: &'d Value) -> Result<bool, String> {
        Ok(self.fits(schema, part)?.is_some())
    }
}

impl Seen<'_> {
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(super) fn has_item(&self, at: usize) -> bool {
        self.items.contains(&at)
    }
}

/// Whether a value that is not part of the document fits a subschema.
pub(super) fn fits_alone(outer: &Checker<'_, '_, '_>, schema: &Value, value: &Value) -> Result<bool, String> {
    let Some(place) = outer.index.place_of(schema) else { return Ok(true) };
    let mut checker = Checker::new(outer.index);
    checker.scope.clone_from(&outer.scope);
    checker.depth = outer.depth;
    checker.place(place, value)?;
    Ok(checker.violations.is_empty())
}

fn type_of(part: &Value) -> &'static str {
    match part {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(number) if Decimal::of(number).is_integer() => "integer",
        Value::Number(_) => "number",
    }
}

fn is_type(part: &Value, name: &str) -> bool {
    let found = type_of(part);
    found == name || (found == "integer" && name == "number")
}

/// Equality of JSON values: numbers by value, objects without regard to order.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_str() == b.as_str() || Decimal::of(a) == Decimal::of(b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}

fn shorten(text: &str) -> String {
    const MOST: usize = 120;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
