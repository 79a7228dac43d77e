//! The digest of everything that the bundle is made from: it ties the checked-in artefacts to their sources.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::repo::Repo;

/// What decides about the bytes of the bundle, as paths from the root.
const BUNDLE: [&str; 3] = ["components", "wit/bundle", "bundle/recipe.toml"];

/// What decides about how the bundle is made.
const BUILDER: [&str; 4] = ["bundle/Cargo.toml", "bundle/builder", "bundle/src", "Cargo.lock"];

/// The digest of the sources of the bundle, as hexadecimal text.
///
/// # Errors
///
/// When a source is missing or cannot be read.
pub fn of_bundle(repo: &Repo) -> Result<String> {
    digest(&repo.root, &BUNDLE)
}

/// The digest of the program that builds the bundle, as hexadecimal text.
///
/// # Errors
///
/// When a source is missing or cannot be read.
pub fn of_builder(repo: &Repo) -> Result<String> {
    digest(&repo.root, &BUILDER)
}

/// Hashes path and content of every file, sorted by path.
fn digest(root: &Path, starts: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    for start in starts {
        let start = root.join(start);
        if !start.exists() {
            bail!("{} is missing", start.display());
        }
        collect(&start, &mut files)?;
    }
    let mut named = Vec::new();
    for file in files {
        let inside = file.strip_prefix(root).unwrap_or(&file);
        let Some(name) = inside.to_str() else {
            bail!("{} has a name that is not text", file.display());
        };
        named.push((name.replace('\\', "/"), file));
    }
    named.sort();

    let mut hash = Sha256::new();
    for (name, file) in named {
        let content = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        // Lengths keep a path from running into its content.
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(content);
    }
    Ok(hex::encode(hash.finalize()))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    let entries = fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))?;
    for entry in entries {
        let entry = entry?.path();
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        if counts(&name) {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

/// Whether a file or folder of this name can change an artefact: build output, tests and prose cannot, and
/// neither can what editors and systems leave behind.
fn counts(name: &str) -> bool {
    let hidden = name.starts_with('.') && name != ".cargo";
    let output = matches!(name, "target" | "bindings.rs");
    let beside = matches!(name, "tests" | "benches" | "fuzz") || name.ends_with(".md");
    !(hidden || output || beside || name.ends_with('~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        folder
    }

    fn of(files: &[(&str, &str)]) -> String {
        digest(tree(files).path(), &["components"]).unwrap()
    }

    #[test]
    fn content_path_and_border_count() {
        let base = of(&[("components/a", "bc")]);
        assert_eq!(base, of(&[("components/a", "bc")]));
        assert_ne!(base, of(&[("components/a", "bd")]));
        assert_ne!(base, of(&[("components/ab", "c")]));
        assert_ne!(base, of(&[("components/a", "bc"), ("components/b", "")]));
    }

    #[test]
    fn output_and_tests_do_not_count() {
        let base = of(&[("components/.cargo/config.toml", "x")]);
        let more = of(&[
            ("components/.cargo/config.toml", "x"),
            ("components/target/debug/big", "y"),
            ("components/json/src/bindings.rs", "y"),
            ("components/json/tests/all.rs", "y"),
            ("components/json/README.md", "y"),
            ("components/.json.swp", "y"),
        ]);
        assert_eq!(base, more);
    }

    #[test]
    fn a_missing_source_is_an_error() {
        let error = digest(tree(&[]).path(), &["components"]).unwrap_err();
        assert!(error.to_string().contains("components is missing"));
    }
}
