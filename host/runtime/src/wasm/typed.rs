//! The fast path: functions over text and bytes, called through static types.
//!
//! The engine's dynamic values spend 40 bytes and a loop turn on every byte of a `list<u8>`; static types copy it
//! in one piece. The shapes here are those of tools that turn data into data; everything else goes through
//! [`super::convert`], where strings are still moved whole.

use super::bytes::Bytes;
use vox_model::{Function, Type, Value};
use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, ComponentType, Func, Lift, Lower, TypedFunc};

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
    Nothing,
    Text,
    Bytes,
    Bool,
    TextOrText,
    BytesOrText,
    Stage,
}

/// Whether the type of a function was checked by an earlier call through the same shape.
#[derive(Clone, Copy)]
pub(crate) struct Checked(bool);

impl Checked {
    /// It was not.
    pub(crate) fn no() -> Self {
        Self(false)
    }

    /// It was.
    ///
    /// # Safety
    /// The same function has been called through the same shape.
    pub(crate) unsafe fn before() -> Self {
        Self(true)
    }

    fn typed<P, R, S: 'static>(self, func: Func, store: &Store<S>) -> wasmtime::Result<TypedFunc<P, R>>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        match self.0 {
            // SAFETY: the constructor's promise: `typed` below has agreed to these very types.
            true => Ok(unsafe { TypedFunc::new_unchecked(func) }),
            false => func.typed(store),
        }
    }
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
        let Some(result) = &function.result else { return Some(Self { params, returns: Returns::Nothing }) };
        let returns = match result {
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

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Value::Bytes(bytes.0)
    }
}

fn side<T: Into<Value>>(result: Result<T, String>) -> Value {
    Value::Result(match result {
        Ok(ok) => Ok(Some(Box::new(ok.into()))),
        Err(err) => Err(Some(Box::new(err.into()))),
    })
}

fn stage(result: Result<Bytes, StageError>) -> Value {
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
            (func, checked): (Func, Checked),
            shape: Shape,
            args: &[Value],
            into: &mut Option<Value>,
        ) -> Option<wasmtime::Result<()>> {
            use Value::{Bytes as B, String as T};
            let to = (shape.returns, into);
            let func = (func, checked);
            Some(match (shape.params, args) {
                (Params::None, []) => $returns(store, func, (), to) $($await)*,
                (Params::T, [T(a)]) => $returns(store, func, (&a[..],), to) $($await)*,
                (Params::B, [B(a)]) => $returns(store, func, (&a[..],), to) $($await)*,
                (Params::Tt, [T(a), T(b)]) => $returns(store, func, (&a[..], &b[..]), to) $($await)*,
                (Params::Tb, [T(a), B(b)]) => $returns(store, func, (&a[..], &b[..]), to) $($await)*,
                (Params::Bt, [B(a), T(b)]) => $returns(store, func, (&a[..], &b[..]), to) $($await)*,
                (Params::Bb, [B(a), B(b)]) => $returns(store, func, (&a[..], &b[..]), to) $($await)*,
                (Params::Ttt, [T(a), T(b), T(c)]) => {
                    $returns(store, func, (&a[..], &b[..], &c[..]), to) $($await)*
                }
                (Params::Stage, [B(input), Value::List(list)]) => {
                    $returns(store, func, (&input[..], &settings(list)?[..]), to) $($await)*
                }
                _ => return None,
            })
        }

        $($async)? fn $returns<S: $send, P>(
            store: &mut Store<S>,
            (func, checked): (Func, Checked),
            params: P,
            (returns, into): (Returns, &mut Option<Value>),
        ) -> wasmtime::Result<()>
        where
            P: ComponentNamedList + Lower + Send + Sync,
        {
            match returns {
                Returns::Nothing => {
                    checked.typed::<P, (), S>(func, store)?.$call(store, params) $($await)* ?;
                }
                Returns::Text => {
                    let text = checked.typed::<P, (String,), S>(func, store)?.$call(store, params) $($await)* ?.0;
                    *into = Some(Value::String(text));
                }
                Returns::Bytes => {
                    let bytes = checked.typed::<P, (Bytes,), S>(func, store)?.$call(store, params) $($await)* ?.0;
                    *into = Some(Value::Bytes(bytes.0));
                }
                Returns::Bool => {
                    let is = checked.typed::<P, (bool,), S>(func, store)?.$call(store, params) $($await)* ?.0;
                    *into = Some(Value::Bool(is));
                }
                Returns::TextOrText => {
                    let func = checked.typed::<P, (Result<String, String>,), S>(func, store)?;
                    *into = Some(side(func.$call(store, params) $($await)* ?.0));
                }
                Returns::BytesOrText => {
                    let func = checked.typed::<P, (Result<Bytes, String>,), S>(func, store)?;
                    *into = Some(side(func.$call(store, params) $($await)* ?.0));
                }
                Returns::Stage => {
                    let func = checked.typed::<P, (Result<Bytes, StageError>,), S>(func, store)?;
                    *into = Some(stage(func.$call(store, params) $($await)* ?.0));
                }
            }
            Ok(())
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
    /// Calls a function of this shape; none when the arguments are of another shape. The value is made where it is
    /// wanted: moved from hand to hand, it is stored in one width and loaded in another, and the processor waits.
    call, returns, call, [], [], Any
}
entry! {
    /// The same on a fiber of its own, for sandboxes with asynchronous host functions.
    call_async, returns_async, call_async, [async], [.await], Sendable
}
