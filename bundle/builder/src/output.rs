//! The folder of a bundle: written beside its place, put there when everything is done.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use lzma_rust2::{LzmaOptions, LzmaWriter};
use sha2::{Digest, Sha256};
use vox_bundle::manifest::{FILE, FORMAT, FileEntry, Manifest, PartEntry};

/// The slowest and smallest preset: it is decompressed a thousand times as often as it is made.
const PRESET: u32 = 9;

/// The smallest dictionary of the `.lzma` format, in bytes.
const SMALLEST_DICTIONARY: u32 = 4096;

/// A bundle that is being written.
pub struct Output {
    place: PathBuf,
    partial: PathBuf,
}

impl Output {
    /// Starts a bundle that will stand at `place`.
    ///
    /// # Errors
    ///
    /// When the folder beside it cannot be made.
    pub fn begin(place: &Path) -> Result<Self> {
        let mut name = OsString::from(place);
        name.push(".partial");
        let partial = PathBuf::from(name);
        remove(&partial)?;
        fs::create_dir_all(&partial).with_context(|| format!("{} cannot be made", partial.display()))?;
        Ok(Self { place: place.to_path_buf(), partial })
    }

    /// Writes a component, compressed.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn add(&mut self, name: &str, component: &[u8]) -> Result<FileEntry> {
        let size = component.len() as u64;
        let mut options = LzmaOptions::with_preset(PRESET);
        // The decoder takes the dictionary into memory, and can look no further back than the component is long.
        options.dict_size = u32::try_from(size)?.max(SMALLEST_DICTIONARY);
        let mut encoder = LzmaWriter::new_use_header(Vec::new(), &options, Some(size))?;
        encoder.write_all(component)?;
        let packed = encoder.finish()?;
        let file = format!("{name}.wasm.lzma");
        self.write(&file, &packed)?;
        Ok(FileEntry { file, sha256: hex::encode(Sha256::digest(component)), size, packed_size: packed.len() as u64 })
    }

    /// Writes the manifest and puts the folder in its place.
    ///
    /// # Errors
    ///
    /// When the file cannot be written or the folder cannot be moved.
    pub fn finish(
        self,
        parts: Vec<PartEntry>,
        whole: FileEntry,
        source: String,
        tools: BTreeMap<String, String>,
    ) -> Result<()> {
        let manifest = Manifest { format: FORMAT, source, tools, parts, whole };
        let mut text = serde_json::to_string_pretty(&manifest)?;
        text.push('\n');
        self.write(FILE, text.as_bytes())?;
        remove(&self.place)?;
        fs::rename(&self.partial, &self.place)
            .with_context(|| format!("{} cannot be put in place", self.place.display()))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let file = self.partial.join(name);
        fs::write(&file, bytes).with_context(|| format!("{} cannot be written", file.display()))
    }
}

/// After a failure nothing half-made stays behind; after success there is nothing left to remove.
impl Drop for Output {
    fn drop(&mut self) {
        let _ = remove(&self.partial);
    }
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}
