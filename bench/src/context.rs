//! What the rows share.

use crate::contenders::child::{Process, Shared};
use crate::contenders::process::find;
use crate::contenders::vox;
use crate::runner::Settings;
use anyhow::{Context as _, Result, bail};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use vox_runtime::Host;

/// Paths, helpers, and settings of a run.
pub struct Context {
    /// The repository.
    pub root: PathBuf,
    /// How long and how often.
    pub settings: Settings,
    /// Whether programs are built that are not there or not up to date.
    pub build: bool,
    folder: TempDir,
    stock: OnceCell<Result<Shared>>,
    scripts: OnceCell<Result<Shared>>,
    vox: OnceCell<Result<PathBuf, String>>,
    python: OnceCell<Result<PathBuf, String>>,
}

impl Context {
    /// A run in a folder of its own.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(root: PathBuf, settings: Settings, build: bool) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("vox-bench-").tempdir()?;
        Ok(Self {
            root,
            settings,
            build,
            folder,
            stock: OnceCell::new(),
            scripts: OnceCell::new(),
            vox: OnceCell::new(),
            python: OnceCell::new(),
        })
    }

    /// A file or folder of this run; it is taken away at the end.
    pub fn temporary(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of this run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.temporary(name);
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        Ok(path)
    }

    /// A host with the cache of this run.
    ///
    /// # Errors
    /// The engine does not start.
    pub fn host(&self) -> Result<Host> {
        vox::host(&self.temporary("cache"), 64)
    }

    /// A bundled component as a file.
    ///
    /// # Errors
    /// The bundle does not have it.
    pub fn part(&self, host: &Host, name: &str) -> Result<PathBuf> {
        self.file(&format!("{name}.wasm"), &vox::part(host, name)?)
    }

    /// The component `json` as a plain `cargo build --target wasm32-wasip2` makes it.
    ///
    /// # Errors
    /// It was not built.
    pub fn plain_json(&self) -> Result<PathBuf> {
        let path = self.root.join("components/target/wasm32-wasip2/release/vox_json.wasm");
        if !path.is_file() {
            bail!("the plainly built json component is missing: cargo xtask guests");
        }
        Ok(path)
    }

    /// Stock wasmtime, built and started when the first row wants it.
    pub fn stock(&self) -> &Result<Shared> {
        self.stock.get_or_init(|| self.child("stock"))
    }

    /// Lua and QuickJS, built and started when the first row wants them.
    pub fn scripts(&self) -> &Result<Shared> {
        self.scripts.get_or_init(|| self.child("scripts"))
    }

    fn child(&self, name: &str) -> Result<Shared> {
        let target = self.root.join("bench/target").join(name);
        let program = target.join("release").join(format!("vox-bench-{name}"));
        self.cargo(&self.root.join("bench").join(name), &target, &[], &program)?;
        let folder = self.temporary(name);
        std::fs::create_dir_all(&folder)?;
        Process::start(&program, &folder)
    }

    /// The release build of `vox`.
    ///
    /// # Errors
    /// It does not build.
    pub fn vox(&self) -> Result<PathBuf> {
        let build = || {
            let target = self.root.join("target");
            let program = target.join("release/vox");
            self.cargo(&self.root, &target, &["-p", "vox-cli"], &program)?;
            Ok(program)
        };
        let built = self.vox.get_or_init(|| build().map_err(|error: anyhow::Error| format!("{error:#}")));
        built.clone().map_err(anyhow::Error::msg)
    }

    /// The Python interpreter itself, not a shim that looks for it.
    ///
    /// # Errors
    /// There is none.
    pub fn python(&self) -> Result<PathBuf> {
        let look = || -> Result<PathBuf> {
            let output = Command::new(find("python3")?).args(["-c", "import sys; print(sys.executable)"]).output()?;
            Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
        };
        let found = self.python.get_or_init(|| look().map_err(|error| format!("{error:#}")));
        found.clone().map_err(anyhow::Error::msg)
    }

    fn cargo(&self, folder: &Path, target: &Path, more: &[&str], program: &Path) -> Result<()> {
        if !self.build {
            return match program.is_file() {
                true => Ok(()),
                false => bail!("{} is not built", program.display()),
            };
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--release", "--quiet"]).args(more).current_dir(folder);
        command.env("CARGO_TARGET_DIR", target).stdin(Stdio::null());
        match command.status().context("cargo")?.success() {
            true => Ok(()),
            false => bail!("{} does not build", program.display()),
        }
    }
}
