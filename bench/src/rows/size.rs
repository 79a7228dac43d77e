//! Size of the binaries.

use crate::contenders::process::find;
use crate::context::Context;
use crate::model::{Entry, Floor, Row, Status, Unit};
use crate::stats::ratio;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The most that vox with its bundle may have.
const MOST: f64 = 20e6;

/// Sums of files on disk, shared libraries and data left out.
pub fn rows(context: &Context) -> Result<Vec<Row>> {
    let vox = context.vox().and_then(|vox| sum(&[vox]));
    let base = vox.as_ref().ok().copied();
    let mut entries = vec![Entry { floor: Some(Floor::ValueAtMost(MOST)), ..entry("vox with its bundle", vox, None) }];
    for (label, names) in [
        ("wasmtime", &["wasmtime"][..]),
        ("podman, conmon, runc", &["podman", "conmon", "runc"]),
        ("podman, conmon, crun", &["podman", "conmon", "crun"]),
        ("node", &["node"]),
        ("jq, without its libraries", &["jq"]),
    ] {
        let files: Result<Vec<PathBuf>> = names.iter().map(|name| find(name)).collect();
        entries.push(entry(label, files.and_then(|files| sum(&files)), base));
    }
    Ok(vec![Row {
        name: "size".to_owned(),
        title: "size of the binaries on disk".to_owned(),
        unit: Unit::Bytes,
        entries,
        notes: vec!["vox is the release build, stripped; the others are as installed. Shared libraries, Python, images and configuration are left out.".to_owned()],
    }])
}

fn sum(files: &[PathBuf]) -> Result<f64> {
    let length = |file: &PathBuf| -> Result<f64> { Ok(std::fs::metadata(real(file))?.len() as f64) };
    files.iter().map(length).sum()
}

fn real(file: &Path) -> PathBuf {
    file.canonicalize().unwrap_or_else(|_| file.to_owned())
}

fn entry(label: &str, size: Result<f64>, base: Option<f64>) -> Entry {
    match size {
        Ok(size) => Entry {
            value: Some(size),
            ratio: base.map(|base| ratio(&[base], &[size])),
            samples: vec![size],
            ..Entry::without(label, Status::Measured)
        },
        Err(error) => Entry::without(label, Status::Skipped(format!("{error:#}"))),
    }
}
