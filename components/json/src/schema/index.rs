//! A schema, read once: its subschemas by address, its patterns compiled.

use super::form::{self, Below, Draft};
use super::uri;
use regex_bites::Regex;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A place in a schema.
#[derive(Clone, Copy)]
pub(super) struct Place<'s> {
    pub(super) schema: &'s Value,
    /// Its JSON Pointer from the root, as a number in [`Index::pointers`].
    pub(super) pointer: usize,
    /// The address that references in it are relative to, as a number in [`Index::bases`].
    pub(super) base: usize,
}

/// Everything that checking a document needs of a schema.
pub(super) struct Index<'s> {
    pub(super) root: Place<'s>,
    pub(super) draft: Draft,
    pub(super) pointers: Vec<String>,
    bases: Vec<String>,
    /// Schemas and their bases by address, with a fragment for anchors.
    addresses: BTreeMap<String, (&'s Value, usize)>,
    /// Anchors that `$dynamicRef` can lead to, by base and name.
    dynamic: BTreeMap<(usize, &'s str), &'s Value>,
    /// Every place by the address of its value in memory.
    places: BTreeMap<*const Value, Place<'s>>,
    patterns: BTreeMap<&'s str, Regex>,
    /// Whether any schema asks what its neighbours have looked at.
    pub(super) tracks: bool,
}

impl<'s> Index<'s> {
    pub(super) fn read(schema: &'s Value) -> Result<Index<'s>, String> {
        let root = Place { schema, pointer: 0, base: 0 };
        let mut index = Index {
            root,
            draft: form::draft(schema)?,
            pointers: Vec::new(),
            bases: vec![String::new()],
            addresses: BTreeMap::new(),
            dynamic: BTreeMap::new(),
            places: BTreeMap::new(),
            patterns: BTreeMap::new(),
            tracks: false,
        };
        index.addresses.insert(String::new(), (schema, 0));
        index.subschema(schema, String::new(), 0)?;
        index.root = index.places[&std::ptr::from_ref(schema)];
        let places: Vec<_> = index.places.values().copied().collect();
        for place in places {
            for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
                if let Some(reference) = index.reference(place, keyword) {
                    index.follow(place, reference)?;
                }
            }
        }
        Ok(index)
    }

    /// The reference that a keyword of a schema holds, in drafts that know the keyword.
    pub(super) fn reference(&self, place: Place<'s>, keyword: &str) -> Option<&'s str> {
        let known = match keyword {
            "$dynamicRef" => self.draft == Draft::Of2020,
            "$recursiveRef" => self.draft == Draft::Of2019,
            _ => true,
        };
        place.schema.get(keyword).filter(|_| known)?.as_str()
    }

    /// A message about a place.
    pub(super) fn at(&self, pointer: usize, message: &str) -> String {
        located(&self.pointers[pointer], message)
    }

    fn subschema(&mut self, schema: &'s Value, pointer: String, base: usize) -> Result<(), String> {
        let fields = match schema {
            Value::Object(fields) => fields,
            Value::Bool(_) => {
                self.place(schema, pointer, base);
                return Ok(());
            }
            _ => return Err(located(&pointer, "a schema has to be an object, true or false")),
        };
        let base = self.name(schema, fields, &pointer, base);
        let only_reference = self.draft <= Draft::Seven && fields.contains_key("$ref");
        for (keyword, value) in fields {
            if let Some(fault) = form::fault(keyword, value, self.draft) {
                return Err(located(&pointer, fault));
            }
            self.tracks |= keyword.starts_with("unevaluated");
            if keyword == "pattern"
                && !only_reference
                && let Some(pattern) = value.as_str()
            {
                self.pattern(pattern, &pointer)?;
            }
            if keyword == "patternProperties"
                && let Some(patterns) = value.as_object()
            {
                for pattern in patterns.keys() {
                    self.pattern(pattern, &pointer)?;
                }
            }
            if let Some(below) = form::below(keyword, self.draft) {
                self.children(keyword, value, below, &pointer, base)?;
            }
        }
        self.place(schema, pointer, base);
        Ok(())
    }

    fn place(&mut self, schema: &'s Value, pointer: String, base: usize) {
        self.places.insert(schema, Place { schema, pointer: self.pointers.len(), base });
        self.pointers.push(pointer);
    }

    /// Notes the names that a schema gives itself, and gives the base for what is in it.
    fn name(&mut self, schema: &'s Value, fields: &'s Map<String, Value>, pointer: &str, base: usize) -> usize {
        let text = |keyword: &str| fields.get(keyword).and_then(Value::as_str);
        let ignored = self.draft <= Draft::Seven && fields.contains_key("$ref");
        let id = if ignored { None } else { text(if self.draft == Draft::Four { "id" } else { "$id" }) };
        let mut base = base;
        if let Some(id) = id {
            let address = uri::resolve(&self.bases[base], id);
            let (address, fragment) = uri::split(&address);
            if !fragment.is_empty() {
                self.addresses.insert(format!("{address}#{fragment}"), (schema, base));
            }
            if address != self.bases[base] {
                base = self.bases.len();
                self.bases.push(address.to_owned());
                self.addresses.insert(address.to_owned(), (schema, base));
            }
        }
        if self.draft >= Draft::Of2019 {
            for keyword in ["$anchor", "$dynamicAnchor"] {
                let Some(name) = text(keyword) else { continue };
                self.addresses.insert(format!("{}#{name}", self.bases[base]), (schema, base));
                if keyword == "$dynamicAnchor" {
                    self.dynamic.insert((base, name), schema);
                }
            }
            if fields.get("$recursiveAnchor") == Some(&Value::Bool(true)) && (id.is_some() || pointer.is_empty()) {
                self.dynamic.insert((base, ""), schema);
            }
        }
        base
    }

    fn children(
        &mut self,
        keyword: &str,
        value: &'s Value,
        below: Below,
        pointer: &str,
        base: usize,
    ) -> Result<(), String> {
        let wrong = |expected: &str| Err(located(pointer, format!("`{keyword}` has to be {expected}")));
        let path = format!("{pointer}/{keyword}");
        match (below, value) {
            (Below::One | Below::OneOrList, Value::Object(_) | Value::Bool(_)) => self.subschema(value, path, base),
            (Below::List | Below::OneOrList, Value::Array(list)) => {
                if list.is_empty() && below == Below::List {
                    return wrong("a list that is not empty");
                }
                list.iter()
                    .enumerate()
                    .try_for_each(|(at, schema)| self.subschema(schema, format!("{path}/{at}"), base))
            }
            (Below::Map | Below::Dependencies, Value::Object(schemas)) => {
                schemas.iter().try_for_each(|(name, schema)| {
                    if below == Below::Dependencies && schema.is_array() {
                        return Ok(());
                    }
                    self.subschema(schema, format!("{path}/{}", escape(name)), base)
                })
            }
            (Below::One, _) => wrong("a schema"),
            (Below::OneOrList, _) => wrong("a schema or a list of schemas"),
            (Below::List, _) => wrong("a list of schemas"),
            (Below::Map | Below::Dependencies, _) => wrong("an object of schemas"),
        }
    }

    fn pattern(&mut self, pattern: &'s str, pointer: &str) -> Result<(), String> {
        if !self.patterns.contains_key(pattern) {
            let regex = Regex::new(pattern)
                .map_err(|error| located(pointer, format!("the pattern `{pattern}` is not supported: {error}")))?;
            self.patterns.insert(pattern, regex);
        }
        Ok(())
    }

    /// Whether a pattern of the schema matches somewhere in a text.
    pub(super) fn matches(&self, pattern: &str, text: &str) -> bool {
        self.patterns.get(pattern).is_none_or(|regex| regex.is_match(text))
    }

    /// The place of a subschema.
    pub(super) fn place_of(&self, schema: &Value) -> Option<Place<'s>> {
        self.places.get(&std::ptr::from_ref(schema)).copied()
    }

    /// Where a reference leads.
    pub(super) fn follow(&mut self, from: Place<'s>, reference: &str) -> Result<Place<'s>, String> {
        match self.find(from, reference) {
            Some(Found::Place(place)) => Ok(place),
            Some(Found::Unread { schema, pointer, base }) => {
                // A reference into a part that no keyword calls a schema: it is one now.
                self.subschema(schema, pointer, base)?;
                let place = self.places[&std::ptr::from_ref(schema)];
                for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
                    if let Some(reference) = self.reference(place, keyword) {
                        self.follow(place, reference)?;
                    }
                }
                Ok(place)
            }
            None => Err(self.at(from.pointer, &format!("`{reference}` is not in the schema"))),
        }
    }

    /// Where a reference leads, when everything is read.
    pub(super) fn target(&self, from: Place<'s>, reference: &str) -> Option<Place<'s>> {
        match self.find(from, reference)? {
            Found::Place(place) => Some(place),
            Found::Unread { .. } => None,
        }
    }

    /// The place that a dynamic anchor of a schema means, if there is one of that name.
    pub(super) fn dynamic(&self, base: usize, name: &str) -> Option<Place<'s>> {
        self.place_of(self.dynamic.get(&(base, name))?)
    }

    fn find(&self, from: Place<'s>, reference: &str) -> Option<Found<'s>> {
        let address = uri::resolve(&self.bases[from.base], reference);
        let (resource, fragment) = uri::split(&address);
        let fragment = uri::decode(fragment);
        if !fragment.is_empty() && !fragment.starts_with('/') {
            let (schema, _) = self.addresses.get(&format!("{resource}#{fragment}"))?;
            return self.place_of(schema).map(Found::Place);
        }
        let (mut value, mut base) = *self.addresses.get(resource)?;
        let mut pointer = self.place_of(value).map_or(String::new(), |root| self.pointers[root.pointer].clone());
        for part in fragment.split('/').skip(1) {
            let name = part.replace("~1", "/").replace("~0", "~");
            value = match value {
                Value::Object(fields) => fields.get(&name)?,
                Value::Array(items) => items.get(name.parse::<usize>().ok()?)?,
                _ => return None,
            };
            pointer = format!("{pointer}/{part}");
            base = self.place_of(value).map_or(base, |place| place.base);
        }
        Some(match self.place_of(value) {
            Some(place) => Found::Place(place),
            None => Found::Unread { schema: value, pointer, base },
        })
    }
}

enum Found<'s> {
    Place(Place<'s>),
    Unread { schema: &'s Value, pointer: String, base: usize },
}

fn located(pointer: &str, message: impl std::fmt::Display) -> String {
    if pointer.is_empty() { message.to_string() } else { format!("at `{pointer}`: {message}") }
}

/// A name as a part of a JSON Pointer.
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
