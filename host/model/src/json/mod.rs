//! WIT values as JSON and back.
//!
//! The mapping (docs/adr/0004-values.md): records are closed objects, variants `{"tag": …, "val": …}`, enums and
//! flags their names, `option` is null or absent, `list<u8>` is base64, 64-bit integers beyond 2^53 are decimal
//! strings, and NaN and the infinities are the words `"nan"`, `"inf"`, `"-inf"`. Everything written reads back as
//! the same value. Texts nest at most [`MAX_DEPTH`](crate::MAX_DEPTH) levels.

mod read;
mod text;
mod write;

pub use read::{arguments, read};
pub use text::{Json, parse, parse_wrapped};
pub use write::{to_string, to_string_pretty, write};

/// The largest integer that every JSON reader keeps exactly: 2^53 − 1 (RFC 8259 §6, RFC 7493 §2.2).
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// JSON text that is not the value it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at {path}: {message}")]
pub struct JsonError {
    /// Where in the document, as `$.field[index]`.
    pub path: String,
    /// What was expected and what was found.
    pub message: String,
}

/// Where a reader stands in the document; built only when an error is reported.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn error(&self, message: impl Into<String>) -> JsonError {
        let mut path = String::from("$");
        self.spell(&mut path);
        JsonError { path, message: message.into() }
    }

    fn spell(&self, out: &mut String) {
        use std::fmt::Write as _;
        match self {
            Self::Root => {}
            Self::Field(parent, name) => {
                parent.spell(out);
                let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
                // Names come from the document: quote the odd ones so that a message stays one line.
                let _ = if plain { write!(out, ".{name}") } else { write!(out, "[{name:?}]") };
            }
            Self::Index(parent, index) => {
                parent.spell(out);
                let _ = write!(out, "[{index}]");
            }
        }
    }
}
