//! Places to work in with one container engine on the search path, or with none.

use crate::program::{Place, Ran, ran};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The engines that the tests run with.
pub const ENGINES: [&str; 2] = ["podman", "docker"];

/// A place whose search path has one engine at most.
pub struct Bench {
    /// The place.
    pub place: Place,
    path: PathBuf,
}

impl Bench {
    /// A place with this engine alone.
    ///
    /// # Errors
    /// The engine is not there, or has no image for programs.
    pub fn with(engine: &str) -> Result<Self, String> {
        let bench = Self::with_at_most(Some(engine))?;
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
        Self::with_at_most(None)
    }

    fn with_at_most(engine: Option<&str>) -> Result<Self, String> {
        let place = Place::new()?;
        let path = search_path(&place.root().join("bin"), engine).map_err(|error| error.to_string())?;
        Ok(Self { place, path })
    }

    /// A command of `vox`.
    pub fn vox(&self, words: &[&str]) -> Command {
        let mut command = self.place.vox(words);
        command.env("PATH", &self.path);
        command
    }

    /// Runs `vox` and expects this exit code.
    ///
    /// # Panics
    /// It is another.
    pub fn run(&self, code: i32, words: &[&str]) -> Ran {
        let ran = ran(&mut self.vox(words));
        assert_eq!(ran.code, Some(code), "{words:?}\n{}{}", ran.stdout, ran.stderr);
        ran
    }

    /// A skill folder with a valid SKILL.md and these scripts, in the working folder.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn skill(&self, name: &str, scripts: &[(&str, &str)]) -> PathBuf {
        let folder = self.place.work().join(name);
        put(&folder.join("SKILL.md"), format!("---\nname: {name}\ndescription: A test.\n---\n"));
        scripts.iter().for_each(|(path, text)| put(&folder.join("scripts").join(path), text));
        folder
    }
}

/// Makes a folder that is a search path with one engine at most, and everything else of the usual one.
///
/// # Errors
/// The folder cannot be made.
pub fn search_path(path: &Path, engine: Option<&str>) -> std::io::Result<PathBuf> {
    fs::create_dir_all(path)?;
    for folder in ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if !ENGINES.iter().any(|known| name == *known && Some(*known) != engine) {
                // The first of a name counts, as on any search path.
                let _ = std::os::unix::fs::symlink(entry.path(), path.join(name));
            }
        }
    }
    Ok(path.to_owned())
}

/// Writes a file and the folders above it.
///
/// # Panics
/// It cannot be written.
pub fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    let above = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(above).and_then(|()| fs::write(path, bytes));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Names, contents and modes of everything in a folder; a link's content is its target.
///
/// # Panics
/// A folder cannot be listed.
pub fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>, u32)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).unwrap_or_else(|error| panic!("{}: {error}", at.display())).flatten() {
            let path = entry.path();
            let name = path.strip_prefix(folder).map(Path::to_owned).unwrap_or_default();
            let mode = entry.metadata().map(|about| about.permissions().mode()).unwrap_or_default();
            let content = match fs::read_link(&path) {
                Ok(target) => target.into_os_string().into_encoded_bytes(),
                Err(_) => fs::read(&path).unwrap_or_default(),
            };
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            }
            found.push((name, content, mode));
        }
    }
    found.sort();
    found
}
