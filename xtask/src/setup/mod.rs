//! `cargo xtask setup`: what building the guests and running the tests needs.
//!
//! Each need is a [`Part`]: it can say what is missing and can put it in place. Parts are independent and
//! repeatable, so an interrupted set-up is finished by the next one.

mod apt;
mod containers;
pub mod guest_toolchain;
mod python;
mod sysroot;
pub mod tools;

pub use python::componentize_py;

use std::fs::{self, File};

use anyhow::{Context, Result, bail};

use crate::repo::Repo;
use crate::say;

/// Options of `cargo xtask setup`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Install nothing: say what is missing and fail if anything is
    #[arg(long)]
    pub check: bool,
    /// Where the toolchain for guests comes from
    #[arg(long, value_enum, default_value_t)]
    pub guest_toolchain: guest_toolchain::Source,
}

/// One thing that has to be there.
pub trait Part {
    /// What people call it.
    fn name(&self) -> &'static str;

    /// What is missing, in a few words; `None` when everything is in place.
    ///
    /// # Errors
    ///
    /// When it cannot be found out.
    fn missing(&self, repo: &Repo) -> Result<Option<String>>;

    /// Puts it in place.
    ///
    /// # Errors
    ///
    /// When it cannot; the message says what a person can do instead.
    fn install(&self, repo: &Repo) -> Result<()>;
}

/// Everything that set-up knows, in the order in which it is put in place.
fn parts(args: &Args) -> Vec<Box<dyn Part>> {
    let mut parts: Vec<Box<dyn Part>> = vec![
        Box::new(guest_toolchain::GuestToolchain(args.guest_toolchain)),
        Box::new(tools::Program::new("wasm-opt", "binaryen")),
        Box::new(tools::Program::new("jq", "jq")),
        Box::new(tools::Program::new("strace", "strace")),
        Box::new(tools::Program::new("ip", "iproute2")),
        Box::new(tools::Program::new("python3", "python3")),
        Box::new(tools::CargoComponent),
        Box::new(tools::Nextest),
        Box::new(python::ComponentizePy),
    ];
    parts.extend(containers::parts());
    parts
}

/// Runs the chore.
///
/// # Errors
///
/// When something cannot be put in place, or is missing and only a check was asked for.
pub fn run(repo: &Repo, args: &Args) -> Result<()> {
    fs::create_dir_all(&repo.cache).with_context(|| format!("the folder {} cannot be made", repo.cache.display()))?;
    // Two clones share the cache, and both may be set up at the same time.
    let lock = repo.cache.join("setup.lock");
    let lock = File::create(&lock).with_context(|| format!("the file {} cannot be written", lock.display()))?;
    lock.lock().context("the lock of the cache failed")?;

    let mut lacking = Vec::new();
    let mut installed = 0;
    for part in parts(args) {
        let Some(what) = part.missing(repo)? else {
            continue;
        };
        if args.check {
            lacking.push(format!("  {}: {what}", part.name()));
            continue;
        }
        say::step(&format!("setting up {}: {what}", part.name()));
        part.install(repo).with_context(|| format!("{} could not be set up", part.name()))?;
        if let Some(still) = part.missing(repo)? {
            bail!("{} was set up, but {still}", part.name());
        }
        installed += 1;
    }
    if !lacking.is_empty() {
        bail!("not everything is in place:\n{}\nrun `cargo xtask setup`", lacking.join("\n"));
    }
    if installed > 0 {
        say::step("everything is in place");
    }
    Ok(())
}
