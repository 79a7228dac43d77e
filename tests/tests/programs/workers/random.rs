//! Random types and values go through a worker in Python and come back as they were.

use super::stage::{Stage, function, programs};
use std::sync::Arc;
use std::time::Duration;
use vox_model::{Case, Enum, Field, Flag, Flags, Record, Type, TypeName, Value, Variant};
use vox_tests::luck::Luck;
use vox_tests::need;
use vox_tests::needs::{scale, seed};

/// Names as authors write them, and words of JSON, Python and WAVE.
const NAMES: [&str; 10] = ["a", "b2", "max-size", "true", "none", "ok", "err", "tag", "val", "lambda"];

fn names(luck: &mut Luck, most: usize) -> Vec<String> {
    let mut all: Vec<&str> = NAMES.to_vec();
    let count = 1 + luck.below(most);
    (0..count).map(|_| all.remove(luck.below(all.len())).to_owned()).collect()
}

fn named(name: &str) -> TypeName {
    TypeName { interface: None, name: name.to_owned() }
}

fn flags(names: Vec<String>) -> Vec<Flag> {
    names.into_iter().map(|name| Flag { name, docs: String::new() }).collect()
}

fn some(luck: &mut Luck, depth: usize) -> Option<Type> {
    (luck.below(3) > 0).then(|| ty(luck, depth))
}

/// A type that nests at most so deep.
fn ty(luck: &mut Luck, depth: usize) -> Type {
    let kinds = if depth == 0 { 15 } else { 24 };
    let one = |luck: &mut Luck| Arc::new(ty(luck, depth.saturating_sub(1)));
    let below = depth.saturating_sub(1);
    match luck.below(kinds) {
        0 => Type::Bool,
        1 => Type::S8,
        2 => Type::S16,
        3 => Type::S32,
        4 => Type::S64,
        5 => Type::U8,
        6 => Type::U16,
        7 => Type::U32,
        8 => Type::U64,
        9 => Type::F32,
        10 => Type::F64,
        11 => Type::Char,
        12 => Type::List(Arc::new(Type::U8)),
        13 => Type::Flags(Arc::new(Flags { name: named("f"), docs: String::new(), flags: flags(names(luck, 8)) })),
        14 => match luck.below(2) {
            0 => Type::String,
            _ => Type::Enum(Arc::new(Enum { name: named("e"), docs: String::new(), cases: flags(names(luck, 8)) })),
        },
        15 => Type::List(one(luck)),
        16 => Type::FixedList(one(luck), 1 + luck.below(3) as u32),
        17 | 18 => Type::Option(one(luck)),
        19 => Type::Tuple((0..1 + luck.below(3)).map(|_| ty(luck, below)).collect()),
        20 => {
            let (ok, err) = (some(luck, below), some(luck, below));
            Type::Result(ok.map(Arc::new), err.map(Arc::new))
        }
        21 => Type::Map(Arc::new(Type::String), one(luck)),
        22 => {
            let fields = names(luck, 4).into_iter();
            let fields = fields.map(|name| Field { name, ty: ty(luck, below), docs: String::new() }).collect();
            Type::Record(Arc::new(Record { name: named("r"), docs: String::new(), fields }))
        }
        _ => {
            let cases = names(luck, 4).into_iter();
            let cases = cases.map(|name| Case { name, ty: some(luck, below), docs: String::new() }).collect();
            Type::Variant(Arc::new(Variant { name: named("v"), docs: String::new(), cases }))
        }
    }
}

fn character(luck: &mut Luck) -> char {
    let odd = ['\0', '"', '\\', '\n', '\u{1b}', '\u{7f}', 'é', '日', '😀', '\u{feff}', '\u{2028}', '\u{fffd}'];
    match luck.below(2) {
        0 => *luck.pick(&odd),
        _ => char::from(b' ' + luck.below(95) as u8),
    }
}

fn text(luck: &mut Luck) -> String {
    (0..luck.below(12)).map(|_| character(luck)).collect()
}

/// A value of a type.
fn value(luck: &mut Luck, ty: &Type) -> Value {
    let boxed = |luck: &mut Luck, ty: &Option<Arc<Type>>| ty.as_ref().map(|ty| Box::new(value(luck, ty)));
    match ty {
        Type::Bool => Value::Bool(luck.below(2) == 0),
        Type::S8 => Value::S8(luck.number() as i8),
        Type::S16 => Value::S16(luck.number() as i16),
        Type::S32 => Value::S32(luck.number() as i32),
        Type::S64 => Value::S64(luck.number() as i64 >> luck.below(64)),
        Type::U8 => Value::U8(luck.number() as u8),
        Type::U16 => Value::U16(luck.number() as u16),
        Type::U32 => Value::U32(luck.number() as u32),
        Type::U64 => Value::U64(luck.number() >> luck.below(64)),
        // Bits: NaN, infinities and subnormal numbers are among them.
        Type::F32 => Value::F32(*luck.pick(&[f32::NAN, f32::INFINITY, -0.0, f32::from_bits(0x0080_0001), 0.1])),
        Type::F64 => match luck.below(3) {
            0 => Value::F64(*luck.pick(&[f64::NAN, f64::NEG_INFINITY, -0.0, 5e-324, f64::MAX])),
            _ => Value::F64(f64::from_bits(luck.number())),
        },
        Type::Char => Value::Char(character(luck)),
        Type::String => Value::String(text(luck)),
        Type::List(t) if **t == Type::U8 => {
            let count = luck.below(20);
            Value::Bytes(luck.bytes(count))
        }
        Type::List(t) => Value::List((0..luck.below(4)).map(|_| value(luck, t)).collect()),
        Type::FixedList(t, n) => Value::List((0..*n).map(|_| value(luck, t)).collect()),
        Type::Tuple(ts) => Value::Tuple(ts.iter().map(|t| value(luck, t)).collect()),
        Type::Option(t) => Value::Option((luck.below(3) > 0).then(|| Box::new(value(luck, t)))),
        Type::Result(ok, err) => Value::Result(match luck.below(2) {
            0 => Ok(boxed(luck, ok)),
            _ => Err(boxed(luck, err)),
        }),
        Type::Record(r) => Value::Record(r.fields.iter().map(|f| (f.name.clone(), value(luck, &f.ty))).collect()),
        Type::Variant(v) => {
            let case = luck.pick(&v.cases).clone();
            Value::Variant(case.name, case.ty.map(|ty| Box::new(value(luck, &ty))))
        }
        Type::Enum(e) => Value::Enum(luck.pick(&e.cases).name.clone()),
        Type::Flags(f) => {
            let set = f.flags.iter().filter(|_| luck.below(2) == 0).map(|flag| flag.name.clone());
            Value::Flags(set.collect())
        }
        Type::Map(_, t) => {
            let keys = names(luck, 4).into_iter().map(Value::String);
            Value::Map(keys.map(|key| (key, value(luck, t))).collect())
        }
        Type::Handle(_) => unreachable!("no such type is made here"),
    }
}

/// Values alike: NaN is NaN.
fn alike(one: &Value, other: &Value) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

/// Gives back what it gets, in a tuple, so that a `result` is a value as any other.
const ECHO: &str = "from vox_worker import *\nserve({'echo': lambda *values: list(values)})\n";

fn come_back(by: &str, count: u64) {
    let state = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let programs = need!(by, programs(by, state.path()));
    let seed = seed();
    let mut luck = Luck::of(seed);
    let mut stage = Stage::new(&programs, ECHO, Duration::from_secs(60 + count / 50));
    for round in 0..count {
        let types: Vec<Type> = (0..1 + luck.below(3)).map(|_| ty(&mut luck, 4)).collect();
        let params = NAMES.iter().copied().zip(types.clone()).collect();
        let echo = function("echo", params, Some(Type::Tuple(types.clone().into())));
        let values: Vec<Value> = types.iter().map(|ty| value(&mut luck, ty)).collect();
        let answered = stage.call(&echo, values.clone());
        let sent = Value::Tuple(values);
        let back = match answered {
            Ok(Some(back)) => back,
            other => panic!("VOX_TEST_SEED={seed}, round {round}: {echo}: {sent:?}: {other:?}"),
        };
        assert!(alike(&back, &sent), "VOX_TEST_SEED={seed}, round {round}: {echo}\nsent: {sent:?}\nback: {back:?}");
    }
    stage.finish();
    let effects = stage.book.all();
    assert_eq!(effects.iter().filter(|effect| effect.action == "call").count() as u64, count, "{by}");
    assert_eq!(effects.iter().filter(|effect| effect.action == "run").count(), 1, "{by}: one program for all calls");
}

#[test]
fn random_values_come_back_from_a_process() {
    come_back("local", 500 * scale());
}

#[test]
fn random_values_come_back_from_a_container() {
    come_back("podman", 100 * scale());
    come_back("docker", 100 * scale());
}
