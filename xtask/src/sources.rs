//! The digest of everything that the bundle is made from: it ties the checked-in artefacts to their sources.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::made_from::MadeFrom;
use crate::repo::Repo;

/// What decides about the bytes of the bundle, as paths from the root, beside the crates that it is made from.
const BUNDLE: [&str; 3] = ["components/.cargo", "wit/bundle", "bundle/recipe.toml"];

/// What decides about how the bundle is made.
const BUILDER: [&str; 4] = ["bundle/Cargo.toml", "bundle/builder", "bundle/src", "Cargo.lock"];

/// The digest of the sources of the bundle, as hexadecimal text.
///
/// # Errors
///
/// When a source is missing or cannot be read.
pub fn of_bundle(repo: &Repo) -> Result<String> {
    let made = MadeFrom::read(&repo.root)?;
    let starts: Vec<PathBuf> = BUNDLE.iter().map(|start| repo.root.join(start)).chain(made.folders).collect();
    let shared = [("components/Cargo.toml", made.manifest), ("components/Cargo.lock", made.lock)];
    digest(&repo.root, &starts, &shared)
}

/// The digest of the program that builds the bundle, as hexadecimal text.
///
/// # Errors
///
/// When a source is missing or cannot be read.
pub fn of_builder(repo: &Repo) -> Result<String> {
    digest(&repo.root, &BUILDER.map(|start| repo.root.join(start)), &[])
}

/// Hashes path and content of every file, sorted by path, and then what counts of files that others share.
fn digest(root: &Path, starts: &[PathBuf], shared: &[(&str, String)]) -> Result<String> {
    let mut files = Vec::new();
    for start in starts {
        if !start.exists() {
            bail!("{} is missing", start.display());
        }
        collect(start, &mut files)?;
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
    // Lengths keep a path from running into its content.
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for (name, file) in named {
        add(name.as_bytes());
        add(&fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?);
    }
    for (name, content) in shared {
        add(name.as_bytes());
        add(content.as_bytes());
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

    fn digest_of(root: &Path, shared: &[(&str, String)]) -> Result<String> {
        digest(root, &[root.join("components")], shared)
    }

    fn of(files: &[(&str, &str)]) -> String {
        digest_of(tree(files).path(), &[]).unwrap()
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
        let error = digest_of(tree(&[]).path(), &[]).unwrap_err();
        assert!(error.to_string().contains("components is missing"));
    }

    #[test]
    fn what_counts_of_shared_files_counts() {
        let root = tree(&[("components/a", "b")]);
        let base = digest_of(root.path(), &[("Cargo.lock", "x 1".to_owned())]).unwrap();
        assert_eq!(base, digest_of(root.path(), &[("Cargo.lock", "x 1".to_owned())]).unwrap());
        assert_ne!(base, digest_of(root.path(), &[("Cargo.lock", "x 2".to_owned())]).unwrap());
        assert_ne!(base, digest_of(root.path(), &[]).unwrap());
    }

    /// A skill that is no part of the bundle may change without the bundle being built anew.
    #[test]
    fn example_skills_do_not_count() {
        let repo = Repo::find().unwrap();
        let made = MadeFrom::read(&repo.root).unwrap();
        let names: Vec<_> = made.folders.iter().filter_map(|folder| folder.file_name()?.to_str()).collect();
        assert_eq!(names, ["guest-alloc", "json", "markdown", "no-tzdb", "regex"]);
        let skills = repo.skills().unwrap();
        assert!(skills.len() >= 3 && skills.iter().all(|skill| !made.folders.contains(skill)), "{skills:?}");
    }
}
