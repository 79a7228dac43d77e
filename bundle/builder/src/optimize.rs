//! Optimisation of a core module by `wasm-opt`.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The features that Rust's compiler uses. Named one by one: with all of them on, wasm-opt makes use of ones
/// that vox keeps off.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// What to do, and what nobody reads at run time.
const PASSES: [&str; 4] = ["-O3", "--strip-debug", "--strip-producers", "--strip-target-features"];

/// Runs `wasm-opt` on a module.
///
/// # Errors
///
/// When the program is not on PATH or refuses the module.
pub fn run(module: &[u8]) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().context("no folder for temporary files")?;
    let (input, output) = (folder.path().join("in.wasm"), folder.path().join("out.wasm"));
    fs::write(&input, module).with_context(|| format!("{} cannot be written", input.display()))?;

    let mut command = Command::new("wasm-opt");
    command.args(PASSES).args(FEATURES);
    command.arg(&input).arg("--output").arg(&output);
    let result = command
        .output()
        .context("wasm-opt could not be started; `cargo xtask setup` installs it (Debian package binaryen)")?;
    if !result.status.success() {
        bail!("wasm-opt failed: {}\n{}", result.status, String::from_utf8_lossy(&result.stderr));
    }
    fs::read(&output).with_context(|| format!("{} cannot be read", output.display()))
}
