//! The file that describes a bundle: what it is made of, from what and by what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name of the file in the folder of a bundle.
pub const FILE: &str = "manifest.json";

/// The layout of the manifest that this version of the crate reads and writes.
pub const FORMAT: u32 = 1;

/// A bundle: its parts and the one component made of all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The layout of this file, [`FORMAT`].
    pub format: u32,
    /// SHA-256 over the sources that the bundle was built from, as hexadecimal text.
    pub source: String,
    /// The programs that took part and their versions.
    pub tools: BTreeMap<String, String>,
    /// The parts, in the order of the recipe.
    pub parts: Vec<PartEntry>,
    /// All parts in one component.
    pub whole: FileEntry,
}

/// One part of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartEntry {
    /// What people call it, such as `json`.
    pub name: String,
    /// The interface that it exports, such as `vox:bundle/json@0.1.0`.
    pub interface: String,
    /// The world that it targets, such as `json-part`.
    pub world: String,
    /// What it does, on one line.
    pub description: String,
    /// Its file.
    #[serde(flatten)]
    pub file: FileEntry,
}

/// One file of a bundle: a component, compressed with LZMA (`.lzma`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// The name of the file in the folder of the bundle.
    pub file: String,
    /// SHA-256 of the component, as hexadecimal text.
    pub sha256: String,
    /// The size of the component in bytes.
    pub size: u64,
    /// The size of the compressed file in bytes.
    pub packed_size: u64,
}
