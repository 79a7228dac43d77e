//! Compiles the agent: a freestanding program that the library embeds.
//!
//! Cargo cannot build one program of a workspace without the standard library and with other linker flags, so the compiler is
//! called here. It needs nothing that building Rust programs does not need.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a build that cannot go on stops")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Where the agent exists. Elsewhere an empty file is embedded, and sessions are refused.
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"];

fn main() {
    println!("cargo::rerun-if-changed=agent");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("agent");
    let target = env::var("TARGET").expect("cargo sets TARGET");
    if TARGETS.contains(&target.as_str()) {
        compile(&target, &out);
    } else {
        fs::write(&out, []).expect("the output folder can be written");
    }
}

fn compile(target: &str, out: &Path) {
    let mut rustc = Command::new(env::var_os("RUSTC").expect("cargo sets RUSTC"));
    rustc
        .args(["--edition=2024", "--crate-name=vox_agent", "--crate-type=bin", "--target", target])
        .args(["-Copt-level=s", "-Cpanic=abort", "-Clto=fat", "-Ccodegen-units=1", "-Cstrip=symbols"])
        .args(["-Crelocation-model=static", "-Ctarget-feature=+crt-static", "-Cforce-unwind-tables=no"])
        .args(["-Clink-args=-nostartfiles -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack"])
        .args(["-Dwarnings", "agent/main.rs", "-o"])
        .arg(out);
    let done = rustc.output().expect("the compiler that compiled this starts");
    assert!(
        done.status.success(),
        "the agent of the containers does not compile: {rustc:?}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
}
