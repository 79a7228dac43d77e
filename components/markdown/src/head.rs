//! The head of a document: where it ends, and `front-matter`.
//!
//! A head starts on the first line, with `---` (YAML) or `+++` (TOML), and ends at the next such line; a head of YAML
//! also at `...`. A first line of `---` with an empty line behind it is a rule, not a head.

use crate::bindings::exports::vox::bundle::markdown::{DocumentHead, Error, FrontMatterFormat};
use serde_json::{Map, Value};

enum Head<'d> {
    /// The document has none.
    None,
    /// It opens and does not close.
    Open,
    Closed {
        format: FrontMatterFormat,
        source: &'d str,
        body: &'d str,
    },
}

/// The document without its head.
pub(crate) fn body(document: &str) -> &str {
    match find(document) {
        Head::Closed { body, .. } => body,
        Head::None | Head::Open => document,
    }
}

/// Reads the head as data.
pub(crate) fn read(document: &str) -> Result<Option<DocumentHead>, Error> {
    let (format, source, body) = match find(document) {
        Head::None => return Ok(None),
        Head::Open => return Err(Error::InvalidFrontMatter("the head that opens on line 1 does not close".to_owned())),
        Head::Closed { format, source, body } => (format, source, body),
    };
    let value = match format {
        FrontMatterFormat::Yaml => yaml(source),
        FrontMatterFormat::Toml => toml(source),
    };
    let value = value.map_err(Error::InvalidFrontMatter)?;
    Ok(Some(DocumentHead { format, json: value.to_string(), body: body.to_owned() }))
}

fn find(document: &str) -> Head<'_> {
    let document = document.strip_prefix('\u{feff}').unwrap_or(document);
    let mut lines = document.split_inclusive('\n');
    let (format, closing): (_, &[&str]) = match lines.next().map(str::trim_end) {
        Some("---") => (FrontMatterFormat::Yaml, &["---", "..."]),
        Some("+++") => (FrontMatterFormat::Toml, &["+++"]),
        _ => return Head::None,
    };
    let start = document.find('\n').map_or(document.len(), |newline| newline + 1);
    let mut at = start;
    for (index, line) in lines.enumerate() {
        let text = line.trim_end();
        if closing.contains(&text) {
            return Head::Closed { format, source: &document[start..at], body: &document[at + line.len()..] };
        }
        if index == 0 && text.is_empty() && matches!(format, FrontMatterFormat::Yaml) {
            return Head::None;
        }
        at += line.len();
    }
    // Nothing behind it: a rule, or a paragraph of plus signs.
    if start == document.len() { Head::None } else { Head::Open }
}

fn yaml(source: &str) -> Result<Value, String> {
    if source.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Value::Object(Map::new()));
    }
    serde_saphyr::from_str(source).map_err(|error| {
        let text = error.without_snippet().to_string();
        match error.location() {
            // The head starts on the second line of the document.
            Some(place) => format!("not YAML, line {}, column {}: {text}", place.line() + 1, place.column()),
            None => format!("not YAML: {text}"),
        }
    })
}

fn toml(source: &str) -> Result<Value, String> {
    let table: toml::Table = toml::from_str(source).map_err(|error| match error.span() {
        Some(span) => {
            let before = source.get(..span.start).unwrap_or(source);
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let (line, column) = (before.matches('\n').count() + 2, before[line_start..].chars().count() + 1);
            format!("not TOML, line {line}, column {column}: {}", error.message())
        }
        None => format!("not TOML: {}", error.message()),
    })?;
    Ok(json(toml::Value::Table(table)))
}

/// Dates become strings, and numbers that JSON does not have become null.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
    }
}
