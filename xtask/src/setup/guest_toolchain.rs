//! The Rust toolchain that compiles guests.
//!
//! Where rustup can fetch the WebAssembly targets, the default toolchain does it. Where it cannot (closed
//! networks), Debian's packages and a library built from their source do, linked into rustup under the name
//! [`LINKED`].

use std::env;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use super::{Part, apt, sysroot};
use crate::process;
use crate::repo::Repo;
use crate::say;

/// Every target that a guest is built for: without any import, with the older and the newer WASI.
pub const TARGETS: [&str; 3] = ["wasm32-unknown-unknown", "wasm32-wasip1", "wasm32-wasip2"];

/// The name under which rustup knows the toolchain made from Debian's packages.
pub const LINKED: &str = "vox-wasm";

/// Overrides the choice of the toolchain for guests with one that rustup knows by this name.
const OVERRIDE: &str = "VOX_GUEST_TOOLCHAIN";

/// A download of three libraries takes seconds; a network that swallows packets takes forever.
const RUSTUP_PATIENCE: Duration = Duration::from_secs(120);

/// Where set-up takes the toolchain from.
#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Source {
    /// What is there already, else rustup, else Debian's packages
    #[default]
    Auto,
    /// Targets added to the default toolchain by rustup
    Rustup,
    /// Debian's packages and a library built from their source
    Debian,
}

/// The toolchain as a part of set-up.
pub struct GuestToolchain(pub Source);

impl Part for GuestToolchain {
    fn name(&self) -> &'static str {
        "the toolchain for guests"
    }

    fn missing(&self, repo: &Repo) -> Result<Option<String>> {
        let there = match self.0 {
            Source::Auto => find(repo).is_some(),
            Source::Rustup => default_has_targets(),
            Source::Debian => linked(repo),
        };
        Ok((!there).then(|| format!("no compiler for {}", TARGETS.join(", "))))
    }

    fn install(&self, repo: &Repo) -> Result<()> {
        let rustup = process::on_path("rustup").is_some();
        if self.0 != Source::Debian {
            if rustup && add_targets() {
                return Ok(());
            }
            if self.0 == Source::Rustup {
                bail!("`{}` failed", process::shown(&add_targets_command()));
            }
            say::step("rustup cannot fetch the targets, so they are built from Debian's packages");
        }
        if !rustup {
            bail!("rustup is missing; install it from https://rustup.rs and run again");
        }
        install_packages()?;
        sysroot::build(repo)
    }
}

/// The toolchain to call cargo with: `None` means the default one.
///
/// # Errors
///
/// When there is none, with the command that sets it up.
pub fn choose(repo: &Repo) -> Result<Option<String>> {
    match find(repo) {
        Some(choice) => Ok(choice),
        None => bail!("no Rust toolchain here compiles for {}; run `cargo xtask setup`", TARGETS.join(", ")),
    }
}

/// A word for the exact compiler that `choose` leads to; it changes when the compiler or its library does.
///
/// # Errors
///
/// When the compiler cannot be asked.
pub fn identity(repo: &Repo, choice: Option<&str>) -> Result<String> {
    let mut command = Command::new("rustc");
    if let Some(name) = choice {
        command.arg(format!("+{name}"));
        command.env_remove("RUSTUP_TOOLCHAIN");
    }
    let version = process::capture(command.arg("--version"))?;
    let built = sysroot::stamp(repo).filter(|_| choice == Some(LINKED));
    Ok(format!("{}\n{}", version.trim(), built.unwrap_or_default().trim()))
}

fn find(repo: &Repo) -> Option<Option<String>> {
    if let Ok(name) = env::var(OVERRIDE)
        && !name.is_empty()
    {
        return Some(Some(name));
    }
    if default_has_targets() {
        return Some(None);
    }
    linked(repo).then(|| Some(LINKED.to_owned()))
}

/// Asks the compiler, not rustup: that holds for toolchains that rustup did not install as well.
fn default_has_targets() -> bool {
    TARGETS.iter().all(|target| {
        let mut ask = Command::new("rustc");
        ask.args(["--print", "target-libdir", "--target", target]);
        let Ok(folder) = process::capture(&mut ask) else {
            return false;
        };
        std::fs::read_dir(folder.trim()).is_ok_and(|mut files| {
            files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
        })
    })
}

fn linked(repo: &Repo) -> bool {
    let Some(prefix) = sysroot::finished(repo) else {
        return false;
    };
    let mut ask = Command::new("rustup");
    ask.args(["run", LINKED, "rustc", "--print", "sysroot"]);
    process::capture(&mut ask).is_ok_and(|answer| {
        let answer = std::path::Path::new(answer.trim());
        answer.canonicalize().ok() == prefix.canonicalize().ok()
    })
}

fn add_targets_command() -> Command {
    let mut command = Command::new("rustup");
    command.args(["target", "add"]).args(TARGETS);
    command
}

fn add_targets() -> bool {
    process::succeeds_within(&mut add_targets_command(), RUSTUP_PATIENCE)
}

fn install_packages() -> Result<()> {
    let lld = match sysroot::wasm_ld() {
        Some(_) => None,
        None => Some(apt::newest("lld-").unwrap_or_else(|| "lld".to_owned())),
    };
    let mut packages = sysroot::PACKAGES.to_vec();
    packages.extend(lld.as_deref());
    if apt::installed(&packages) {
        return Ok(());
    }
    say::step(&format!("installing {}", packages.join(" ")));
    apt::install(&packages)
}
