//! Guests written in Python: each folder `tests/guests/python/NAME` holds `app.py` and `wit/` with a world `NAME`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::guests;
use crate::process;
use crate::repo::Repo;
use crate::say;
use crate::setup;

/// Builds those whose files changed; a build takes 12 seconds and 400 MB of memory.
///
/// # Errors
///
/// When componentize-py is missing or fails.
pub fn build(repo: &Repo) -> Result<()> {
    let folder = repo.test_guests().join("python");
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(&folder)? {
        let guest = entry?.path();
        if guest.join("app.py").is_file() {
            build_one(repo, &guest)?;
        }
    }
    Ok(())
}

fn build_one(repo: &Repo, guest: &Path) -> Result<()> {
    let Some(name) = guest.file_name().and_then(|name| name.to_str()) else {
        bail!("{} has a name that is not text", guest.display());
    };
    let made = guests::built_for_tests(repo).join(format!("{name}.wasm"));
    let changed = newest(guest)?;
    let fresh = fs::metadata(&made).and_then(|made| made.modified()).is_ok_and(|made| made > changed);
    if fresh {
        return Ok(());
    }
    let program = setup::componentize_py(repo);
    if !program.is_file() {
        bail!("componentize-py is missing; run `cargo xtask setup`");
    }
    say::step(&format!("building {}", repo.shown(guest)));
    fs::create_dir_all(guests::built_for_tests(repo))?;
    let partial = made.with_extension("partial");
    process::capture(
        Command::new(program)
            .current_dir(guest)
            .args(["--wit-path", "wit", "--world", name, "componentize", "app"])
            .arg("--output")
            .arg(&partial),
    )?;
    fs::rename(&partial, &made).with_context(|| format!("{} cannot be written", made.display()))
}

/// When the newest file of the guest was changed.
fn newest(folder: &Path) -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    let mut waiting: Vec<PathBuf> = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                waiting.push(entry.path());
            } else {
                newest = newest.max(entry.metadata()?.modified()?);
            }
        }
    }
    Ok(newest)
}
