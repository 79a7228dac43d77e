//! Tells the crate which engine it is built with, since the version is part of every cache key, and assembles the
//! guests of the self-check.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a build that cannot go on stops")]

fn main() {
    engine_version();
    guests();
}

/// Assembles `src/doctor/guests/*.wat`, so that the product needs no reader for text.
fn guests() {
    let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    println!("cargo::rerun-if-changed=src/doctor/guests");
    for name in ["answer", "spin", "grow", "canary", "wait"] {
        let bytes = wat::parse_file(format!("src/doctor/guests/{name}.wat"));
        let bytes = bytes.unwrap_or_else(|error| panic!("{error}"));
        std::fs::write(out.join(format!("{name}.wasm")), bytes).expect("OUT_DIR can be written");
    }
}

fn engine_version() {
    println!("cargo::rerun-if-changed=../../Cargo.lock");
    let lock = std::fs::read_to_string("../../Cargo.lock").unwrap_or_default();
    let version = lock
        .split("[[package]]")
        .find(|package| package.contains("\nname = \"wasmtime\"\n"))
        .and_then(|package| package.split("version = \"").nth(1)?.split('"').next())
        .unwrap_or("unknown");
    let patch = version.strip_prefix("48.0.").and_then(|patch| patch.parse::<u32>().ok());
    // 48.0.3 to 48.0.8 fixed 36 advisories: an older patch level is not built (docs/adr/0002-engine.md).
    if patch.is_none_or(|patch| patch < 8) && version != "unknown" {
        println!("cargo::error=wasmtime {version} is outside >=48.0.8, <49: run `cargo update -p wasmtime`");
    }
    println!("cargo::rustc-env=VOX_ENGINE_VERSION={version}");
}
