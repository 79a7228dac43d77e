//! A place to work in with one container engine, or with none, and skill folders in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use vox_tests::places;
use vox_tests::program::{Place, Ran, ran};

/// The engines that the tests run with.
pub const ENGINES: [&str; 2] = ["podman", "docker"];

/// A place whose search path has one engine at most.
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
        let listed = bench.place.shell(&format!("{engine} images --quiet --filter label=org.vox.recipe"));
        match listed.code == Some(0) && !listed.stdout.trim().is_empty() {
            true => Ok(bench),
            false => Err(format!("{engine} has no image for programs (vox doctor --fix): {}", listed.stderr)),
        }
    }

    /// A place without any engine.
    ///
    /// # Errors
    /// `vox` is not built.
    pub fn without() -> Result<Self, String> {
        Self::without_others(None)
    }

    fn without_others(engine: Option<&str>) -> Result<Self, String> {
        let place = Place::new()?;
        let path = place.root().join("bin");
        fs::create_dir_all(&path).map_err(|error| error.to_string())?;
        for folder in ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"] {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                if !ENGINES.iter().any(|known| name == *known && Some(*known) != engine) {
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
        expected(code, words, ran(&mut self.vox(words)))
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

    /// A skill folder with a valid SKILL.md and these scripts.
    pub fn skill(&self, name: &str, scripts: &[(&str, &str)]) -> PathBuf {
        let folder = self.place.work().join(name);
        put(&folder.join("SKILL.md"), &format!("---\nname: {name}\ndescription: A test.\n---\n"));
        scripts.iter().for_each(|(path, text)| put(&folder.join("scripts").join(path), text));
        folder
    }

    /// A folder with this file in it, in the working folder.
    pub fn folder(&self, name: &str, file: &str, text: &str) -> PathBuf {
        let folder = self.place.work().join(name);
        put(&folder.join(file), text);
        folder
    }
}

pub fn expected(code: i32, words: &[&str], ran: Ran) -> Ran {
    assert_eq!(ran.code, Some(code), "{words:?}\n{}{}", ran.stdout, ran.stderr);
    ran
}

/// Writes a file and the folders above it.
pub fn put(path: &Path, text: &str) {
    let above = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(above).and_then(|()| fs::write(path, text));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
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

/// Names, contents and modes of everything in a folder.
pub fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>, u32)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).unwrap_or_else(|error| panic!("{}: {error}", at.display())).flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            }
            let name = entry.path().strip_prefix(folder).map(Path::to_owned).unwrap_or_default();
            let mode = entry.metadata().map(|about| about.permissions().mode()).unwrap_or_default();
            found.push((name, fs::read(entry.path()).unwrap_or_default(), mode));
        }
    }
    found.sort();
    found
}
