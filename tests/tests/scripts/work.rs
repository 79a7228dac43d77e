//! A place with folders of scripts.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use vox_tests::program::Ran;
use vox_tests::{places, tiers};

pub use vox_tests::tiers::{ENGINES, contents, put};

/// A place whose search path has one engine at most.
pub struct Bench(tiers::Bench);

impl Bench {
    /// A place with this engine alone.
    ///
    /// # Errors
    /// The engine is not there, or has no image for programs.
    pub fn with(engine: &str) -> Result<Self, String> {
        tiers::Bench::with(engine).map(Self)
    }

    /// A place without any engine.
    ///
    /// # Errors
    /// `vox` is not built.
    pub fn without() -> Result<Self, String> {
        tiers::Bench::without().map(Self)
    }

    /// Runs a script with time for a busy machine: the start of a container counts.
    pub fn script(&self, code: i32, words: &[&str], grants: &[&str], arguments: &[&str]) -> Ran {
        self.run(code, &[&["run"], words, grants, &["--limit-time", "120s", "--"], arguments].concat())
    }

    /// A copy of an example, in the working folder.
    pub fn example(&self, name: &str) -> PathBuf {
        let from = places::repository().join("examples/agent-skills").join(name);
        let to = self.place.work().join(name);
        copy(&from, &to);
        to
    }

    /// A folder with this file in it, in the working folder.
    pub fn folder(&self, name: &str, file: &str, text: &str) -> PathBuf {
        let folder = self.place.work().join(name);
        put(&folder.join(file), text);
        folder
    }
}

impl Deref for Bench {
    type Target = tiers::Bench;

    fn deref(&self) -> &tiers::Bench {
        &self.0
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())).flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap_or_else(|error| panic!("{}: {error}", path.display()))),
        }
    }
}
