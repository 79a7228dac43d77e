//! The image that programs run in: Debian with `git`, `python3`, `node`, `jq` and `curl`, or one that is named by its content.

mod recipe;

use crate::check;
use crate::engine::{Engine, EngineError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// Fetching and unpacking 150 packages takes a minute; a slow mirror much longer.
const BUILDING: Duration = Duration::from_secs(20 * 60);
/// Importing 300 MB takes seconds; a slow disk longer.
const IMPORTING: Duration = Duration::from_secs(5 * 60);

/// An image that an engine has, by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    id: String,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// It is not named by its content.
    #[error("{0}")]
    Name(String),
    /// The engine does not have it.
    #[error("{engine} does not have the image {name}; run `{program} pull {name}`")]
    Missing {
        /// The engine.
        engine: String,
        /// Its program.
        program: &'static str,
        /// The image.
        name: String,
    },
    /// It asks for volumes, which are writable and without a limit.
    #[error("the image {0} declares volumes, which no limit holds; build it without VOLUME")]
    Volumes(String),
    /// The program that makes one is missing.
    #[error(
        "the image for programs has to be built, and `mmdebstrap` is missing: run `sudo apt-get install mmdebstrap`"
    )]
    NoBuilder,
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The state folder cannot be used.
    #[error("the image cannot be made below {folder}: {source}")]
    State {
        /// The folder.
        folder: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Image {
    /// An image by its content: `sha256:…` or `name@sha256:…`.
    ///
    /// # Errors
    /// The name is none by content, the engine does not have it, or it declares volumes.
    pub fn find(engine: &Engine, name: &str) -> Result<Self, ImageError> {
        let name = check::image(name).map_err(ImageError::Name)?;
        let ran = engine.run(["image", "inspect", "--", name])?;
        let found: Option<Vec<Value>> = if ran.success { serde_json::from_str(&ran.output).ok() } else { None };
        let Some(found) = found.as_deref().and_then(<[Value]>::first) else {
            let (engine, program) = (engine.kind().to_string(), engine.kind().program());
            return Err(ImageError::Missing { engine, program, name: name.to_owned() });
        };
        if found["Config"]["Volumes"].as_object().is_some_and(|volumes| !volumes.is_empty()) {
            return Err(ImageError::Volumes(name.to_owned()));
        }
        // Podman gives the digits alone.
        let id = found["Id"].as_str().unwrap_or_default();
        let id = if id.contains(':') { id.to_owned() } else { format!("sha256:{id}") };
        check::image(&id).map_err(ImageError::Name)?;
        Ok(Self { id })
    }

    /// Its id: `sha256:` and 64 digits.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// What the state folder remembers of an engine.
#[derive(Serialize, Deserialize)]
struct Record {
    recipe: String,
    id: String,
}

/// The image of the sandbox: the one that was recorded, one of the same recipe that the engine has, or a new one made of
/// Debian packages. It can be called again at any time.
///
/// # Errors
/// [`ImageError`]: it cannot be made here.
pub fn ensure(engine: &Engine, state: &Path) -> Result<Image, ImageError> {
    let failed = |source| ImageError::State { folder: state.display().to_string(), source };
    fs::create_dir_all(state).map_err(failed)?;
    let record = state.join(format!("image-{}.json", engine.kind().program()));
    // Two processes build it once.
    let lock = File::create(state.join("image.lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if let Some(image) = recorded(engine, &record) {
        return Ok(image);
    }
    let image = match existing(engine)? {
        Some(image) => image,
        None => build(engine, state)?,
    };
    let written = Record { recipe: recipe::RECIPE.to_owned(), id: image.id.clone() };
    let write = || -> io::Result<()> {
        let mut new = tempfile::NamedTempFile::new_in(state)?;
        new.write_all(&serde_json::to_vec_pretty(&written)?)?;
        new.persist(&record)?;
        Ok(())
    };
    write().map_err(failed)?;
    Ok(image)
}

/// The image of the sandbox, where it is there; nothing is built.
///
/// # Errors
/// The engine failed.
pub fn existing(engine: &Engine) -> Result<Option<Image>, ImageError> {
    let output = engine.run(recipe::find())?.succeeded()?;
    // The newest stands first.
    match output.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(id) => Image::find(engine, id).map(Some),
        None => Ok(None),
    }
}

fn recorded(engine: &Engine, record: &Path) -> Option<Image> {
    let record: Record = serde_json::from_str(&fs::read_to_string(record).ok()?).ok()?;
    (record.recipe == recipe::RECIPE).then(|| Image::find(engine, &record.id).ok()).flatten()
}

fn build(engine: &Engine, state: &Path) -> Result<Image, ImageError> {
    let failed = |source| ImageError::State { folder: state.display().to_string(), source };
    if engine.helper("mmdebstrap").is_none() {
        return Err(ImageError::NoBuilder);
    }
    let folder = tempfile::Builder::new().prefix("image-").tempdir_in(state).map_err(failed)?;
    let tar = folder.path().join("root.tar");
    let tar = check::host_path(&tar).map_err(ImageError::Name)?;
    let words: Vec<OsString> = recipe::archive(tar).into_iter().map(Into::into).collect();
    let Some(env) = engine.helper("env") else { return Err(ImageError::NoBuilder) };
    engine.run_helper(&env, &words[1..], BUILDING)?.succeeded()?;
    engine.run_within(recipe::import(tar), IMPORTING)?.succeeded()?;
    match existing(engine)? {
        Some(image) => Ok(image),
        None => Err(EngineError::Odd(format!("`{} import` left no image", engine.kind().program())).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::recipe::{PACKAGES, archive};

    #[test]
    fn the_containerfile_has_the_same_packages() {
        let file = include_str!("../../images/sandbox/Containerfile");
        let listed: Vec<&str> = file
            .lines()
            .filter_map(|line| line.strip_prefix("        "))
            .map(|line| line.trim_end_matches(" \\"))
            .collect();
        assert_eq!(listed, PACKAGES);
        assert!(archive("/x.tar").iter().any(|word| *word == format!("--include={}", PACKAGES.join(","))));
    }
}
