//! Measurements of this run of the machine, in a file of the state folder.

use super::Report;
use crate::engine::Engine;
use crate::image::Image;
use crate::owner;
use crate::profile::Profile;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// More combinations than anybody uses; the oldest go.
const MOST: usize = 16;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) runtime: String,
    pub(super) report: Report,
}

/// What a measurement belongs to; none when this run of the machine has no name, and nothing is kept then.
pub(super) fn key(engine: &Engine, image: &Image, profile: &Profile) -> Option<String> {
    let parts = [
        // What is measured, and how, changes with the version of vox.
        env!("CARGO_PKG_VERSION").to_owned(),
        owner::boot().ok()?,
        engine.kind().to_string(),
        engine.version().to_owned(),
        engine.runtimes().join("+"),
        if engine.rootless() { "rootless" } else { "root" }.to_owned(),
        image.id().to_owned(),
        profile.enforcement.to_string(),
        // The weaker profile is measured with the memory that it gives.
        if profile.enforcement == crate::Enforcement::Rlimits { profile.memory.to_string() } else { String::new() },
    ];
    Some(parts.join(" "))
}

fn file(state: &Path) -> PathBuf {
    state.join("probes.json")
}

fn all(state: &Path) -> Vec<Entry> {
    // A file that is not there or not ours means measuring again, which is always right.
    let text = fs::read_to_string(file(state)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The measurement with this key.
pub(super) fn find(state: &Path, key: &str) -> Option<Entry> {
    all(state).into_iter().find(|entry| entry.key == key)
}

/// Keeps a measurement. That it cannot be written costs the next call half a second, and nothing else.
pub(super) fn keep(state: &Path, entry: Entry) {
    let mut entries = all(state);
    entries.retain(|known| known.key != entry.key);
    entries.push(entry);
    let from = entries.len().saturating_sub(MOST);
    let write = || -> std::io::Result<()> {
        let mut new = tempfile::NamedTempFile::new_in(state)?;
        new.write_all(&serde_json::to_vec_pretty(&entries[from..])?)?;
        new.persist(file(state))?;
        Ok(())
    };
    let _ = write();
}
