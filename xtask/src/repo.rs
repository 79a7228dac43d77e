//! Where things are: the repository's folders and the developer's cache.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The folders that the chores work in.
pub struct Repo {
    /// The root of the repository.
    pub root: PathBuf,
    /// What set-up makes and a fresh clone can use again: toolchain, tools, virtual environment.
    pub cache: PathBuf,
}

impl Repo {
    /// Finds the repository that this program was built from.
    ///
    /// # Errors
    ///
    /// When neither cargo nor the current folder leads to it, or no home folder is known for the cache.
    pub fn find() -> Result<Self> {
        let start = match env::var_os("CARGO_MANIFEST_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => env::current_dir().context("the current folder cannot be read")?,
        };
        let Some(root) = start.ancestors().find(|folder| is_root(folder)) else {
            bail!("{} is not inside the vox repository; run `cargo xtask` from inside it", start.display());
        };
        Ok(Self { root: root.to_path_buf(), cache: cache()? })
    }

    /// The workspace of the components that ship with vox.
    pub fn components(&self) -> PathBuf {
        self.root.join("components")
    }

    /// The folders of the example skills, sorted: those in `components` that have a `skill.toml`.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn skills(&self) -> Result<Vec<PathBuf>> {
        let components = self.components();
        let entries = fs::read_dir(&components).with_context(|| format!("{} cannot be read", components.display()))?;
        let mut folders = Vec::new();
        for entry in entries {
            let folder = entry?.path();
            if folder.join("skill.toml").is_file() {
                folders.push(folder);
            }
        }
        folders.sort();
        Ok(folders)
    }

    /// The workspace of the guests that only tests use.
    pub fn test_guests(&self) -> PathBuf {
        self.root.join("tests/guests")
    }

    /// The bundle as it is checked in and embedded.
    pub fn prebuilt(&self) -> PathBuf {
        self.root.join("bundle/prebuilt")
    }

    /// The bundle as built by the last test run.
    pub fn fresh_bundle(&self) -> PathBuf {
        self.root.join("target/fresh-bundle")
    }

    /// A path as people write it: from the root of the repository where it lies inside.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

fn is_root(folder: &Path) -> bool {
    folder.join("xtask/Cargo.toml").is_file() && folder.join("bundle/recipe.toml").is_file()
}

/// Cargo's own folder, where the sources of crates lie.
pub fn cargo_home() -> PathBuf {
    match (set("CARGO_HOME"), set("HOME").or(set("USERPROFILE"))) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, home) => PathBuf::from(home.unwrap_or_default()).join(".cargo"),
    }
}

fn set(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn cache() -> Result<PathBuf> {
    let base = match (set("XDG_CACHE_HOME"), set("HOME").or(set("USERPROFILE"))) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, Some(home)) => PathBuf::from(home).join(".cache"),
        (None, None) => {
            bail!("no folder for caches is known: set XDG_CACHE_HOME or HOME and run again")
        }
    };
    Ok(base.join("vox-dev"))
}
