//! Asks the linker for a program that is small and starts quickly. Each wish is granted where it is seen to work, and
//! the program is the same without.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the linker of LLVM knows, which Rust brings for Linux on x86-64.
const OPTIONS: [&str; 2] = [
    // One copy of functions that are the same, because generic code comes out of the compiler many times. Functions,
    // not data, and only where no address is compared: Rust promises nothing about addresses of functions.
    "-Wl,--icf=all",
    // A short form for the half megabyte of addresses that are adjusted at the start. Read by glibc since 2.36; an
    // older one says so and refuses to start the program.
    "-Wl,-z,pack-relative-relocs",
];

/// What unwinds panics, as a part of the program. As a library it is looked for, mapped and set up in every command,
/// which took 0.1 ms of 4.
const UNWINDER: &str = "libgcc_eh.a";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    // Only released programs are small; and what is built for another machine cannot be tried here.
    if env::var("PROFILE")? != "release" || env::var("HOST")? != env::var("TARGET")? {
        return Ok(());
    }
    let folder = env::var("OUT_DIR")?;
    for option in OPTIONS {
        if works(Path::new(&folder), &["-C", &format!("link-arg={option}")])? {
            println!("cargo::rustc-link-arg-bins={option}");
        }
    }
    // Found here, it is not looked for in the library that the standard library names after it.
    if let Some(place) = unwinder()
        && works(Path::new(&folder), &["-L", &place, "-l", &format!("static:+verbatim={UNWINDER}")])?
    {
        println!("cargo::rustc-link-search=native={place}");
        println!("cargo::rustc-link-lib=static:+verbatim={UNWINDER}");
    }
    Ok(())
}

/// The folder of the unwinder, as the C compiler has it.
fn unwinder() -> Option<String> {
    let asked = Command::new("cc").arg(format!("-print-file-name={UNWINDER}")).output().ok()?;
    let path = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim());
    // Where it has none, it says the bare name back.
    path.parent().filter(|folder| folder.is_absolute()).and_then(|folder| folder.to_str().map(str::to_owned))
}

/// Whether a program that was linked like this starts, and catches a panic.
fn works(folder: &Path, wish: &[&str]) -> Result<bool, Box<dyn Error>> {
    const PROGRAM: &str = "fn main() { assert!(std::panic::catch_unwind(|| panic!()).is_err()) }";
    let (source, program) = (folder.join("panics.rs"), folder.join("panics"));
    fs::write(&source, PROGRAM)?;
    let mut rustc = Command::new(env::var("RUSTC")?);
    rustc.arg(&source).arg("-o").arg(&program).args(wish);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.args(["-C", &format!("linker={linker}")]);
    }
    rustc.args(env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default().split('\u{1f}').filter(|flag| !flag.is_empty()));
    Ok(succeeds(&mut rustc)? && succeeds(&mut Command::new(&program))?)
}

fn succeeds(command: &mut Command) -> Result<bool, Box<dyn Error>> {
    Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
}
