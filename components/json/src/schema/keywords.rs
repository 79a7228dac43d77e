//! The keywords that look at one type of value.

use super::check::{Checker, Seen, equal};
use super::decimal::Decimal;
use super::form::Draft;
use serde_json::{Map, Number, Value};
use std::cmp::Ordering;

type Schema = Map<String, Value>;

/// The keywords for the least and the greatest length of one type of value, and the unit.
const TEXT: [&str; 3] = ["minLength", "maxLength", "characters"];
const ITEMS: [&str; 3] = ["minItems", "maxItems", "items"];
const FIELDS: [&str; 3] = ["minProperties", "maxProperties", "properties"];

impl<'s, 'd> Checker<'_, 's, 'd> {
    pub(super) fn object(
        &mut self,
        schema: &'s Schema,
        fields: &'d Schema,
        part: &'d Value,
        seen: &mut Seen<'d>,
    ) -> Result<(), String> {
        self.length(schema, FIELDS, fields.len());
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                self.violation("required", format!("the property `{name}` is missing"));
            }
        }
        if self.index.draft >= Draft::Of2019 {
            self.needed(schema, "dependentRequired", fields);
            for (name, schema) in schema.get("dependentSchemas").and_then(Value::as_object).into_iter().flatten() {
                if fields.contains_key(name) {
                    let more = self.sub(schema, part)?;
                    seen.join(more);
                }
            }
        }
        self.needed(schema, "dependencies", fields);
        for (name, schema) in schema.get("dependencies").and_then(Value::as_object).into_iter().flatten() {
            if fields.contains_key(name) && !schema.is_array() {
                let more = self.sub(schema, part)?;
                seen.join(more);
            }
        }
        let known = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let additional = schema.get("additionalProperties");
        let names = schema.get("propertyNames").filter(|_| self.index.draft >= Draft::Six);
        for (name, value) in fields {
            let mut looked_at = false;
            if let Some(schema) = known.and_then(|known| known.get(name)) {
                looked_at = true;
                self.child(schema, name, value)?;
            }
            for (pattern, schema) in patterns.into_iter().flatten() {
                if self.index.matches(pattern, name) {
                    looked_at = true;
                    self.child(schema, name, value)?;
                }
            }
            if !looked_at && let Some(additional) = additional {
                looked_at = true;
                if *additional == Value::Bool(false) {
                    self.violation("additionalProperties", format!("the property `{name}` is not allowed"));
                } else {
                    self.child(additional, name, value)?;
                }
            }
            if looked_at {
                self.see_name(seen, name);
            }
            if let Some(names) = names {
                self.name(names, name)?;
            }
        }
        if let Some(unevaluated) = schema.get("unevaluatedProperties").filter(|_| self.index.draft >= Draft::Of2019) {
            for (name, value) in fields {
                if seen.has_name(name) {
                    continue;
                }
                self.see_name(seen, name);
                if *unevaluated == Value::Bool(false) {
                    self.violation("unevaluatedProperties", format!("the property `{name}` is not allowed"));
                } else {
                    self.child(unevaluated, name, value)?;
                }
            }
        }
        Ok(())
    }

    /// `dependentRequired`, and the lists of names in `dependencies`.
    fn needed(&mut self, schema: &'s Schema, keyword: &str, fields: &'d Schema) {
        for (name, needed) in schema.get(keyword).and_then(Value::as_object).into_iter().flatten() {
            if !fields.contains_key(name) {
                continue;
            }
            for other in needed.as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(other) {
                    self.violation(keyword, format!("the property `{name}` needs the property `{other}`"));
                }
            }
        }
    }

    /// `propertyNames`: the name is checked as a document of its own.
    fn name(&mut self, schema: &'s Value, name: &'d str) -> Result<(), String> {
        let document = Value::String(name.to_owned());
        if !super::check::fits_alone(self, schema, &document)? {
            self.violation("propertyNames", format!("`{name}` does not fit as the name of a property"));
        }
        Ok(())
    }

    pub(super) fn array(&mut self, schema: &'s Schema, items: &'d [Value], seen: &mut Seen<'d>) -> Result<(), String> {
        self.length(schema, ITEMS, items.len());
        if schema.get("uniqueItems") == Some(&Value::Bool(true))
            && let Some((a, b)) = duplicates(items)
        {
            self.violation("uniqueItems", format!("the items {a} and {b} are equal"));
        }
        let (first, rest) = match (self.index.draft, schema.get("items")) {
            (Draft::Of2020, items) => (schema.get("prefixItems"), items),
            (_, Some(list @ Value::Array(_))) => (Some(list), schema.get("additionalItems")),
            (_, items) => (None, items),
        };
        let first = first.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (at, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(at).or(rest) {
                self.child(schema, &at.to_string(), item)?;
                self.see_item(seen, at);
            }
        }
        if let Some(contains) = schema.get("contains").filter(|_| self.index.draft >= Draft::Six) {
            let mut found = 0;
            for (at, item) in items.iter().enumerate() {
                if self.fits_item(contains, item)? {
                    found += 1;
                    if self.index.draft == Draft::Of2020 {
                        self.see_item(seen, at);
                    }
                }
            }
            let limit = |keyword| schema.get(keyword).filter(|_| self.index.draft >= Draft::Of2019).and_then(whole);
            let (least, most) = (limit("minContains").unwrap_or(1), limit("maxContains"));
            if found < least {
                let keyword = if least == 1 { "contains" } else { "minContains" };
                self.violation(keyword, format!("{found} items fit, at least {least} have to"));
            }
            if most.is_some_and(|most| found > most) {
                self.violation("maxContains", format!("{found} items fit, more than allowed"));
            }
        }
        if let Some(unevaluated) = schema.get("unevaluatedItems").filter(|_| self.index.draft >= Draft::Of2019) {
            for (at, item) in items.iter().enumerate() {
                if !seen.has_item(at) {
                    self.child(unevaluated, &at.to_string(), item)?;
                    self.see_item(seen, at);
                }
            }
        }
        Ok(())
    }

    pub(super) fn string(&mut self, schema: &'s Schema, text: &str) {
        if TEXT[..2].iter().any(|keyword| schema.contains_key(*keyword)) {
            self.length(schema, TEXT, text.chars().count());
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            && !self.index.matches(pattern, text)
        {
            self.violation("pattern", format!("does not match `{pattern}`"));
        }
    }

    fn length(&mut self, schema: &'s Schema, [least, most, unit]: [&str; 3], length: usize) {
        if let Some(limit) = schema.get(least).and_then(whole)
            && length < limit
        {
            self.violation(least, format!("{length} {unit}, at least {limit} are needed"));
        }
        if let Some(limit) = schema.get(most).and_then(whole)
            && length > limit
        {
            self.violation(most, format!("{length} {unit}, at most {limit} are allowed"));
        }
    }

    pub(super) fn number(&mut self, schema: &'s Schema, number: &Number) {
        let value = Decimal::of(number);
        let strict = |keyword| self.index.draft == Draft::Four && schema.get(keyword) == Some(&Value::Bool(true));
        let limits = [
            ("minimum", Ordering::Less, strict("exclusiveMinimum"), "below"),
            ("maximum", Ordering::Greater, strict("exclusiveMaximum"), "above"),
            ("exclusiveMinimum", Ordering::Less, true, "not above"),
            ("exclusiveMaximum", Ordering::Greater, true, "not below"),
        ];
        for (keyword, beyond, strict, word) in limits {
            let Some(Value::Number(limit)) = schema.get(keyword) else { continue };
            let order = value.cmp(&Decimal::of(limit));
            if order == beyond || (strict && order == Ordering::Equal) {
                self.violation(keyword, format!("{number} is {word} {limit}"));
            }
        }
        if let Some(Value::Number(of)) = schema.get("multipleOf")
            && !value.is_multiple_of(&Decimal::of(of))
        {
            self.violation("multipleOf", format!("{number} is no multiple of {of}"));
        }
    }
}

/// A limit; one too large for a length is as good as none.
fn whole(value: &Value) -> Option<usize> {
    let number = value.as_number()?;
    match number.as_u64() {
        Some(limit) => usize::try_from(limit).ok(),
        // Written as 2.0 or 1e3.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number, as checked before"
        )]
        None => number.as_f64().filter(|limit| *limit < 1e9).map(|limit| limit as usize),
    }
}

/// The places of two equal items.
fn duplicates(items: &[Value]) -> Option<(usize, usize)> {
    // Short strings and numbers are the usual case: sorted by text they are compared with their neighbours only.
    if items.iter().all(Value::is_string) {
        let mut texts: Vec<(&str, usize)> =
            items.iter().enumerate().filter_map(|(at, item)| Some((item.as_str()?, at))).collect();
        texts.sort_unstable();
        return texts.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| (pair[0].1, pair[1].1));
    }
    (0..items.len()).find_map(|b| (0..b).find(|a| equal(&items[*a], &items[b])).map(|a| (a, b)))
}
