//! Asks the linker for a small program: one copy of functions that are the same, because generic code comes out of the
//! compiler many times, and a short form for the half megabyte of addresses that are adjusted at the start.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What the linker of LLVM knows, which Rust brings for Linux on x86-64. Each is asked for where it works.
const OPTIONS: [&str; 2] = [
    // Functions, not data, and only where no address is compared: Rust promises nothing about addresses of functions.
    "-Wl,--icf=all",
    // Read by glibc since 2.36; an older one says so and refuses to start the program.
    "-Wl,-z,pack-relative-relocs",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    // Only released programs are small; and what is built for another machine cannot be tried here.
    if env::var("PROFILE")? != "release" || env::var("HOST")? != env::var("TARGET")? {
        return Ok(());
    }
    let folder = env::var("OUT_DIR")?;
    for option in OPTIONS {
        if works(Path::new(&folder), option)? {
            println!("cargo::rustc-link-arg-bins={option}");
        }
    }
    Ok(())
}

/// Whether a program that was linked with an option starts.
fn works(folder: &Path, option: &str) -> Result<bool, Box<dyn Error>> {
    let (source, program) = (folder.join("empty.rs"), folder.join("empty"));
    fs::write(&source, "fn main() {}")?;
    let mut rustc = Command::new(env::var("RUSTC")?);
    rustc.arg(&source).arg("-o").arg(&program).args(["-C", &format!("link-arg={option}")]);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.args(["-C", &format!("linker={linker}")]);
    }
    rustc.args(env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default().split('\u{1f}').filter(|flag| !flag.is_empty()));
    Ok(succeeds(&mut rustc)? && succeeds(&mut Command::new(&program))?)
}

fn succeeds(command: &mut Command) -> Result<bool, Box<dyn Error>> {
    Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
}
