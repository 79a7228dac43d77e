//! From a skill reference to an artefact.

use crate::folder::SkillFolder;
use crate::host::Parts;
use crate::scripts::{ScriptError, Scripts};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vox_capabilities::manifest::{self, Manifest, ManifestError};
use vox_model::{Artifact, Digest, SkillRef};

/// Why a skill was not found.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// The bundle has no part of this name.
    #[error("the bundle has no skill `{name}`; it has: {}", known.join(", "))]
    NotInBundle {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
        /// The name that comes nearest.
        nearest: Option<String>,
    },
    /// There is no such file.
    #[error("there is no file {}", .0.display())]
    NoFile(PathBuf),
    /// The file is larger than any component may be.
    #[error("{} has {found} bytes, a component may have {allowed}", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size.
        found: u64,
        /// The largest size.
        allowed: u64,
    },
    /// A folder in which there is nothing to run.
    #[error("{} holds no component and no SKILL.md", .0.display())]
    Nothing(PathBuf),
    /// A folder whose manifest names no component, and that holds several.
    #[error("{} holds {count} components; `component` under [skill] in skill.toml says which one is meant", path.display())]
    Components {
        /// Which folder.
        path: PathBuf,
        /// How many there are.
        count: usize,
    },
    /// A folder with commands, and nothing that says what they serve.
    #[error("{} has commands under [serve], and neither a component that imports what they serve nor a contract", .0.display())]
    Commands(PathBuf),
    /// The manifest is not understood.
    #[error("{}: {error}", path.display())]
    Manifest {
        /// Its file.
        path: PathBuf,
        /// Its text.
        text: String,
        /// What is wrong, and where.
        error: ManifestError,
    },
    /// A folder of scripts that cannot be taken as one.
    #[error(transparent)]
    Scripts(#[from] ScriptError),
    /// The folder of a skill holds more than a command may be given.
    #[error("{} holds more than {most} {what}, which is all that a skill with commands may have", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What was counted.
        what: &'static str,
        /// How much it may hold.
        most: u64,
    },
    /// The file cannot be read, or is none.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A skill that was found.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) artifact: Artifact,
    /// What it says of itself; skills without a manifest ask by their imports alone.
    pub(crate) manifest: Option<Arc<Manifest>>,
    /// What grants are kept under, together with the digest: the name in the manifest, else that of the file or folder.
    pub(crate) package: String,
    /// Its scripts, where it has some; its content is what their digest says then.
    pub(crate) scripts: Option<Arc<Scripts>>,
    /// The folder that commands of the skill see; none where it has no commands.
    pub(crate) folder: Option<SkillFolder>,
}

/// Finds a skill.
///
/// # Errors
/// See [`LocateError`].
pub(crate) fn locate(reference: &SkillRef, parts: &Parts, max: u64) -> Result<Located, LocateError> {
    match reference {
        SkillRef::File(path) if path.is_dir() => folder(path, reference, max),
        SkillRef::File(path) => {
            let bytes = read(path, max)?;
            let artifact = Artifact::new(reference.to_string(), digest(&bytes), bytes.into());
            Ok(Located { artifact, manifest: None, package: stem(path), scripts: None, folder: None })
        }
        SkillRef::Bundle(name) => {
            let Some(library) = parts else {
                return Err(unknown(name, &[]));
            };
            match library.part(name) {
                Some(part) => {
                    let (artifact, package) = (part.artifact.clone(), name.clone());
                    Ok(Located { artifact, manifest: None, package, scripts: None, folder: None })
                }
                None => Err(unknown(name, library.parts())),
            }
        }
    }
}

/// A folder with a `skill.toml`, a component, scripts, or several of these.
fn folder(path: &Path, reference: &SkillRef, max: u64) -> Result<Located, LocateError> {
    let file = path.join(manifest::NAME);
    let mut manifest = match read(&file, manifest::MAX_SIZE) {
        Ok(bytes) => Some(Arc::new(understood(file, bytes)?)),
        Err(LocateError::NoFile(_)) => None,
        Err(error) => return Err(error),
    };
    let serves = manifest.as_ref().is_some_and(|manifest| !manifest.served.is_empty());
    let mut scripts = None;
    // An Agent Skill without a component is one of scripts, also where it has none and is words alone.
    let named = manifest.as_ref().is_some_and(|manifest| manifest.component.is_some());
    let words = !named && path.join(vox_scripts::SKILL_MD).exists() && components(path)?.is_empty();
    if words || manifest.as_ref().is_some_and(|manifest| !manifest.scripts.is_empty()) {
        let (found, meant) = Scripts::read(path, manifest.take())?;
        (scripts, manifest) = (Some(Arc::new(found)), Some(meant));
    }
    let named = manifest.as_ref().and_then(|manifest| manifest.name.as_ref()).map(ToString::to_string);
    let package = named.unwrap_or_else(|| stem(&path.canonicalize().unwrap_or_else(|_| path.to_owned())));
    let component = match manifest.as_ref().and_then(|manifest| manifest.component.clone()) {
        Some(component) => path.join(component),
        None => match (components(path)?, &scripts) {
            (found, Some(scripts)) if found.is_empty() => {
                let artifact = scripts.artifact(reference.to_string());
                return Ok(Located { artifact, manifest, package, scripts: Some(scripts.clone()), folder: None });
            }
            (mut found, _) if found.len() == 1 => found.swap_remove(0),
            (found, _) if found.is_empty() && serves => return Err(LocateError::Commands(path.to_owned())),
            (found, _) if found.is_empty() => return Err(LocateError::Nothing(path.to_owned())),
            (found, _) => return Err(LocateError::Components { path: path.to_owned(), count: found.len() }),
        },
    };
    let bytes = read(&component, max)?;
    let artifact = Artifact::new(reference.to_string(), digest(&bytes), bytes.into());
    let folder = if serves { Some(SkillFolder::read(path)?) } else { None };
    Ok(Located { artifact, manifest, package, scripts, folder })
}

/// A manifest from the bytes of its file.
fn understood(file: PathBuf, bytes: Vec<u8>) -> Result<Manifest, LocateError> {
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(LocateError::Unreadable { path: file, reason: "it is not UTF-8 text".to_owned() });
    };
    manifest::parse(&text).map_err(|error| LocateError::Manifest { path: file, text, error })
}

/// The components of a folder, in the order of their names.
fn components(path: &Path) -> Result<Vec<PathBuf>, LocateError> {
    let wrong = |error: io::Error| LocateError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(wrong)? {
        let file = entry.map_err(wrong)?.path();
        if file.extension().is_some_and(|extension| extension == "wasm") {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "skill".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

fn unknown(name: &str, parts: &[vox_model::Part]) -> LocateError {
    let known: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
    let near = known.iter().min_by_key(|k| strsim::damerau_levenshtein(name, k)).cloned();
    let nearest = near.filter(|k| strsim::damerau_levenshtein(name, k) <= 2);
    LocateError::NotInBundle { name: name.to_owned(), known, nearest }
}

/// The digest of some bytes.
pub fn digest(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// Reads a component, never more than one byte beyond what may be inspected: the size gate says the rest.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>, LocateError> {
    let wrong = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => LocateError::NoFile(path.to_owned()),
        _ => LocateError::Unreadable { path: path.to_owned(), reason: error.to_string() },
    };
    // A FIFO opened without this flag waits for a writer.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = File::options().read(true).custom_flags(nonblock).open(path).map_err(wrong)?;
    let about = file.metadata().map_err(wrong)?;
    if !about.is_file() {
        let what = if about.is_dir() { "it is a folder" } else { "it is not a regular file" };
        return Err(LocateError::Unreadable { path: path.to_owned(), reason: what.to_owned() });
    }
    if about.len() > max {
        return Err(LocateError::TooLarge { path: path.to_owned(), found: about.len(), allowed: max });
    }
    let mut bytes = Vec::with_capacity(about.len() as usize + 1);
    file.take(max + 1).read_to_end(&mut bytes).map_err(wrong)?;
    Ok(bytes)
}
