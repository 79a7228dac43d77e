//! The processes of this machine, those in containers too.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

fn all() -> impl Iterator<Item = PathBuf> {
    let all = fs::read_dir("/proc").unwrap_or_else(|error| panic!("{error}"));
    all.flatten().map(|entry| entry.path()).filter(|path| path.join("cmdline").exists())
}

/// Whether a process has this word among its arguments.
///
/// # Panics
/// The system does not tell of its processes.
pub fn running(word: &str) -> bool {
    let lines = all().filter_map(|path| fs::read(path.join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).any(|line| line.split('\0').any(|one| one == word))
}

/// Whether a process executes this file, by device and number.
///
/// # Panics
/// The system does not tell of its processes.
pub fn executing(file: (u64, u64)) -> bool {
    let programs = all().filter_map(|path| fs::metadata(path.join("exe")).ok());
    programs.map(|about| (about.dev(), about.ino())).any(|one| one == file)
}
