//! A place to work in with one container engine, or with none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use vox_tests::places;
use vox_tests::program::{Place, Ran, ran};

/// The engines that the tests run with.
pub const ENGINES: [&str; 2] = ["podman", "docker"];

/// Long enough for a busy machine: the start of a container counts.
const TIME: &str = "120s";

/// A place with the guest `programs`, whose search path has one engine at most.
pub struct Bench {
    pub place: Place,
    path: PathBuf,
}

impl Bench {
    /// A place with this engine alone.
    ///
    /// # Errors
    /// The engine is not there, or has no image for programs.
    pub fn with(engine: &str) -> Result<Self, String> {
        let bench = Self::without_others(Some(engine))?;
        let doctor = bench.place.shell(&format!("{engine} images --quiet --filter label=org.vox.recipe"));
        match doctor.code == Some(0) && !doctor.stdout.trim().is_empty() {
            true => Ok(bench),
            false => Err(format!("{engine} has no image for programs (vox doctor --fix): {}", doctor.stderr)),
        }
    }

    /// A place without any engine.
    ///
    /// # Errors
    /// The guest is not built.
    pub fn without() -> Result<Self, String> {
        Self::without_others(None)
    }

    fn without_others(engine: Option<&str>) -> Result<Self, String> {
        let place = Place::new()?;
        fs::copy(places::guest("programs")?, place.work().join("programs.wasm")).map_err(|error| error.to_string())?;
        let path = place.home().with_file_name("bin");
        fs::create_dir_all(&path).map_err(|error| error.to_string())?;
        for folder in ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"] {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let other = ENGINES.iter().any(|known| name == *known && Some(*known) != engine);
                if !other {
                    // The first of a name counts, as on any search path.
                    let _ = std::os::unix::fs::symlink(entry.path(), path.join(name));
                }
            }
        }
        Ok(Self { place, path })
    }

    /// A command of `vox`.
    pub fn vox(&self, words: &[&str]) -> Command {
        let mut command = self.place.vox(words);
        command.env("PATH", &self.path);
        command
    }

    /// Runs `vox` and expects this exit code.
    pub fn run(&self, code: i32, words: &[&str]) -> Ran {
        let ran = ran(&mut self.vox(words));
        assert_eq!(ran.code, Some(code), "{words:?}\n{}{}", ran.stdout, ran.stderr);
        ran
    }

    /// Calls a function of the guest with time for a busy machine, and expects this exit code.
    pub fn call(&self, code: i32, words: &[&str], grants: &[&str]) -> Ran {
        let words = [&["call", "programs.wasm"], words, grants, &["--limit-time", TIME]].concat();
        self.run(code, &words)
    }

    /// A folder with two files, below the working folder.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.place.work().join(name);
        fs::create_dir_all(folder.join("sub")).unwrap_or_else(|error| panic!("{error}"));
        self.place.put(&format!("{name}/a.md"), "# a\n");
        self.place.put(&format!("{name}/sub/b.md"), "# b\n");
        folder
    }
}

/// Names and contents of everything in a folder.
pub fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).unwrap_or_else(|error| panic!("{error}")).flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            }
            let name = entry.path().strip_prefix(folder).map(Path::to_owned).unwrap_or_default();
            found.push((name, fs::read(entry.path()).unwrap_or_default()));
        }
    }
    found.sort();
    found
}
