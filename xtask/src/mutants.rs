//! `cargo xtask mutants`: how many changes to the rules of the policy the tests notice.
//!
//! cargo-mutants changes one condition, result or match arm at a time and runs the tests of the package. What no test
//! notices is a rule that could be deleted without anybody seeing it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

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

/// How many of a hundred changes have to be noticed: figure A12 of the threat model. The rest is for changes that
/// change nothing, such as another way of writing the same, or a shortcut that is taken less often.
const ENOUGH: usize = 95;

/// What became of the changes to some rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    /// A test failed, or hung.
    noticed: usize,
    missed: usize,
    /// The compiler did not take it; it does not count.
    unviable: usize,
}

impl Tally {
    fn is_enough(self) -> bool {
        self.noticed * 100 >= ENOUGH * (self.noticed + self.missed)
    }
}

/// Runs the chore. Results lie below `target/mutants/PACKAGE/mutants.out`: one list each of the changes that were
/// caught, missed, not buildable, and that hung.
///
/// # Errors
///
/// When cargo-mutants is missing, a file is none of the policy, the tests fail without a change, or they miss more
/// than a few changes.
pub fn run(repo: &Repo, args: &Args) -> Result<()> {
    if !process::succeeds(Command::new("cargo").args(["mutants", "--version"])) {
        bail!("cargo-mutants is missing; install it with: cargo install --locked cargo-mutants");
    }
    let mut all = Tally::default();
    for (package, files) in chosen(&args.file)? {
        say::heading(&format!("rules of {package}"));
        let out = repo.root.join("target/mutants").join(package);
        let mut command = mutants(repo, package, &files, &out, args.list);
        let status =
            command.status().with_context(|| format!("`{}` could not be started", process::shown(&command)))?;
        // 2: some were missed, 3: some hung; anything else means that nothing was measured.
        if !matches!(status.code(), Some(0 | 2 | 3)) {
            bail!("`{}` failed: {status}", process::shown(&command));
        }
        if !args.list {
            let one = tally(&out.join("mutants.out"))?;
            all = Tally {
                noticed: all.noticed + one.noticed,
                missed: all.missed + one.missed,
                unviable: all.unviable + one.unviable,
            };
        }
    }
    if !all.is_enough() {
        bail!("{all:?}: fewer than {ENOUGH} % were noticed; see target/mutants/*/mutants.out/missed.txt");
    }
    say::heading(&format!("{all:?}; what was missed stands in target/mutants/*/mutants.out/missed.txt"));
    Ok(())
}

/// Counts the results of cargo-mutants: each list has one change on a line.
fn tally(results: &Path) -> Result<Tally> {
    let count = |name: &str| -> Result<usize> {
        let file = results.join(name);
        let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(text.lines().count())
    };
    Ok(Tally {
        noticed: count("caught.txt")? + count("timeout.txt")?,
        missed: count("missed.txt")?,
        unviable: count("unviable.txt")?,
    })
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
fn mutants(repo: &Repo, package: &str, files: &[String], out: &Path, list: bool) -> Command {
    let mut command = process::cargo(&repo.root, None);
    command
        .args(["mutants", "--package", package, "--baseline", "run", "--colors", "never"])
        .args(["--minimum-test-timeout", "20", "--timeout-multiplier", "4"])
        .args(["--cargo-arg=--config=profile.dev.debug=false"])
        .args(["--cargo-arg=--config=profile.dev.package.\"*\".opt-level=0"])
        .arg("--output")
        .arg(out)
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

    #[test]
    fn results_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        assert!(tally(folder.path()).is_err(), "nothing was measured");
        for (name, lines) in [("caught.txt", 18), ("timeout.txt", 1), ("missed.txt", 1), ("unviable.txt", 7)] {
            fs::write(folder.path().join(name), "a change\n".repeat(lines)).unwrap();
        }
        let found = tally(folder.path()).unwrap();
        assert_eq!(found, Tally { noticed: 19, missed: 1, unviable: 7 });
        assert!(found.is_enough() && !Tally { missed: 2, ..found }.is_enough());
    }

    /// A file that was moved or renamed would be left out without a word.
    #[test]
    fn every_file_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (package, files) in RULES {
            for file in *files {
                let there = root.join(file.trim_end_matches("*.rs"));
                assert!(there.exists(), "{package}: {file}");
            }
        }
    }
}
