//! Gives back every WIT type as it came.

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "types" });
}

use bindings::exports::test::types::identity::{self, Color, Many, Permission, Person, Point, Shape, Tree};
use bindings::exports::test::types::other;

struct Types;

macro_rules! same {
    ($($name:ident: $ty:ty,)*) => {
        $(fn $name(v: $ty) -> $ty { v })*
    };
}

impl identity::Guest for Types {
    same! {
        echo_bool: bool,
        echo_s8: i8,
        echo_s16: i16,
        echo_s32: i32,
        echo_s64: i64,
        echo_u8: u8,
        echo_u16: u16,
        echo_u32: u32,
        echo_u64: u64,
        echo_f32: f32,
        echo_f64: f64,
        echo_char: char,
        echo_string: String,
        echo_bytes: Vec<u8>,
        echo_list: Vec<u64>,
        echo_lists: Vec<Vec<String>>,
        echo_blobs: Vec<Vec<u8>>,
        echo_tuple: (u8, String, f32),
        echo_color: Color,
        echo_permission: Permission,
        echo_many: Many,
        echo_point: Point,
        echo_person: Person,
        echo_people: Vec<Person>,
        echo_shape: Shape,
        echo_tree: Tree,
        echo_option: Option<String>,
        echo_option_option: Option<Option<u32>>,
        echo_option_option_option: Option<Option<Option<bool>>>,
        echo_result: Result<u32, String>,
        echo_result_ok: Result<u32, ()>,
        echo_result_err: Result<(), String>,
        echo_result_none: Result<(), ()>,
        echo_nested_result: Vec<Result<Option<Point>, Shape>>,
    }

    fn join(first: String, second: Option<String>, times: Option<u8>) -> String {
        let one = format!("{first}{}", second.unwrap_or_default());
        one.repeat(times.unwrap_or(1).into())
    }

    fn nothing() {}
}

impl other::Guest for Types {
    same! {
        echo_bool: bool,
    }

    fn nothing() {}
}

impl bindings::Guest for Types {
    fn add(a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }
}

bindings::export!(Types with_types_in bindings);
