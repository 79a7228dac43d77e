//! Random types, and random values of a type.

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use std::sync::Arc;
use vox_model::{Case, Enum, Field, Flag, Flags, Record, Type, TypeName, Value, Variant};

/// Names that are hard: keywords of WAVE, one letter, dashes, digits.
const NAMES: [&str; 12] = ["a", "b2", "max-size", "true", "none", "ok", "err", "some", "inf", "nan", "tag", "x-y-z"];

/// Distinct names, at least one.
fn names(most: usize) -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(NAMES.to_vec(), 1..=most)
        .prop_shuffle()
        .prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

/// The name of a type: distinct types have distinct names, as they have in a component.
fn named(ty: &str, parts: &dyn std::fmt::Debug) -> TypeName {
    let mut hash = std::hash::DefaultHasher::new();
    std::hash::Hash::hash(&format!("{parts:?}"), &mut hash);
    let name = format!("{ty}-{:x}", std::hash::Hasher::finish(&hash));
    TypeName { interface: Some("test:types/all@0.1.0".to_owned()), name }
}

fn flag(name: String) -> Flag {
    Flag { name, docs: String::new() }
}

fn leaf() -> BoxedStrategy<Type> {
    let plain = vec![
        Type::Bool,
        Type::S8,
        Type::S16,
        Type::S32,
        Type::S64,
        Type::U8,
        Type::U16,
        Type::U32,
        Type::U64,
        Type::F32,
        Type::F64,
        Type::Char,
        Type::String,
        Type::List(Arc::new(Type::U8)),
    ];
    prop_oneof![
        6 => proptest::sample::select(plain),
        1 => names(12).prop_map(|names| {
            let name = named("enum", &names);
            Type::Enum(Arc::new(Enum { name, docs: String::new(), cases: names.into_iter().map(flag).collect() }))
        }),
        1 => names(12).prop_map(|names| {
            let name = named("flags", &names);
            Type::Flags(Arc::new(Flags { name, docs: String::new(), flags: names.into_iter().map(flag).collect() }))
        }),
    ]
    .boxed()
}

/// Every type with a form in JSON; without maps every type with a form in WAVE.
pub fn ty(maps: bool) -> BoxedStrategy<Type> {
    leaf().prop_recursive(5, 40, 5, move |inner| grown(&inner, maps)).boxed()
}

fn grown(inner: &BoxedStrategy<Type>, maps: bool) -> BoxedStrategy<Type> {
    let one = || inner.clone().prop_map(Arc::new);
    let side = || proptest::option::of(one());
    let fields = || (names(4), proptest::collection::vec(inner.clone(), 4));
    let cases = (names(5), proptest::collection::vec(proptest::option::of(inner.clone()), 5));
    let key = prop_oneof![Just(Type::String), Just(Type::U32), Just(Type::Char), Just(Type::Bool), Just(Type::S64)];
    prop_oneof![
        2 => one().prop_map(Type::List),
        1 => (one(), 1..4u32).prop_map(|(t, n)| Type::FixedList(t, n)),
        2 => one().prop_map(Type::Option),
        1 => proptest::collection::vec(inner.clone(), 1..4).prop_map(|ts| Type::Tuple(ts.into())),
        1 => (side(), side()).prop_map(|(ok, err)| Type::Result(ok, err)),
        2 => fields().prop_map(record),
        2 => cases.prop_map(variant),
        u32::from(maps) => (key, one()).prop_map(|(k, v)| Type::Map(Arc::new(k), v)),
    ]
    .boxed()
}

fn record((names, types): (Vec<String>, Vec<Type>)) -> Type {
    let fields = names.into_iter().zip(types).map(|(name, ty)| Field { name, ty, docs: String::new() });
    let fields: Vec<Field> = fields.collect();
    Type::Record(Arc::new(Record { name: named("record", &fields), docs: String::new(), fields }))
}

fn variant((names, types): (Vec<String>, Vec<Option<Type>>)) -> Type {
    let cases = names.into_iter().zip(types).map(|(name, ty)| Case { name, ty, docs: String::new() });
    let cases: Vec<Case> = cases.collect();
    Type::Variant(Arc::new(Variant { name: named("variant", &cases), docs: String::new(), cases }))
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        any::<String>(),
        proptest::sample::select(vec!["", "null", "\u{0}", "\"\\", "none", "\u{feff}", "\r\n\t\u{1b}[2J", "日本語😀"])
            .prop_map(str::to_owned),
    ]
    .boxed()
}

fn float64() -> BoxedStrategy<f64> {
    let odd = vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, f64::MAX, 5e-324];
    prop_oneof![any::<f64>(), proptest::sample::select(odd)].boxed()
}

fn float32() -> BoxedStrategy<f32> {
    let odd = vec![0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, f32::MAX, 1e-45, 0.1];
    prop_oneof![any::<f32>(), proptest::sample::select(odd)].boxed()
}

/// A value of this type.
pub fn value(ty: &Type) -> BoxedStrategy<Value> {
    match ty {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::S8 => any::<i8>().prop_map(Value::S8).boxed(),
        Type::S16 => any::<i16>().prop_map(Value::S16).boxed(),
        Type::S32 => any::<i32>().prop_map(Value::S32).boxed(),
        Type::S64 => prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), Just((1 << 53) - 1), Just(1 << 53)]
            .prop_map(Value::S64)
            .boxed(),
        Type::U8 => any::<u8>().prop_map(Value::U8).boxed(),
        Type::U16 => any::<u16>().prop_map(Value::U16).boxed(),
        Type::U32 => any::<u32>().prop_map(Value::U32).boxed(),
        Type::U64 => {
            prop_oneof![any::<u64>(), Just(u64::MAX), Just((1 << 53) - 1), Just(1 << 53)].prop_map(Value::U64).boxed()
        }
        Type::F32 => float32().prop_map(Value::F32).boxed(),
        Type::F64 => float64().prop_map(Value::F64).boxed(),
        Type::Char => any::<char>().prop_map(Value::Char).boxed(),
        Type::String => text().prop_map(Value::String).boxed(),
        _ if ty.is_bytes() => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes).boxed(),
        Type::List(t) => proptest::collection::vec(value(t), 0..4).prop_map(Value::List).boxed(),
        Type::FixedList(t, n) => proptest::collection::vec(value(t), *n as usize).prop_map(Value::List).boxed(),
        Type::Map(k, v) => proptest::collection::vec((value(k), value(v)), 0..4).prop_map(distinct).boxed(),
        Type::Tuple(ts) => ts.iter().map(value).collect::<Vec<_>>().prop_map(Value::Tuple).boxed(),
        Type::Record(r) => {
            let field = |f: &Field| {
                let name = f.name.clone();
                value(&f.ty).prop_map(move |value| (name.clone(), value)).boxed()
            };
            r.fields.iter().map(field).collect::<Vec<_>>().prop_map(Value::Record).boxed()
        }
        Type::Variant(v) => {
            let case = |c: &Case| {
                let name = c.name.clone();
                payload(c.ty.as_ref()).prop_map(move |payload| Value::Variant(name.clone(), payload)).boxed()
            };
            proptest::strategy::Union::new(v.cases.iter().map(case)).boxed()
        }
        Type::Enum(e) => {
            let names: Vec<String> = e.cases.iter().map(|c| c.name.clone()).collect();
            proptest::sample::select(names).prop_map(Value::Enum).boxed()
        }
        Type::Option(t) => proptest::option::of(value(t).prop_map(Box::new)).prop_map(Value::Option).boxed(),
        Type::Result(ok, err) => prop_oneof![
            payload(ok.as_deref()).prop_map(|v| Value::Result(Ok(v))),
            payload(err.as_deref()).prop_map(|v| Value::Result(Err(v))),
        ]
        .boxed(),
        Type::Flags(x) => {
            let names: Vec<String> = x.flags.iter().map(|f| f.name.clone()).collect();
            let count = names.len();
            proptest::sample::subsequence(names, 0..=count).prop_map(Value::Flags).boxed()
        }
        Type::Handle(_) => unreachable!("handles have no values and are not generated"),
    }
}

fn payload(ty: Option<&Type>) -> BoxedStrategy<Option<Box<Value>>> {
    match ty {
        Some(ty) => value(ty).prop_map(|value| Some(Box::new(value))).boxed(),
        None => Just(None).boxed(),
    }
}

/// Leaves out pairs whose key was there before.
fn distinct(pairs: Vec<(Value, Value)>) -> Value {
    let mut kept: Vec<(Value, Value)> = Vec::new();
    for (key, value) in pairs {
        if !kept.iter().any(|(k, _)| *k == key) {
            kept.push((key, value));
        }
    }
    Value::Map(kept)
}

/// A type and a value of it.
pub fn typed(maps: bool) -> BoxedStrategy<(Type, Value)> {
    ty(maps).prop_flat_map(|ty| value(&ty).prop_map(move |value| (ty.clone(), value))).boxed()
}

/// Equal, floats by their bits, every NaN like every other.
pub fn same(a: &Value, b: &Value) -> bool {
    let both = |a: &[Value], b: &[Value]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    let maybe = |a: &Option<Box<Value>>, b: &Option<Box<Value>>| match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    };
    match (a, b) {
        (Value::F32(a), Value::F32(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => both(a, b),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((ka, va), (kb, vb))| same(ka, kb) && same(va, vb))
        }
        (Value::Record(a), Value::Record(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((na, va), (nb, vb))| na == nb && same(va, vb))
        }
        (Value::Variant(ta, a), Value::Variant(tb, b)) => ta == tb && maybe(a, b),
        (Value::Option(a), Value::Option(b)) => maybe(a, b),
        (Value::Result(Ok(a)), Value::Result(Ok(b))) | (Value::Result(Err(a)), Value::Result(Err(b))) => maybe(a, b),
        (a, b) => a == b,
    }
}
