//! The traits through which `wasm-wave` sees our types and values.

use crate::{Type, Value};
use std::borrow::Cow;
use wasm_wave::wasm::{WasmType, WasmTypeKind, WasmValue, WasmValueError};

macro_rules! take {
    ($value:expr, $case:ident) => {
        match $value {
            Value::$case(inner) => *inner,
            other => wrong(other),
        }
    };
}
impl WasmType for Type {
    fn kind(&self) -> WasmTypeKind {
        match self {
            Self::Bool => WasmTypeKind::Bool,
            Self::S8 => WasmTypeKind::S8,
            Self::S16 => WasmTypeKind::S16,
            Self::S32 => WasmTypeKind::S32,
            Self::S64 => WasmTypeKind::S64,
            Self::U8 => WasmTypeKind::U8,
            Self::U16 => WasmTypeKind::U16,
            Self::U32 => WasmTypeKind::U32,
            Self::U64 => WasmTypeKind::U64,
            Self::F32 => WasmTypeKind::F32,
            Self::F64 => WasmTypeKind::F64,
            Self::Char => WasmTypeKind::Char,
            Self::String => WasmTypeKind::String,
            // The crate writes lists of fixed length but does not read them; `make_list` checks the length.
            Self::List(_) | Self::FixedList(..) => WasmTypeKind::List,
            Self::Record(_) => WasmTypeKind::Record,
            Self::Tuple(_) => WasmTypeKind::Tuple,
            Self::Variant(_) => WasmTypeKind::Variant,
            Self::Enum(_) => WasmTypeKind::Enum,
            Self::Option(_) => WasmTypeKind::Option,
            Self::Result(..) => WasmTypeKind::Result,
            Self::Flags(_) => WasmTypeKind::Flags,
            Self::Map(..) | Self::Handle(_) => WasmTypeKind::Unsupported,
        }
    }

    fn list_element_type(&self) -> Option<Self> {
        match self {
            Self::List(t) | Self::FixedList(t, _) => Some((**t).clone()),
            _ => None,
        }
    }

    fn record_fields(&self) -> Box<dyn Iterator<Item = (Cow<'_, str>, Self)> + '_> {
        match self {
            Self::Record(r) => Box::new(r.fields.iter().map(|f| (f.name.as_str().into(), f.ty.clone()))),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn tuple_element_types(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        match self {
            Self::Tuple(ts) => Box::new(ts.iter().cloned()),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn variant_cases(&self) -> Box<dyn Iterator<Item = (Cow<'_, str>, Option<Self>)> + '_> {
        match self {
            Self::Variant(v) => Box::new(v.cases.iter().map(|c| (c.name.as_str().into(), c.ty.clone()))),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn enum_cases(&self) -> Box<dyn Iterator<Item = Cow<'_, str>> + '_> {
        match self {
            Self::Enum(e) => Box::new(e.cases.iter().map(|c| c.name.as_str().into())),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn option_some_type(&self) -> Option<Self> {
        match self {
            Self::Option(t) => Some((**t).clone()),
            _ => None,
        }
    }

    fn result_types(&self) -> Option<(Option<Self>, Option<Self>)> {
        let open = |t: &Option<std::sync::Arc<Type>>| t.as_ref().map(|t| (**t).clone());
        match self {
            Self::Result(ok, err) => Some((open(ok), open(err))),
            _ => None,
        }
    }

    fn flags_names(&self) -> Box<dyn Iterator<Item = Cow<'_, str>> + '_> {
        match self {
            Self::Flags(x) => Box::new(x.flags.iter().map(|f| f.name.as_str().into())),
            _ => Box::new(std::iter::empty()),
        }
    }
}

fn mismatch(message: impl std::fmt::Display) -> WasmValueError {
    WasmValueError::Other(message.to_string())
}

/// The `make_*` half checks against the type; the `unwrap_*` half panics on the wrong kind, as the trait
/// demands, and is called by the crate only for the kind that [`WasmValue::kind`] gave.
impl WasmValue for Value {
    type Type = Type;

    fn kind(&self) -> WasmTypeKind {
        match self {
            Self::Bool(_) => WasmTypeKind::Bool,
            Self::S8(_) => WasmTypeKind::S8,
            Self::S16(_) => WasmTypeKind::S16,
            Self::S32(_) => WasmTypeKind::S32,
            Self::S64(_) => WasmTypeKind::S64,
            Self::U8(_) => WasmTypeKind::U8,
            Self::U16(_) => WasmTypeKind::U16,
            Self::U32(_) => WasmTypeKind::U32,
            Self::U64(_) => WasmTypeKind::U64,
            Self::F32(_) => WasmTypeKind::F32,
            Self::F64(_) => WasmTypeKind::F64,
            Self::Char(_) => WasmTypeKind::Char,
            Self::String(_) => WasmTypeKind::String,
            Self::Bytes(_) | Self::List(_) => WasmTypeKind::List,
            Self::Record(_) => WasmTypeKind::Record,
            Self::Tuple(_) => WasmTypeKind::Tuple,
            Self::Variant(..) => WasmTypeKind::Variant,
            Self::Enum(_) => WasmTypeKind::Enum,
            Self::Option(_) => WasmTypeKind::Option,
            Self::Result(_) => WasmTypeKind::Result,
            Self::Flags(_) => WasmTypeKind::Flags,
            Self::Map(_) => WasmTypeKind::Unsupported,
        }
    }

    fn make_bool(val: bool) -> Self {
        Self::Bool(val)
    }
    fn make_s8(val: i8) -> Self {
        Self::S8(val)
    }
    fn make_s16(val: i16) -> Self {
        Self::S16(val)
    }
    fn make_s32(val: i32) -> Self {
        Self::S32(val)
    }
    fn make_s64(val: i64) -> Self {
        Self::S64(val)
    }
    fn make_u8(val: u8) -> Self {
        Self::U8(val)
    }
    fn make_u16(val: u16) -> Self {
        Self::U16(val)
    }
    fn make_u32(val: u32) -> Self {
        Self::U32(val)
    }
    fn make_u64(val: u64) -> Self {
        Self::U64(val)
    }
    fn make_f32(val: f32) -> Self {
        Self::F32(val)
    }
    fn make_f64(val: f64) -> Self {
        Self::F64(val)
    }
    fn make_char(val: char) -> Self {
        Self::Char(val)
    }
    fn make_string(val: Cow<'_, str>) -> Self {
        Self::String(val.into_owned())
    }

    fn make_list(ty: &Type, vals: impl IntoIterator<Item = Self>) -> Result<Self, WasmValueError> {
        if ty.is_bytes() {
            let byte = |value| match value {
                Self::U8(byte) => Ok(byte),
                _ => Err(mismatch("expected bytes")),
            };
            return vals.into_iter().map(byte).collect::<Result<_, _>>().map(Self::Bytes);
        }
        let items: Vec<_> = vals.into_iter().collect();
        match ty {
            Type::FixedList(_, length) if items.len() != *length as usize => {
                Err(mismatch(format_args!("expected {length} elements, found {}", items.len())))
            }
            _ => Ok(Self::List(items)),
        }
    }

    fn make_record<'a>(ty: &Type, fields: impl IntoIterator<Item = (&'a str, Self)>) -> Result<Self, WasmValueError> {
        let Type::Record(record) = ty else { return Err(mismatch("not a record")) };
        let mut given: Vec<_> = fields.into_iter().collect();
        let mut take = |name: &str| {
            let index = given.iter().position(|(key, _)| *key == name)?;
            Some(given.swap_remove(index).1)
        };
        let mut values = Vec::with_capacity(record.fields.len());
        for field in &record.fields {
            let value = match take(&field.name) {
                Some(value) => value,
                None if field.ty.is_option() => Self::Option(None),
                None => return Err(WasmValueError::MissingField(field.name.clone())),
            };
            values.push((field.name.clone(), value));
        }
        match given.first() {
            Some((name, _)) => Err(WasmValueError::UnknownField((*name).to_owned())),
            None => Ok(Self::Record(values)),
        }
    }

    fn make_tuple(_: &Type, vals: impl IntoIterator<Item = Self>) -> Result<Self, WasmValueError> {
        Ok(Self::Tuple(vals.into_iter().collect()))
    }

    fn make_variant(ty: &Type, case: &str, val: Option<Self>) -> Result<Self, WasmValueError> {
        let Type::Variant(variant) = ty else { return Err(mismatch("not a variant")) };
        let Some(known) = variant.cases.iter().find(|c| c.name == case) else {
            return Err(WasmValueError::UnknownCase(case.to_owned()));
        };
        if known.ty.is_some() != val.is_some() {
            return Err(mismatch(format_args!("the payload of the case {case} does not fit")));
        }
        Ok(Self::Variant(case.to_owned(), val.map(Box::new)))
    }

    fn make_enum(ty: &Type, case: &str) -> Result<Self, WasmValueError> {
        match ty {
            Type::Enum(e) if e.cases.iter().any(|c| c.name == case) => Ok(Self::Enum(case.to_owned())),
            _ => Err(WasmValueError::UnknownCase(case.to_owned())),
        }
    }

    fn make_option(_: &Type, val: Option<Self>) -> Result<Self, WasmValueError> {
        Ok(Self::Option(val.map(Box::new)))
    }

    fn make_result(_: &Type, val: Result<Option<Self>, Option<Self>>) -> Result<Self, WasmValueError> {
        Ok(Self::Result(match val {
            Ok(payload) => Ok(payload.map(Box::new)),
            Err(payload) => Err(payload.map(Box::new)),
        }))
    }

    fn make_flags<'a>(ty: &Type, names: impl IntoIterator<Item = &'a str>) -> Result<Self, WasmValueError> {
        let Type::Flags(flags) = ty else { return Err(mismatch("not flags")) };
        let given: Vec<_> = names.into_iter().collect();
        if let Some(name) = given.iter().find(|n| !flags.flags.iter().any(|f| f.name == **n)) {
            return Err(mismatch(format_args!("there is no flag {name:?}")));
        }
        let set = flags.flags.iter().filter(|f| given.contains(&f.name.as_str()));
        Ok(Self::Flags(set.map(|f| f.name.clone()).collect()))
    }

    fn unwrap_bool(&self) -> bool {
        take!(self, Bool)
    }
    fn unwrap_s8(&self) -> i8 {
        take!(self, S8)
    }
    fn unwrap_s16(&self) -> i16 {
        take!(self, S16)
    }
    fn unwrap_s32(&self) -> i32 {
        take!(self, S32)
    }
    fn unwrap_s64(&self) -> i64 {
        take!(self, S64)
    }
    fn unwrap_u8(&self) -> u8 {
        take!(self, U8)
    }
    fn unwrap_u16(&self) -> u16 {
        take!(self, U16)
    }
    fn unwrap_u32(&self) -> u32 {
        take!(self, U32)
    }
    fn unwrap_u64(&self) -> u64 {
        take!(self, U64)
    }
    fn unwrap_f32(&self) -> f32 {
        take!(self, F32)
    }
    fn unwrap_f64(&self) -> f64 {
        take!(self, F64)
    }
    fn unwrap_char(&self) -> char {
        take!(self, Char)
    }
    fn unwrap_string(&self) -> Cow<'_, str> {
        match self {
            Self::String(text) => text.as_str().into(),
            other => wrong(other),
        }
    }
    fn unwrap_list(&self) -> Box<dyn Iterator<Item = Cow<'_, Self>> + '_> {
        match self {
            Self::Bytes(bytes) => Box::new(bytes.iter().map(|b| Cow::Owned(Self::U8(*b)))),
            Self::List(items) => Box::new(items.iter().map(Cow::Borrowed)),
            other => wrong(other),
        }
    }
    fn unwrap_record(&self) -> Box<dyn Iterator<Item = (Cow<'_, str>, Cow<'_, Self>)> + '_> {
        match self {
            Self::Record(fields) => {
                Box::new(fields.iter().map(|(name, value)| (name.as_str().into(), Cow::Borrowed(value))))
            }
            other => wrong(other),
        }
    }
    fn unwrap_tuple(&self) -> Box<dyn Iterator<Item = Cow<'_, Self>> + '_> {
        match self {
            Self::Tuple(items) => Box::new(items.iter().map(Cow::Borrowed)),
            other => wrong(other),
        }
    }
    fn unwrap_variant(&self) -> (Cow<'_, str>, Option<Cow<'_, Self>>) {
        match self {
            Self::Variant(case, payload) => (case.as_str().into(), payload.as_deref().map(Cow::Borrowed)),
            other => wrong(other),
        }
    }
    fn unwrap_enum(&self) -> Cow<'_, str> {
        match self {
            Self::Enum(case) => case.as_str().into(),
            other => wrong(other),
        }
    }
    fn unwrap_option(&self) -> Option<Cow<'_, Self>> {
        match self {
            Self::Option(payload) => payload.as_deref().map(Cow::Borrowed),
            other => wrong(other),
        }
    }
    fn unwrap_result(&self) -> Result<Option<Cow<'_, Self>>, Option<Cow<'_, Self>>> {
        match self {
            Self::Result(Ok(payload)) => Ok(payload.as_deref().map(Cow::Borrowed)),
            Self::Result(Err(payload)) => Err(payload.as_deref().map(Cow::Borrowed)),
            other => wrong(other),
        }
    }
    fn unwrap_flags(&self) -> Box<dyn Iterator<Item = Cow<'_, str>> + '_> {
        match self {
            Self::Flags(names) => Box::new(names.iter().map(|name| name.as_str().into())),
            other => wrong(other),
        }
    }
}

#[allow(clippy::panic, reason = "the library that unwraps asks for the kind first, and its trait has no error")]
fn wrong<T>(value: &Value) -> T {
    panic!("unwrapped a WAVE value as another kind than it has: {value:?}")
}
