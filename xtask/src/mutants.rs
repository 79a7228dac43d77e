//! `cargo xtask mutants`: how many changes to the rules of the policy the tests notice.
//!
//! cargo-mutants changes one condition, result or match arm at a time and runs the tests of the package. What no test
//! notices is a rule that could be deleted without anybody seeing it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::repo::Repo;
use crate::say;

/// Where decisions about grants are made: package, and files as patterns of cargo-mutants. The tests of the package
/// itself judge them. What only the whole program can judge, `host/cli/src/authority`, is not among them.
const RULES: &[(&str, &[&str])] = &[
    ("vox-model", &["host/model/src/capability.rs", "host/model/src/effect.rs"]),
    ("vox-ledger", &["host/ledger/src/grants/*.rs"]),
    (
        "vox-cap-http",
        &[
            "host/capabilities/http/src/policy.rs",
            "host/capabilities/http/src/rule.rs",
            "host/capabilities/http/src/grant.rs",
            "host/capabilities/http/src/address.rs",
            "host/capabilities/http/src/place.rs",
            "host/capabilities/http/src/path.rs",
            "host/capabilities/http/src/secret.rs",
            "host/capabilities/http/src/scan.rs",
        ],
    ),
    (
        "vox-cap-files",
        &[
            "host/capabilities/files/src/grant.rs",
            "host/capabilities/files/src/grant/*.rs",
            "host/capabilities/files/src/place.rs",
            "host/capabilities/files/src/folder.rs",
        ],
    ),
    ("vox-cap-kv", &["host/capabilities/kv/src/grant.rs"]),
    ("vox-cap-config", &["host/capabilities/config/src/grant.rs"]),
    ("vox-cap-log", &["host/capabilities/log/src/grant.rs"]),
    ("vox-cap-clock", &["host/capabilities/clock/src/grant.rs"]),
    ("vox-cap-random", &["host/capabilities/random/src/grant.rs"]),
    ("vox-cap-subprocess", &["host/capabilities/subprocess/src/grant.rs", "host/capabilities/subprocess/src/names.rs"]),
    ("vox-runtime", &["host/runtime/src/decide.rs"]),
];

/// Options of `cargo xtask mutants`.
#[derive(clap::Args)]
pub struct Args {
    /// Only this file, as a path from the root of the repository; may be repeated
    #[arg(long, value_name = "FILE")]
    file: Vec<String>,
    /// Only say which changes would be made
    #[arg(long)]
    list: bool,
}

/// Runs the chore. Results lie below `target/mutants/PACKAGE`: one file each for the changes that were caught, missed,
/// not buildable, and that hung.
///
/// # Errors
///
/// When cargo-mutants is missing, a file is none of the policy, or the tests missed a change.
pub fn run(repo: &Repo, args: &Args) -> Result<()> {
    if !process::succeeds(Command::new("cargo").args(["mutants", "--version"])) {
        bail!("cargo-mutants is missing; install it with: cargo install --locked cargo-mutants");
    }
    let chosen = chosen(&args.file)?;
    let mut missed = Vec::new();
    for (package, files) in chosen {
        say::heading(&format!("rules of {package}"));
        let mut command = mutants(repo, package, &files, args.list);
        if let Err(error) = process::run(&mut command) {
            missed.push(format!("{package}: {error}"));
        }
    }
    match missed.is_empty() {
        true => Ok(()),
        false => {
            bail!("not every change was noticed; see target/mutants/*/mutants.out/missed.txt\n{}", missed.join("\n"))
        }
    }
}

/// The packages and patterns that files belong to; all of them where none is named.
fn chosen(files: &[String]) -> Result<Vec<(&'static str, Vec<String>)>> {
    if files.is_empty() {
        let all =
            RULES.iter().map(|(package, files)| (*package, files.iter().map(|file| (*file).to_owned()).collect()));
        return Ok(all.collect());
    }
    let mut chosen: Vec<(&str, Vec<String>)> = Vec::new();
    for file in files {
        let Some((package, _)) = RULES.iter().find(|(_, known)| known.iter().any(|known| matches(known, file))) else {
            bail!("{file} is none of the files with rules; they are listed in xtask/src/mutants.rs");
        };
        match chosen.iter_mut().find(|(name, _)| name == package) {
            Some((_, together)) => together.push(file.clone()),
            None => chosen.push((package, vec![file.clone()])),
        }
    }
    Ok(chosen)
}

/// Whether a path is a pattern's; its only wildcard is the name of a file, `folder/*.rs`.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix("*.rs") {
        Some(folder) => path.strip_prefix(folder).is_some_and(|name| !name.contains('/') && name.ends_with(".rs")),
        None => pattern == path,
    }
}

/// cargo-mutants on a copy of the repository, with a target folder that later runs find again. Dependencies without
/// optimisation: they are compiled once, and the tests are small.
fn mutants(repo: &Repo, package: &str, files: &[String], list: bool) -> Command {
    let out: PathBuf = repo.root.join("target/mutants").join(package);
    let mut command = process::cargo(&repo.root, None);
    command
        .args(["mutants", "--package", package, "--baseline", "run", "--colors", "never"])
        .args(["--minimum-test-timeout", "20", "--timeout-multiplier", "4"])
        .args(["--cargo-arg=--config=profile.dev.debug=false"])
        .args(["--cargo-arg=--config=profile.dev.package.\"*\".opt-level=0"])
        .arg("--output")
        .arg(&out)
        .env("CARGO_TARGET_DIR", repo.root.join("target/mutants/build"));
    for file in files {
        command.args(["--file", file]);
    }
    match list {
        true => command.arg("--list"),
        // The unit tests: quick, and next to the rule that they hold to its word.
        false => command.args(["--", "--lib"]),
    };
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lead_to_their_package() {
        let of = |files: &[&str]| chosen(&files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&[]).unwrap().len(), RULES.len());
        let store = "host/ledger/src/grants/store.rs";
        let policy = "host/capabilities/http/src/policy.rs";
        let rule = "host/capabilities/http/src/rule.rs";
        assert_eq!(
            of(&[store, policy, rule]).unwrap(),
            [("vox-ledger", vec![store.to_owned()]), ("vox-cap-http", vec![policy.to_owned(), rule.to_owned()])]
        );
        for other in ["host/ledger/src/grants/tests/watch.rs", "host/ledger/src/secrets.rs", "policy.rs"] {
            assert!(of(&[other]).is_err(), "{other}");
        }
    }

    /// A file that was moved or renamed would be left out without a word.
    #[test]
    fn every_file_is_there() {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        for (package, files) in RULES {
            for file in *files {
                let there = root.join(file.trim_end_matches("*.rs"));
                assert!(there.exists(), "{package}: {file}");
            }
        }
    }
}
