//! `cargo xtask guests`: everything that becomes WebAssembly.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;
use crate::python_guests;
use crate::repo::{Repo, cargo_home};
use crate::say;
use crate::setup::guest_toolchain;

/// The target of components that import nothing; the bundle is made from it.
pub const PURE: &str = "wasm32-unknown-unknown";

/// The target that the guests of the tests are built for.
pub const WASI: &str = "wasm32-wasip2";

/// Options of `cargo xtask guests`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Build the components for this target only; may be repeated
    #[arg(long, value_name = "TRIPLE")]
    target: Vec<String>,
}

/// Runs the chore.
///
/// # Errors
///
/// When there is no toolchain for it or the build fails.
pub fn run(repo: &Repo, args: &Args) -> Result<()> {
    let both = [PURE, WASI];
    let chosen: Vec<&str> = args.target.iter().map(String::as_str).collect();
    let targets = if chosen.is_empty() { &both } else { &chosen[..] };
    components(repo, targets)?;
    skills(repo)?;
    for_tests(repo)
}

/// Builds the components of the bundle: the default members of their workspace. The example skills stay out, so that
/// the libraries that both use are built with what the bundle asks of them, and nothing else.
///
/// # Errors
///
/// When there is no toolchain for it or the build fails.
pub fn components(repo: &Repo, targets: &[&str]) -> Result<()> {
    build(repo, &repo.components(), targets, &[])
}

/// Builds the example skills, and puts each component beside its `skill.toml`, under the name that this gives.
///
/// # Errors
///
/// When there is no toolchain for it, the build fails, or a component cannot be put in place.
pub fn skills(repo: &Repo) -> Result<()> {
    let folders = repo.skills()?;
    let names: Vec<&str> = folders.iter().filter_map(|folder| folder.file_name()?.to_str()).collect();
    build(repo, &repo.components(), &[WASI], &names)?;
    let built = repo.components().join(format!("target/{WASI}/release"));
    for (folder, name) in folders.iter().zip(&names) {
        let component = built.join(format!("{}.wasm", name.replace('-', "_")));
        let place = folder.join(format!("{name}.wasm"));
        // Whole or not at all: a skill may be running from there.
        let partial = place.with_extension("partial");
        fs::copy(&component, &partial)
            .and_then(|_| fs::rename(&partial, &place))
            .with_context(|| format!("{} cannot be put at {}", component.display(), place.display()))?;
    }
    Ok(())
}

/// Builds the guests that only tests use.
///
/// # Errors
///
/// When there is no toolchain for it or the build fails.
pub fn for_tests(repo: &Repo) -> Result<()> {
    if repo.test_guests().join("Cargo.toml").is_file() {
        build(repo, &repo.test_guests(), &[WASI], &[])?;
    }
    python_guests::build(repo)
}

/// Where the components stand after a build for this target.
///
/// Not the folder above, where people look for them: `cargo component build` replaces the core modules there by
/// components of the same name.
pub fn built_components(repo: &Repo, target: &str) -> PathBuf {
    repo.components().join(format!("target/{target}/release/deps"))
}

/// Where the guests of the tests stand after a build.
pub fn built_for_tests(repo: &Repo) -> PathBuf {
    repo.test_guests().join(format!("target/{WASI}/release"))
}

/// Builds packages of a workspace; its default members where none are named.
fn build(repo: &Repo, workspace: &Path, targets: &[&str], packages: &[&str]) -> Result<()> {
    let toolchain = guest_toolchain::choose(repo)?;
    let target_dir = workspace.join("target");
    let identity = guest_toolchain::identity(repo, toolchain.as_deref())?;
    start_anew_for(&identity, &target_dir)?;

    let what = match packages {
        [] => repo.shown(workspace),
        _ => format!("{} of {}", packages.join(", "), repo.shown(workspace)),
    };
    say::step(&format!("building {what} for {}", targets.join(" and ")));
    // Started inside the workspace, so that its .cargo/config.toml applies.
    let mut cargo = process::cargo(workspace, toolchain.as_deref());
    cargo
        .args(["build", "--release", "--quiet"])
        .args(targets.iter().flat_map(|target| ["--target", target]))
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .arg("--target-dir")
        .arg(&target_dir)
        .args(["--config", &remapped_paths(repo)])
        // Flags from the surroundings would replace those of the workspace, and change the artefacts.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET");
    process::run(&mut cargo)
}

/// Keeps this machine's folders out of the guests, where panic messages name source files.
fn remapped_paths(repo: &Repo) -> String {
    let flag = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let flags = [flag(&cargo_home(), "/cargo"), flag(&repo.root, "/vox")];
    format!("target.'cfg(target_family = \"wasm\")'.rustflags = {flags:?}")
}

/// Empties the target folder when another compiler or another build of its library filled it: cargo does not
/// see that the library changed, and the build would end in "can't find crate".
fn start_anew_for(identity: &str, target_dir: &Path) -> Result<()> {
    let file = target_dir.join("guest-toolchain");
    match fs::read_to_string(&file) {
        Ok(found) if found == identity => return Ok(()),
        Ok(_) => {
            fs::remove_dir_all(target_dir).with_context(|| format!("{} cannot be removed", target_dir.display()))?
        }
        Err(_) => {}
    }
    fs::create_dir_all(target_dir)
        .and_then(|()| fs::write(&file, identity))
        .with_context(|| format!("{} cannot be written", file.display()))
}
