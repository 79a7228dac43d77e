//! `cargo xtask bundle`: the components that vox embeds, and the check that they belong to their sources.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use lzma_rust2::LzmaReader;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::guests;
use crate::process;
use crate::repo::Repo;
use crate::say;
use crate::setup::{guest_toolchain, tools};
use crate::sources;

/// Memory that unpacking may take, in KiB: the largest component of a bundle has 64 MiB, and it is its own dictionary.
const DECODER_KIB: u32 = 66 << 10;

/// Options of `cargo xtask bundle`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Build nothing: fail if bundle/prebuilt does not belong to the sources
    #[arg(long, conflicts_with = "fresh")]
    check: bool,
    /// Write to this folder instead of bundle/prebuilt
    #[arg(long, value_name = "FOLDER")]
    fresh: Option<PathBuf>,
}

/// What the check reads of the manifest that the builder writes.
#[derive(Deserialize)]
struct Manifest {
    source: String,
    parts: Vec<Artefact>,
    whole: Artefact,
}

#[derive(Deserialize)]
struct Artefact {
    file: String,
    sha256: String,
    size: u64,
    packed_size: u64,
}

/// Runs the chore.
///
/// # Errors
///
/// When the build fails, or the check finds a difference.
pub fn run(repo: &Repo, args: &Args) -> Result<()> {
    if args.check {
        return check(repo);
    }
    let folder = args.fresh.clone().unwrap_or_else(|| repo.prebuilt());
    build(repo, &folder)
}

/// Builds the bundle that the tests use, unless it was built from the same sources by the same programs.
///
/// # Errors
///
/// When the build fails.
pub fn fresh(repo: &Repo) -> Result<PathBuf> {
    let folder = repo.fresh_bundle();
    let toolchain = guest_toolchain::choose(repo)?;
    let inputs =
        [sources::of_bundle(repo)?, sources::of_builder(repo)?, guest_toolchain::identity(repo, toolchain.as_deref())?]
            .join("\n");
    let stamp = folder.join("inputs");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == inputs) && artefacts(repo, &folder).is_ok() {
        return Ok(folder);
    }
    build(repo, &folder)?;
    fs::write(&stamp, inputs).with_context(|| format!("{} cannot be written", stamp.display()))?;
    Ok(folder)
}

fn build(repo: &Repo, folder: &Path) -> Result<()> {
    guests::components(repo, &[guests::PURE])?;
    let toolchain = guest_toolchain::choose(repo)?;
    let compiler = guest_toolchain::identity(repo, toolchain.as_deref())?;
    let builder = process::built_program(repo, "vox-bundle-builder")?;
    say::step(&format!("building the bundle into {}", repo.shown(folder)));
    process::run(
        Command::new(builder)
            .env("PATH", process::path_with(&tools::folders(repo))?)
            .arg("--recipe")
            .arg(repo.root.join("bundle/recipe.toml"))
            .arg("--wit")
            .arg(repo.root.join("wit/bundle"))
            .arg("--lock")
            .arg(repo.root.join("Cargo.lock"))
            .arg("--modules")
            .arg(guests::built_components(repo, guests::PURE))
            .args(["--source", &sources::of_bundle(repo)?])
            .args(["--compiler", compiler.lines().next().unwrap_or_default()])
            .arg("--out")
            .arg(folder),
    )
}

/// Whether bundle/prebuilt was made from the present sources and is whole.
///
/// # Errors
///
/// When it was not; the message has the command that makes it anew.
pub fn check(repo: &Repo) -> Result<()> {
    const CURE: &str = "run `cargo xtask bundle` and commit bundle/prebuilt";
    let found =
        artefacts(repo, &repo.prebuilt()).with_context(|| format!("bundle/prebuilt is not complete; {CURE}"))?;
    let now = sources::of_bundle(repo)?;
    if found.source != now {
        bail!(
            "bundle/prebuilt was built from other sources than the crates of bundle/recipe.toml under components, \
             what they depend on, and wit/bundle\n  built from {}\n  now        {now}\n{CURE}",
            found.source
        );
    }
    Ok(())
}

/// Reads a bundle's manifest and compares every artefact with what it says.
fn artefacts(repo: &Repo, folder: &Path) -> Result<Manifest> {
    let file = folder.join("manifest.json");
    let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", repo.shown(&file)))?;
    let manifest: Manifest =
        serde_json::from_str(&text).with_context(|| format!("{} is not a manifest of a bundle", repo.shown(&file)))?;
    for artefact in manifest.parts.iter().chain([&manifest.whole]) {
        let file = folder.join(&artefact.file);
        let packed = fs::read(&file).with_context(|| format!("{} cannot be read", repo.shown(&file)))?;
        let mut bytes = Vec::new();
        LzmaReader::new_mem_limit(packed.as_slice(), DECODER_KIB, None)
            .and_then(|reader| reader.take(artefact.size + 1).read_to_end(&mut bytes))
            .with_context(|| format!("{} does not unpack", repo.shown(&file)))?;
        let digest = hex::encode(Sha256::digest(&bytes));
        // The decoder does not look behind the end of its data, the size of the file does.
        if digest != artefact.sha256 || packed.len() as u64 != artefact.packed_size {
            bail!(
                "{} is not the file that its manifest describes\n  manifest {}, {} bytes\n  file     {digest}, {} bytes",
                repo.shown(&file),
                artefact.sha256,
                artefact.packed_size,
                packed.len()
            );
        }
    }
    Ok(manifest)
}
