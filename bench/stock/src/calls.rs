//! The functions that are called, through static types and through dynamic values.

use crate::embed::State;
use anyhow::{Context as _, Result, bail};
use std::str::FromStr;
use wasmtime::Store;
use wasmtime::component::{ComponentType, Func, Lift, TypedFunc, Val};

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Escape,
    Query,
    Echo,
    Nop,
}

impl FromStr for Kind {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "Escape" => Ok(Self::Escape),
            "Query" => Ok(Self::Query),
            "Echo" => Ok(Self::Echo),
            "Nop" => Ok(Self::Nop),
            _ => bail!("unknown kind {text}"),
        }
    }
}

impl Kind {
    /// The interface, where the function is in one, and the function.
    pub fn names(self) -> (Option<&'static str>, &'static str) {
        match self {
            Self::Escape => (Some("vox:bundle/regex@0.1.0"), "escape"),
            Self::Query => (Some("vox:bundle/json@0.1.0"), "query"),
            Self::Echo => (None, "echo"),
            Self::Nop => (None, "nop"),
        }
    }
}

/// Mirrors of the types in `wit/bundle/json.wit`.
#[derive(ComponentType, Lift, Debug)]
#[component(record)]
#[allow(dead_code, reason = "read only when it is printed")]
pub struct Position {
    offset: u32,
    line: u32,
    column: u32,
}

#[derive(ComponentType, Lift, Debug)]
#[component(record)]
#[allow(dead_code, reason = "read only when it is printed")]
pub struct Complaint {
    at: Option<Position>,
    message: String,
}

#[derive(ComponentType, Lift, Debug)]
#[component(variant)]
#[allow(dead_code, reason = "read only when it is printed")]
pub enum JsonError {
    #[component(name = "invalid-document")]
    InvalidDocument(Complaint),
    #[component(name = "invalid-filter")]
    InvalidFilter(Complaint),
    #[component(name = "failed")]
    Failed(String),
    #[component(name = "invalid-schema")]
    InvalidSchema(Complaint),
    #[component(name = "invalid-patch")]
    InvalidPatch(Complaint),
    #[component(name = "patch-conflict")]
    PatchConflict(String),
}

/// A function with its type checked.
pub enum Typed {
    Escape(TypedFunc<(&'static str,), (String,)>),
    Query(TypedFunc<(&'static str, &'static str), (Result<String, JsonError>,)>),
    Echo(TypedFunc<(&'static [u8],), (Vec<u8>,)>),
    Nop(TypedFunc<(), ()>),
    Val(Func),
}

/// The arguments, which live as long as the process.
#[derive(Clone, Copy)]
pub struct Args {
    pub bytes: &'static [&'static [u8]],
    pub texts: &'static [&'static str],
}

impl Args {
    /// Keeps them for good.
    pub fn new(args: Vec<Vec<u8>>) -> Self {
        let bytes: Vec<&'static [u8]> = args.into_iter().map(|arg| &*arg.leak()).collect();
        let texts: Vec<&'static str> = bytes.iter().map(|arg| std::str::from_utf8(arg).unwrap_or("")).collect();
        Self { bytes: bytes.leak(), texts: texts.leak() }
    }
}

impl Typed {
    /// Checks the type of a function.
    pub fn of(store: &Store<State>, func: Func, kind: Kind, dynamic: bool) -> Result<Self> {
        Ok(match kind {
            _ if dynamic => Self::Val(func),
            Kind::Escape => Self::Escape(func.typed(store)?),
            Kind::Query => Self::Query(func.typed(store)?),
            Kind::Echo => Self::Echo(func.typed(store)?),
            Kind::Nop => Self::Nop(func.typed(store)?),
        })
    }

    /// Calls it.
    pub fn call(&self, store: &mut Store<State>, args: Args) -> Result<Vec<u8>> {
        match self {
            Self::Escape(func) => Ok(func.call(store, (args.texts[0],))?.0.into_bytes()),
            Self::Query(func) => match func.call(store, (args.texts[0], args.texts[1]))?.0 {
                Ok(text) => Ok(text.into_bytes()),
                Err(error) => bail!("{error:?}"),
            },
            Self::Echo(func) => Ok(func.call(store, (args.bytes[0],))?.0),
            Self::Nop(func) => func.call(store, ()).map(|()| Vec::new()).map_err(Into::into),
            Self::Val(func) => dynamic(store, *func, args),
        }
    }
}

/// A call of the echo through dynamic values: one for each byte.
fn dynamic(store: &mut Store<State>, func: Func, args: Args) -> Result<Vec<u8>> {
    let input = Val::List(args.bytes[0].iter().map(|byte| Val::U8(*byte)).collect());
    let mut results = [Val::Bool(false)];
    func.call(store, &[input], &mut results)?;
    let [Val::List(list)] = &results else { bail!("the echo is no list") };
    let byte = |val: &Val| match val {
        Val::U8(byte) => Some(*byte),
        _ => None,
    };
    list.iter().map(byte).collect::<Option<_>>().context("the echo is no list of bytes")
}
