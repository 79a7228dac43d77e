//! WIT values as WAVE text and back, through the `wasm-wave` crate.
//!
//! WAVE has no form for `map` and for handles: the type is walked before the crate's reader or writer, which
//! would panic on them, sees it.

mod glue;
mod strict;

use crate::{MAX_DEPTH, Type, Value};

/// The longest WAVE text that is read, in bytes. Large inputs come as `@file` or JSON, not as a literal.
pub const MAX_TEXT: usize = 16 << 20;

/// WAVE text that is not the value it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WaveError {
    /// What is wrong.
    pub message: String,
    /// Where in the text, in bytes.
    pub span: Option<std::ops::Range<usize>>,
}

impl WaveError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None }
    }
}

/// The value of this type that the text stands for.
///
/// # Errors
/// Text that is not WAVE or of another type, with the place; types without a WAVE form; nesting beyond
/// [`MAX_DEPTH`] and texts beyond [`MAX_TEXT`].
pub fn read(text: &str, ty: &Type) -> Result<Value, WaveError> {
    expressible(ty)?;
    if text.len() > MAX_TEXT {
        return Err(WaveError::new(format!("the text is longer than {MAX_TEXT} bytes")));
    }
    shallow(text)?;
    let wrong = |error: wasm_wave::parser::ParserError| WaveError {
        message: match error.detail() {
            Some(detail) => format!("expected {ty}: {} ({detail})", error.kind()),
            None => format!("expected {ty}: {}", error.kind()),
        },
        span: Some(error.span()),
    };
    let tree = wasm_wave::untyped::UntypedValue::parse(text).map_err(wrong)?;
    strict::fields(tree.node(), ty, text)?;
    tree.to_wasm_value(ty).map_err(wrong)
}

/// The WAVE text of a value.
///
/// # Errors
/// The type has no WAVE form.
pub fn to_string(value: &Value, ty: &Type) -> Result<String, WaveError> {
    expressible(ty)?;
    wasm_wave::to_string(value).map_err(|error| WaveError::new(error.to_string()))
}

/// Whether every value of the type can be written as WAVE.
pub fn expressible(ty: &Type) -> Result<(), WaveError> {
    match first_without_form(ty) {
        Some(part) => Err(WaveError::new(format!("{part} has no WAVE form, only a JSON one"))),
        None => Ok(()),
    }
}

fn first_without_form(ty: &Type) -> Option<String> {
    match ty {
        Type::Map(..) | Type::Handle(_) => Some(ty.to_string()),
        Type::List(t) | Type::FixedList(t, _) | Type::Option(t) => first_without_form(t),
        Type::Record(r) => r.fields.iter().find_map(|f| first_without_form(&f.ty)),
        Type::Tuple(ts) => ts.iter().find_map(first_without_form),
        Type::Variant(v) => v.cases.iter().find_map(|c| first_without_form(c.ty.as_ref()?)),
        Type::Result(ok, err) => [ok, err].into_iter().find_map(|t| first_without_form(t.as_ref()?)),
        _ => None,
    }
}

/// Counts brackets outside of quotes: the crate's own bound is higher than ours.
fn shallow(text: &str) -> Result<(), WaveError> {
    let (mut depth, mut quote, mut escaped) = (0usize, None, false);
    for (index, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(WaveError {
                        message: format!("nested deeper than {MAX_DEPTH} levels"),
                        span: Some(index..index + 1),
                    });
                }
            }
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}
