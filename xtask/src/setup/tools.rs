//! Programs that the guests and the tests call.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Part, apt};
use crate::process;
use crate::repo::Repo;

/// A folder with `bin/` in it that is looked into before anything else, for tools that stand in no usual place.
const OVERRIDE: &str = "VOX_DEV_TOOLS";

/// The last release; vox builds guests with it because its users do.
const CARGO_COMPONENT: &str = "0.21.1";

/// Installed where no other version is there; any recent one runs the tests.
const NEXTEST: &str = "0.9.143";

/// Folders with tools that PATH need not have, first one first.
pub fn folders(repo: &Repo) -> Vec<PathBuf> {
    let given = env::var_os(OVERRIDE).filter(|folder| !folder.is_empty());
    given
        .map(PathBuf::from)
        .into_iter()
        .chain([root(repo)])
        .map(|folder| folder.join("bin"))
        .filter(|folder| folder.is_dir())
        .collect()
}

/// Where a tool stands: in one of the folders above, else on PATH.
pub fn find(repo: &Repo, program: &str) -> Option<PathBuf> {
    folders(repo)
        .into_iter()
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .or_else(|| process::on_path(program))
}

fn root(repo: &Repo) -> PathBuf {
    repo.cache.join("tools")
}

/// A program that a package of the system brings.
pub struct Program {
    name: &'static str,
    package: &'static str,
}

impl Program {
    /// A program and the Debian package that holds it.
    pub fn new(name: &'static str, package: &'static str) -> Self {
        Self { name, package }
    }
}

impl Part for Program {
    fn name(&self) -> &'static str {
        self.name
    }

    fn missing(&self, repo: &Repo) -> Result<Option<String>> {
        let there = find(repo, self.name).is_some();
        Ok((!there).then(|| format!("not on PATH (Debian package {})", self.package)))
    }

    fn install(&self, _: &Repo) -> Result<()> {
        apt::install(&[self.package])
    }
}

/// `cargo component`, which builds skills the way many authors do.
pub struct CargoComponent;

impl Part for CargoComponent {
    fn name(&self) -> &'static str {
        "cargo-component"
    }

    fn missing(&self, repo: &Repo) -> Result<Option<String>> {
        let Some(program) = find(repo, "cargo-component") else {
            return Ok(Some(format!("{CARGO_COMPONENT} is not installed")));
        };
        let version = version(&program)?;
        let right = version.contains(CARGO_COMPONENT);
        Ok((!right).then(|| format!("{CARGO_COMPONENT} is needed, but there is {version}")))
    }

    fn install(&self, repo: &Repo) -> Result<()> {
        let openssl = process::succeeds(Command::new("pkg-config").args(["--exists", "openssl"]));
        if !openssl {
            apt::install(&["libssl-dev", "pkg-config"]).context("cargo-component needs the headers of OpenSSL")?;
        }
        install(repo, &format!("cargo-component@{CARGO_COMPONENT}"))
    }
}

/// The runner of the tests.
pub struct Nextest;

impl Part for Nextest {
    fn name(&self) -> &'static str {
        "cargo-nextest"
    }

    fn missing(&self, repo: &Repo) -> Result<Option<String>> {
        let there = find(repo, "cargo-nextest").is_some();
        Ok((!there).then(|| "not installed".to_owned()))
    }

    fn install(&self, repo: &Repo) -> Result<()> {
        install(repo, &format!("cargo-nextest@{NEXTEST}"))
    }
}

fn version(program: &Path) -> Result<String> {
    let mut ask = Command::new(program);
    ask.arg("--version");
    let answer = process::capture(&mut ask)?;
    Ok(answer.trim().to_owned())
}

/// Builds a program from crates.io with the default toolchain; cargo puts it in place only when it is complete.
fn install(repo: &Repo, which: &str) -> Result<()> {
    let mut cargo = process::cargo(&repo.cache, None);
    cargo
        .args(["install", "--locked", "--quiet", which, "--root"])
        .arg(root(repo))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_TARGET_DIR");
    process::run(&mut cargo)
}
