//! A place with the guest that starts programs.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use vox_tests::program::Ran;
use vox_tests::{places, tiers};

pub use vox_tests::tiers::{ENGINES, contents};

/// Long enough for a busy machine: the start of a container counts.
const TIME: &str = "120s";

/// A place with the guest `programs`, whose search path has one engine at most.
pub struct Bench(tiers::Bench);

impl Bench {
    /// A place with this engine alone.
    ///
    /// # Errors
    /// The guest is not built, the engine is not there, or has no image for programs.
    pub fn with(engine: &str) -> Result<Self, String> {
        Self::furnished(tiers::Bench::with(engine)?)
    }

    /// A place without any engine.
    ///
    /// # Errors
    /// The guest is not built.
    pub fn without() -> Result<Self, String> {
        Self::furnished(tiers::Bench::without()?)
    }

    fn furnished(bench: tiers::Bench) -> Result<Self, String> {
        let copied = std::fs::copy(places::guest("programs")?, bench.place.work().join("programs.wasm"));
        copied.map(|_| Self(bench)).map_err(|error| error.to_string())
    }

    /// Calls a function of the guest with time for a busy machine, and expects this exit code.
    pub fn call(&self, code: i32, words: &[&str], grants: &[&str]) -> Ran {
        let words = [&["call", "programs.wasm"], words, grants, &["--limit-time", TIME]].concat();
        self.run(code, &words)
    }

    /// A folder with two files, below the working folder.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.place.work().join(name);
        tiers::put(&folder.join("a.md"), "# a\n");
        tiers::put(&folder.join("sub/b.md"), "# b\n");
        folder
    }
}

impl Deref for Bench {
    type Target = tiers::Bench;

    fn deref(&self) -> &tiers::Bench {
        &self.0
    }
}

impl DerefMut for Bench {
    fn deref_mut(&mut self) -> &mut tiers::Bench {
        &mut self.0
    }
}
