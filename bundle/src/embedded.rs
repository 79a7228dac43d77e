//! The bundle at run time: embedded in this crate, or read from a folder.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use lzma_rust2::LzmaReader;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::compose;
use crate::manifest::{FILE, FORMAT, FileEntry, Manifest};

// MANIFEST and FILES, written by build.rs.
include!(concat!(env!("OUT_DIR"), "/prebuilt.rs"));

/// No component of a bundle is larger than this; a manifest that says otherwise is damaged.
const MAX_SIZE: u64 = 64 << 20;

/// Memory of the decoder, in KiB: a dictionary of [`MAX_SIZE`] and less than 1 MiB of tables.
const DECODER_KIB: u32 = 66 << 10;

/// The utility components that belong together.
#[derive(Debug)]
pub struct Bundle {
    parts: Vec<Part>,
    whole: Option<Whole>,
    source: String,
}

/// All parts in one component: kept as a file, or made from the parts when somebody wants it.
///
/// Merging is deterministic and the parts are there anyway, so the crate embeds only the digest of the result.
#[derive(Debug)]
enum Whole {
    Kept(Packed),
    Made { sha256: String },
}

/// One utility component and what it offers.
#[derive(Debug)]
pub struct Part {
    name: String,
    interface: String,
    world: String,
    description: String,
    component: Packed,
}

/// A component as it is kept: compressed, with the digest of what comes out.
#[derive(Debug)]
pub struct Packed {
    sha256: String,
    size: usize,
    packed: Cow<'static, [u8]>,
}

/// Why a folder is no bundle.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file is not there or cannot be read.
    #[error("the bundle's file {} cannot be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The manifest is not one.
    #[error("{} is not the manifest of a bundle", file.display())]
    Manifest {
        /// The file.
        file: PathBuf,
        /// Where and how it is wrong.
        source: serde_json::Error,
    },
    /// The manifest has a layout that this version does not know.
    #[error("{} has format {found}, this version of vox reads format {FORMAT}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// The format that it has.
        found: u32,
    },
    /// The manifest names a size that no component of a bundle has.
    #[error("the bundle's file {file} would unpack to {size} bytes; at most {MAX_SIZE} are taken")]
    TooLarge {
        /// The file.
        file: String,
        /// The size in the manifest.
        size: u64,
    },
}

/// Why a component of a bundle does not come out as it went in: the file is damaged.
#[derive(Debug, Error)]
pub enum UnpackError {
    /// It is not compressed data.
    #[error("a component of the bundle does not unpack")]
    Damaged(#[source] io::Error),
    /// The parts do not merge.
    #[error("the parts of the bundle do not merge: {0}")]
    Merge(String),
    /// Something else came out.
    #[error("a component of the bundle has digest {found}, its manifest says {expected}")]
    Digest {
        /// The digest in the manifest.
        expected: String,
        /// The digest of what came out.
        found: String,
    },
}

impl Bundle {
    /// The bundle inside this crate. Reading its manifest costs microseconds, once; nothing is decompressed.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: LazyLock<Bundle> = LazyLock::new(Bundle::from_crate);
        &EMBEDDED
    }

    #[allow(clippy::expect_used, reason = "it is part of this program, and a test reads it")]
    fn from_crate() -> Self {
        if MANIFEST.is_empty() {
            return Self { parts: Vec::new(), whole: None, source: String::new() };
        }
        Self::assemble(Path::new("bundle/prebuilt"), MANIFEST, false, |name| {
            let found = FILES.iter().find(|(file, _)| *file == name);
            found.map(|(_, bytes)| Cow::Borrowed(*bytes)).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        })
        .expect("the build embeds a manifest only together with its files")
    }

    /// A bundle in a folder, as `cargo xtask bundle --fresh` writes it.
    ///
    /// # Errors
    ///
    /// When the folder holds no bundle, or one that this version does not read.
    pub fn from_dir(folder: &Path) -> Result<Self, LoadError> {
        let file = folder.join(FILE);
        let text = fs::read_to_string(&file).map_err(|source| LoadError::Read { file, source })?;
        Self::assemble(folder, &text, true, |name| fs::read(folder.join(name)).map(Cow::Owned))
    }

    fn assemble(
        folder: &Path,
        text: &str,
        keeps_whole: bool,
        mut read: impl FnMut(&str) -> io::Result<Cow<'static, [u8]>>,
    ) -> Result<Self, LoadError> {
        let file = folder.join(FILE);
        let manifest: Manifest =
            serde_json::from_str(text).map_err(|source| LoadError::Manifest { file: file.clone(), source })?;
        if manifest.format != FORMAT {
            return Err(LoadError::Format { file, found: manifest.format });
        }
        let mut packed = |entry: FileEntry| pack(folder, entry, &mut read);
        let mut parts = Vec::with_capacity(manifest.parts.len());
        for part in manifest.parts {
            parts.push(Part {
                name: part.name,
                interface: part.interface,
                world: part.world,
                description: part.description,
                component: packed(part.file)?,
            });
        }
        let whole = match keeps_whole {
            true => Whole::Kept(packed(manifest.whole)?),
            false => Whole::Made { sha256: manifest.whole.sha256 },
        };
        Ok(Self { parts, whole: Some(whole), source: manifest.source })
    }

    /// The parts, in the order of the recipe.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The part with this name, such as `json`.
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// All parts in one component, checked against its digest. `None` only in a bundle that was never built.
    pub fn whole(&self) -> Option<Result<Vec<u8>, UnpackError>> {
        Some(match self.whole.as_ref()? {
            Whole::Kept(packed) => packed.bytes(),
            Whole::Made { sha256 } => self.merged().and_then(|bytes| checked(bytes, sha256)),
        })
    }

    fn merged(&self) -> Result<Vec<u8>, UnpackError> {
        let mut components = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            components.push((part.name(), part.component().bytes()?));
        }
        let named: Vec<(&str, &[u8])> = components.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
        compose::merge(&named).map_err(|error| UnpackError::Merge(error.to_string()))
    }

    /// SHA-256 over the sources that the bundle was built from, as hexadecimal text.
    pub fn source_digest(&self) -> &str {
        &self.source
    }
}

fn pack(
    folder: &Path,
    entry: FileEntry,
    read: &mut impl FnMut(&str) -> io::Result<Cow<'static, [u8]>>,
) -> Result<Packed, LoadError> {
    let size = usize::try_from(entry.size).ok();
    let Some(size) = size.filter(|_| entry.size <= MAX_SIZE) else {
        return Err(LoadError::TooLarge { file: entry.file, size: entry.size });
    };
    let packed = read(&entry.file).map_err(|source| LoadError::Read { file: folder.join(&entry.file), source })?;
    Ok(Packed { sha256: entry.sha256, size, packed })
}

impl Part {
    /// What people call it, such as `json`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interface that it exports, such as `vox:bundle/json@0.1.0`.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// The world that it targets, such as `json-part`.
    pub fn world(&self) -> &str {
        &self.world
    }

    /// What it does, on one line.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The component.
    pub fn component(&self) -> &Packed {
        &self.component
    }
}

impl Packed {
    /// SHA-256 of the component, as hexadecimal text. Known without decompressing anything.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The size of the component in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The size of the compressed component in bytes.
    pub fn packed_size(&self) -> usize {
        self.packed.len()
    }

    /// Decompresses the component and checks that it is the one that the manifest describes.
    ///
    /// # Errors
    ///
    /// When the data is damaged. Never more than the size in the manifest is taken into memory.
    pub fn bytes(&self) -> Result<Vec<u8>, UnpackError> {
        let mut bytes = Vec::with_capacity(self.size);
        // One byte more than expected is enough to see that there is too much.
        LzmaReader::new_mem_limit(&*self.packed, DECODER_KIB, None)
            .and_then(|reader| reader.take(self.size as u64 + 1).read_to_end(&mut bytes))
            .map_err(UnpackError::Damaged)?;
        checked(bytes, &self.sha256)
    }
}

/// The bytes, if they have this digest.
fn checked(bytes: Vec<u8>, sha256: &str) -> Result<Vec<u8>, UnpackError> {
    let found = hex::encode(Sha256::digest(&bytes));
    match found == sha256 {
        true => Ok(bytes),
        false => Err(UnpackError::Digest { expected: sha256.to_owned(), found }),
    }
}

#[cfg(test)]
#[path = "embedded_tests.rs"]
mod tests;
