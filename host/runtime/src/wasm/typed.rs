//! The fast path: functions over text and bytes, called through static types.
//!
//! The engine's dynamic values spend 40 bytes and a loop turn on every byte of a `list<u8>`; static types copy it
//! in one piece. The shapes here are those of tools that turn data into data; everything else goes through
//! [`super::convert`], where strings are still moved whole.

use vox_model::{Function, Type, Value};
use wasmtime::Store;
use wasmtime::component::{ComponentType, Func, Lift, Lower};

/// `vox:skill/transform`, whose signature is fixed.
const STAGE: &str = "vox:skill/transform@0.1.";

/// A signature of the fast path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    params: Params,
    returns: Returns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Params {
    None,
    T,
    B,
    Tt,
    Tb,
    Bt,
    Bb,
    Ttt,
    Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Returns {
    Text,
    Bytes,
    Bool,
    TextOrText,
    BytesOrText,
    Stage,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Setting {
    name: String,
    value: String,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
enum StageError {
    #[component(name = "bad-input")]
    BadInput(String),
    #[component(name = "bad-setting")]
    BadSetting(String),
    #[component(name = "failed")]
    Failed(String),
}

impl Shape {
    /// The shape of a function, if the fast path has it.
    pub(crate) fn of(function: &Function) -> Option<Self> {
        let stage = function.id.interface.as_deref().is_some_and(|i| i.starts_with(STAGE));
        if stage && function.id.name == "run" && is_stage(function) {
            return Some(Self { params: Params::Stage, returns: Returns::Stage });
        }
        let atom = |ty: &Type| match ty {
            Type::String => Some('t'),
            ty if ty.is_bytes() => Some('b'),
            _ => None,
        };
        let atoms: Option<String> = function.params.iter().map(|p| atom(&p.ty)).collect();
        let params = match atoms?.as_str() {
            "" => Params::None,
            "t" => Params::T,
            "b" => Params::B,
            "tt" => Params::Tt,
            "tb" => Params::Tb,
            "bt" => Params::Bt,
            "bb" => Params::Bb,
            "ttt" => Params::Ttt,
            _ => return None,
        };
        let returns = match function.result.as_ref()? {
            Type::Bool => Returns::Bool,
            Type::Result(Some(ok), Some(err)) if **err == Type::String => match atom(ok)? {
                't' => Returns::TextOrText,
                _ => Returns::BytesOrText,
            },
            ty => match atom(ty)? {
                't' => Returns::Text,
                _ => Returns::Bytes,
            },
        };
        Some(Self { params, returns })
    }
}

/// The interface name is only a claim: the types have to be those of the stage.
fn is_stage(function: &Function) -> bool {
    let [input, settings] = &function.params[..] else { return false };
    let setting = match &settings.ty {
        Type::List(t) => matches!(&**t, Type::Record(r)
            if r.fields.iter().map(|f| (f.name.as_str(), &f.ty)).eq([("name", &Type::String), ("value", &Type::String)])),
        _ => false,
    };
    let cases = ["bad-input", "bad-setting", "failed"];
    let result = match &function.result {
        Some(Type::Result(Some(ok), Some(err))) => {
            ok.is_bytes()
                && matches!(&**err, Type::Variant(v)
            if v.cases.iter().map(|c| c.name.as_str()).eq(cases) && v.cases.iter().all(|c| c.ty == Some(Type::String)))
        }
        _ => false,
    };
    input.ty.is_bytes() && setting && result
}

fn settings(values: &[Value]) -> Option<Vec<Setting>> {
    let setting = |value: &Value| match value {
        Value::Record(fields) => match &fields[..] {
            [(_, Value::String(name)), (_, Value::String(value))] => {
                Some(Setting { name: name.clone(), value: value.clone() })
            }
            _ => None,
        },
        _ => None,
    };
    values.iter().map(setting).collect()
}

fn side<T: Into<Value>>(result: Result<T, String>) -> Value {
    Value::Result(match result {
        Ok(ok) => Ok(Some(Box::new(ok.into()))),
        Err(err) => Err(Some(Box::new(err.into()))),
    })
}

fn stage(result: Result<Vec<u8>, StageError>) -> Value {
    let (case, text) = match result {
        Ok(bytes) => return Value::Result(Ok(Some(Box::new(bytes.into())))),
        Err(StageError::BadInput(text)) => ("bad-input", text),
        Err(StageError::BadSetting(text)) => ("bad-setting", text),
        Err(StageError::Failed(text)) => ("failed", text),
    };
    let error = Value::Variant(case.to_owned(), Some(Box::new(text.into())));
    Value::Result(Err(Some(Box::new(error))))
}

/// Writes the one dispatch twice, for plain and for asynchronous entry: `TypedFunc` has two call methods that
/// differ in nothing else.
macro_rules! entry {
    ($(#[$doc:meta])* $name:ident, $returns:ident, $call:ident, [$($async:tt)?], [$($await:tt)*], $send:path) => {
        $(#[$doc])*
        pub(crate) $($async)? fn $name<S: $send>(
            store: &mut Store<S>,
            func: Func,
            shape: Shape,
            args: &[Value],
        ) -> Option<wasmtime::Result<Value>> {
            use Value::{Bytes as B, String as T};
            let r = shape.returns;
            Some(match (shape.params, args) {
                (Params::None, []) => $returns(store, func, r, ()) $($await)*,
                (Params::T, [T(a)]) => $returns(store, func, r, (&a[..],)) $($await)*,
                (Params::B, [B(a)]) => $returns(store, func, r, (&a[..],)) $($await)*,
                (Params::Tt, [T(a), T(b)]) => $returns(store, func, r, (&a[..], &b[..])) $($await)*,
                (Params::Tb, [T(a), B(b)]) => $returns(store, func, r, (&a[..], &b[..])) $($await)*,
                (Params::Bt, [B(a), T(b)]) => $returns(store, func, r, (&a[..], &b[..])) $($await)*,
                (Params::Bb, [B(a), B(b)]) => $returns(store, func, r, (&a[..], &b[..])) $($await)*,
                (Params::Ttt, [T(a), T(b), T(c)]) => {
                    $returns(store, func, r, (&a[..], &b[..], &c[..])) $($await)*
                }
                (Params::Stage, [B(input), Value::List(list)]) => {
                    $returns(store, func, r, (&input[..], &settings(list)?[..])) $($await)*
                }
                _ => return None,
            })
        }

        $($async)? fn $returns<S: $send, P>(
            store: &mut Store<S>,
            func: Func,
            returns: Returns,
            params: P,
        ) -> wasmtime::Result<Value>
        where
            P: wasmtime::component::ComponentNamedList + Lower + Send + Sync,
        {
            Ok(match returns {
                Returns::Text => {
                    func.typed::<P, (String,)>(&*store)?.$call(store, params) $($await)* ?.0.into()
                }
                Returns::Bytes => {
                    func.typed::<P, (Vec<u8>,)>(&*store)?.$call(store, params) $($await)* ?.0.into()
                }
                Returns::Bool => {
                    Value::Bool(func.typed::<P, (bool,)>(&*store)?.$call(store, params) $($await)* ?.0)
                }
                Returns::TextOrText => {
                    let func = func.typed::<P, (Result<String, String>,)>(&*store)?;
                    side(func.$call(store, params) $($await)* ?.0)
                }
                Returns::BytesOrText => {
                    let func = func.typed::<P, (Result<Vec<u8>, String>,)>(&*store)?;
                    side(func.$call(store, params) $($await)* ?.0)
                }
                Returns::Stage => {
                    let func = func.typed::<P, (Result<Vec<u8>, StageError>,)>(&*store)?;
                    stage(func.$call(store, params) $($await)* ?.0)
                }
            })
        }
    };
}

/// Anything at all, as a bound.
pub(crate) trait Any: 'static {}
impl<T: 'static> Any for T {}

/// What asynchronous entry asks of the store's data.
pub(crate) trait Sendable: Send + 'static {}
impl<T: Send + 'static> Sendable for T {}

entry! {
    /// Calls a function of this shape; none when the arguments are of another shape.
    call, returns, call, [], [], Any
}
entry! {
    /// The same on a fiber of its own, for sandboxes with asynchronous host functions.
    call_async, returns_async, call_async, [async], [.await], Sendable
}
