//! Whatever the bytes: inspecting them ends with facts or a typed error, and facts can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vox_inspect::{Limits, inspect_served};
use vox_model::{json, schema};

fuzz_target!(|bytes: &[u8]| {
    // Most random bytes are no component: the header is given to those that lack it.
    let headed;
    let bytes = match bytes.first() {
        Some(0) => bytes,
        _ => {
            headed = [&b"\0asm\x0d\0\x01\0"[..], bytes].concat();
            &headed
        }
    };
    let Ok(facts) = inspect_served(bytes, &Limits::default()) else { return };
    for function in &facts.functions {
        assert!(facts.function(&function.id.to_string()).is_ok());
        assert!(facts.function(&facts.display_name(function)).is_ok());
        let schema = schema::arguments(function);
        assert!(json::parse(&schema.to_string()).is_ok() || function.params.iter().any(|p| deep(&p.ty)));
    }
});

/// Whether the schema of a type nests deeper than the reader of JSON goes.
fn deep(ty: &vox_model::Type) -> bool {
    schema::value(ty).to_string().matches('{').count() > 16
}
