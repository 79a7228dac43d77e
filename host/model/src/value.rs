//! Values of WIT types.

/// How deep values and texts may nest in every converter: WAVE, JSON, schema and the engine's own values.
/// Source: `docs/adr/0004-values.md`; deep enough for any interface a person would write by hand.
pub const MAX_DEPTH: usize = 64;

/// A value of a WIT type.
///
/// Values do not carry their type; whoever converts one knows it. `list<u8>` is always [`Value::Bytes`], never a
/// list of single numbers.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the cases are the WIT types themselves")]
pub enum Value {
    Bool(bool),
    S8(i8),
    S16(i16),
    S32(i32),
    S64(i64),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    F32(f32),
    F64(f64),
    Char(char),
    String(String),
    /// `list<u8>`.
    Bytes(Vec<u8>),
    /// Every other list, of fixed length or not.
    List(Vec<Value>),
    /// Pairs in order, keys distinct.
    Map(Vec<(Value, Value)>),
    /// Fields in the order of the type.
    Record(Vec<(String, Value)>),
    Tuple(Vec<Value>),
    Variant(String, Option<Box<Value>>),
    Enum(String),
    Option(Option<Box<Value>>),
    Result(Result<Option<Box<Value>>, Option<Box<Value>>>),
    /// Names of the flags that are set, in the order of the type.
    Flags(Vec<String>),
}

impl Value {
    /// The text when this is a string, or a `result` whose ok side is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Result(Ok(Some(inner))) => inner.as_str(),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}
