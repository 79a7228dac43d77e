//! Which programs and libraries took part, for the manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The libraries that decide about the bytes of a component.
const LIBRARIES: [&str; 3] = ["wac-graph", "wasmtime-wizer", "wit-component"];

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// The versions, by name.
///
/// # Errors
///
/// When a version cannot be found out.
pub fn versions(lock: &Path, compiler: &str) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(lock).with_context(|| format!("{} cannot be read", lock.display()))?;
    let mut versions =
        libraries(&text).with_context(|| format!("{} does not lock what is used here", lock.display()))?;
    versions.insert("rustc".to_owned(), compiler.to_owned());
    versions.insert("wasm-opt".to_owned(), wasm_opt()?);
    Ok(versions)
}

fn libraries(lock: &str) -> Result<BTreeMap<String, String>> {
    let lock: Lock = toml::from_str(lock)?;
    let mut versions = BTreeMap::new();
    for name in LIBRARIES {
        let found: Vec<_> = lock.package.iter().filter(|p| p.name == name).collect();
        let [package] = found[..] else {
            bail!("{name} is there {} times, not once", found.len());
        };
        versions.insert(name.to_owned(), package.version.clone());
    }
    Ok(versions)
}

fn wasm_opt() -> Result<String> {
    let output = Command::new("wasm-opt")
        .arg("--version")
        .output()
        .context("wasm-opt could not be started; `cargo xtask setup` installs it (Debian package binaryen)")?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.trim().trim_start_matches("wasm-opt version ").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_library_has_one_version() {
        let package = |name| format!("[[package]]\nname = \"{name}\"\nversion = \"1.2.3\"\n");
        let lock: String = LIBRARIES.map(package).concat();
        assert_eq!(libraries(&lock).unwrap()["wac-graph"], "1.2.3");
        let error = libraries(&(lock + &package("wac-graph"))).unwrap_err();
        assert!(error.to_string().contains("2 times"));
    }
}
