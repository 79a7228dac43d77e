//! A Rust toolchain for WebAssembly made from Debian's packages, in a folder of its own.
//!
//! Debian ships a compiler that knows the targets and the source of the library, but not the library built for
//! them. It is built once here and put into a prefix whose `bin/rustc` runs Debian's compiler with this prefix
//! as its sysroot, so nothing of the system changes.
//!
//! ```text
//! guest-toolchain-1.96.0/
//!   bin/   cargo, rustc (scripts)  rustdoc, wasm-ld (links)
//!   lib/rustlib/HOST               link to Debian's
//!   lib/rustlib/wasm32-…/lib/      the library built here; for WASI self-contained/ from wasi-libc
//!   stamp                          written last: without it the folder does not count
//! ```

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::apt;
use super::guest_toolchain::{LINKED, TARGETS};
use crate::process;
use crate::repo::{Repo, cargo_home};
use crate::say;

/// What Debian contributes, besides a linker of the form `lld-NN`.
pub const PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "wasi-libc"];

const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const RUSTDOC: &str = "/usr/bin/rustdoc";
const WASI_LIBC: &str = "/usr/lib/wasm32-wasi";

/// Where the source of the library lies: as the compiler names it, and where that link leads.
const LIBRARY_SOURCE: &str = "/usr/lib/rustlib/src/rust";

/// Goes into the stamp; raise it when the recipe changes, so that old prefixes are built anew.
const RECIPE: u32 = 1;

/// The prefix of Debian's present compiler, when it is complete.
pub fn finished(repo: &Repo) -> Option<PathBuf> {
    let debian = Debian::ask().ok()?;
    let prefix = debian.prefix(repo);
    let stamp = fs::read_to_string(prefix.join("stamp")).ok()?;
    (stamp == debian.stamp()).then_some(prefix)
}

/// The stamp of the finished prefix.
pub fn stamp(repo: &Repo) -> Option<String> {
    fs::read_to_string(finished(repo)?.join("stamp")).ok()
}

/// Debian's linker for WebAssembly; the highest version where there are several.
pub fn wasm_ld() -> Option<PathBuf> {
    let names: Vec<String> =
        fs::read_dir("/usr/bin").ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let number = apt::highest(names.iter().map(String::as_str), "wasm-ld-")?;
    Some(PathBuf::from(format!("/usr/bin/wasm-ld-{number}")))
}

/// Builds the prefix and links it into rustup.
///
/// # Errors
///
/// When Debian's packages are not what the recipe expects, or a step fails.
pub fn build(repo: &Repo) -> Result<()> {
    let debian = Debian::ask()?;
    let prefix = debian.prefix(repo);
    if finished(repo).is_none() {
        let partial = repo.cache.join("guest-toolchain.partial");
        remove(&partial)?;
        fs::create_dir_all(&partial).with_context(|| format!("the folder {} cannot be made", partial.display()))?;
        say::step("building the library for guests (about two minutes)");
        debian.library(&partial)?;
        debian.programs(&partial, &prefix)?;
        remove(&partial.join("build"))?;
        fs::write(partial.join("stamp"), debian.stamp()).context("the stamp cannot be written")?;
        remove(&prefix)?;
        fs::rename(&partial, &prefix).with_context(|| format!("{} cannot be put in place", prefix.display()))?;
    }
    process::capture(Command::new("rustup").args(["toolchain", "link", LINKED]).arg(&prefix))?;
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Debian's compiler, as it describes itself.
struct Debian {
    release: String,
    commit: String,
    host: String,
}

impl Debian {
    fn ask() -> Result<Self> {
        let text = process::capture(Command::new(RUSTC).args(["--version", "--verbose"]))
            .with_context(|| format!("Debian's compiler is missing: install {}", PACKAGES.join(" ")))?;
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .map(str::to_owned)
                .with_context(|| format!("`{RUSTC} -vV` does not say its {name}"))
        };
        Ok(Self { release: field("release")?, commit: field("commit-hash")?, host: field("host")? })
    }

    fn prefix(&self, repo: &Repo) -> PathBuf {
        repo.cache.join(format!("guest-toolchain-{}", self.release))
    }

    fn stamp(&self) -> String {
        format!("recipe {RECIPE}, rustc {} {}\n", self.release, self.commit)
    }

    /// Compiles the library for every target and puts it where the compiler looks.
    fn library(&self, partial: &Path) -> Result<()> {
        let build = partial.join("build");
        fs::create_dir_all(build.join("src"))?;
        fs::write(build.join("Cargo.toml"), "[package]\nname = \"library\"\nedition = \"2021\"\n[workspace]\n")?;
        fs::write(build.join("src/lib.rs"), "#![no_std]\n")?;

        // The bitcode is what lets guests link with `lto = true`. Paths of this machine stay out of the guests.
        let source = fs::canonicalize(LIBRARY_SOURCE)
            .with_context(|| format!("the library's source is missing at {LIBRARY_SOURCE}"))?;
        let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
        let rustc = format!("/rustc/{}", self.commit);
        let flags = [
            "-Cembed-bitcode=yes".to_owned(),
            remap(Path::new(LIBRARY_SOURCE), &rustc),
            remap(&source, &rustc),
            remap(&cargo_home(), "/cargo"),
        ]
        .join(" ");
        let mut cargo = Command::new(CARGO);
        cargo
            .current_dir(&build)
            .args(["build", "--release", "--quiet", "-Zbuild-std=std,panic_abort,proc_macro"])
            .args(TARGETS.iter().flat_map(|target| ["--target", target]))
            .arg("--target-dir")
            .arg(build.join("target"))
            .env("RUSTC", RUSTC)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", flags)
            // Set by the rustup that started this chore; Debian's compiler brings its own.
            .env_remove("LD_LIBRARY_PATH")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("RUSTC_WRAPPER");
        process::capture(&mut cargo)?;

        for target in TARGETS {
            let made = build.join(format!("target/{target}/release/deps"));
            let lib = partial.join(format!("lib/rustlib/{target}/lib"));
            copy(&made, &lib, &["rlib"])?;
            if target.contains("-wasi") {
                copy(Path::new(WASI_LIBC), &lib.join("self-contained"), &["a", "o"])?;
            }
        }
        Ok(())
    }

    /// The programs of the prefix, which will stand at `prefix` in the end.
    fn programs(&self, partial: &Path, prefix: &Path) -> Result<()> {
        let bin = partial.join("bin");
        fs::create_dir_all(&bin)?;
        let prefix = prefix.display();
        script(&bin.join("rustc"), &format!("exec {RUSTC} --sysroot '{prefix}' \"$@\"\n"))?;
        script(
            &bin.join("cargo"),
            &format!(
                "# wasm-component-ld looks for a program called wasm-ld.\n\
                 unset LD_LIBRARY_PATH\n\
                 export PATH=\"{prefix}/bin:$PATH\"\n\
                 exec {CARGO} \"$@\"\n"
            ),
        )?;
        symlink(RUSTDOC, bin.join("rustdoc"))?;
        let Some(linker) = wasm_ld() else {
            bail!("no linker for WebAssembly in /usr/bin; install Debian's newest lld-NN");
        };
        symlink(linker, bin.join("wasm-ld"))?;
        symlink(format!("/usr/lib/rustlib/{}", self.host), partial.join(format!("lib/rustlib/{}", self.host)))?;
        Ok(())
    }
}

fn script(file: &Path, body: &str) -> Result<()> {
    fs::write(file, format!("#!/bin/sh\n{body}"))?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Copies the files with one of these extensions; there has to be at least one.
fn copy(from: &Path, to: &Path, extensions: &[&str]) -> Result<()> {
    fs::create_dir_all(to)?;
    let mut copied = 0;
    for entry in fs::read_dir(from).with_context(|| format!("{} is missing", from.display()))? {
        let file = entry?.path();
        let wanted = file.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted));
        if let (true, Some(name)) = (wanted, file.file_name()) {
            fs::copy(&file, to.join(name)).with_context(|| format!("{} cannot be copied", file.display()))?;
            copied += 1;
        }
    }
    if copied == 0 {
        bail!("{} holds no file of the kind {}", from.display(), extensions.join(", "));
    }
    Ok(())
}
