//! Asks the linker to keep one copy of functions that are the same: generic code comes out of the compiler many times.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Functions, not data, and only where no address is compared: Rust promises nothing about addresses of functions.
const FOLD: &str = "-Wl,--icf=all";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    // Only released programs are small; and what links for another machine cannot be tried here.
    let native = env::var("HOST")? == env::var("TARGET")?;
    if env::var("PROFILE")? == "release" && native && links(Path::new(&env::var("OUT_DIR")?))? {
        println!("cargo::rustc-link-arg-bins={FOLD}");
    }
    Ok(())
}

/// Whether the linker of this toolchain knows the option: LLVM's, which Rust brings for Linux on x86-64, does; GNU's
/// does not.
fn links(folder: &Path) -> Result<bool, Box<dyn Error>> {
    let source = folder.join("empty.rs");
    fs::write(&source, "fn main() {}")?;
    let mut rustc = Command::new(env::var("RUSTC")?);
    rustc.arg(&source).arg("-o").arg(folder.join("empty")).args(["-C", &format!("link-arg={FOLD}")]);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.args(["-C", &format!("linker={linker}")]);
    }
    rustc.args(env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default().split('\u{1f}').filter(|flag| !flag.is_empty()));
    Ok(rustc.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
}
