//! From a skill reference to an artefact.

use crate::host::Parts;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
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
    /// The file cannot be read, or is none.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Finds a skill.
///
/// # Errors
/// See [`LocateError`].
pub(crate) fn locate(reference: &SkillRef, parts: &Parts, max: u64) -> Result<Artifact, LocateError> {
    match reference {
        SkillRef::File(path) => {
            let bytes = read(path, max)?;
            Ok(Artifact::new(reference.to_string(), digest(&bytes), bytes.into()))
        }
        SkillRef::Bundle(name) => {
            let Some(library) = parts else {
                return Err(unknown(name, &[]));
            };
            match library.part(name) {
                Some(part) => Ok(part.artifact.clone()),
                None => Err(unknown(name, library.parts())),
            }
        }
    }
}

fn unknown(name: &str, parts: &[vox_model::Part]) -> LocateError {
    let known: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
    let near = known.iter().min_by_key(|k| strsim::damerau_levenshtein(name, k)).cloned();
    let nearest = near.filter(|k| strsim::damerau_levenshtein(name, k) <= 2);
    LocateError::NotInBundle { name: name.to_owned(), known, nearest }
}

/// The digest of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// Reads a component, never more than one byte beyond what may be inspected: the size gate says the rest.
fn read(path: &Path, max: u64) -> Result<Vec<u8>, LocateError> {
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
