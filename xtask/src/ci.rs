//! `cargo xtask ci`: everything that has to pass before a change goes in.

use std::process::Command;

use anyhow::{Context, Result};

use crate::bundle;
use crate::generate;
use crate::process;
use crate::repo::Repo;
use crate::say;
use crate::setup::tools;
use crate::test;

/// The workspaces whose format is checked.
const WORKSPACES: [&str; 5] = [".", "components", "tests/guests", "bench", "fuzz"];

/// The workspaces of the benchmarks: the product's side, and contenders with features that the product must not have.
const BENCHMARKS: [&str; 3] = ["bench", "bench/stock", "bench/scripts"];

/// One step: what it is called and what it does.
type Step = (&'static str, fn(&Repo) -> Result<()>);

/// The steps, quick ones first; the tests come last, so that their summary ends the log.
const STEPS: &[Step] = &[
    ("the bundle belongs to its sources", check_bundle),
    ("format", check_format),
    ("lints", clippy),
    ("panics of the product", panics),
    ("benchmarks", check_benchmarks),
    ("documentation", docs),
    ("licences and dependencies", deny),
    ("generated files", check_generated),
    ("tests", run_tests),
];

/// Runs the chore, up to the first step that fails.
///
/// # Errors
///
/// When a step fails; the message names it.
pub fn run(repo: &Repo) -> Result<()> {
    for (name, step) in STEPS {
        say::heading(name);
        step(repo).with_context(|| format!("the step \"{name}\" failed"))?;
    }
    Ok(())
}

fn check_bundle(repo: &Repo) -> Result<()> {
    bundle::check(repo)
}

fn check_format(repo: &Repo) -> Result<()> {
    for workspace in WORKSPACES {
        let folder = repo.root.join(workspace);
        if folder.join("Cargo.toml").is_file() {
            process::run(process::cargo(&folder, None).args(["fmt", "--all", "--check"]))?;
        }
    }
    Ok(())
}

fn clippy(repo: &Repo) -> Result<()> {
    let mut cargo = process::cargo(&repo.root, None);
    cargo.args(["clippy", "--quiet", "--workspace", "--all-targets"]);
    process::run(cargo.args(["--", "-D", "warnings"]))
}

/// What may panic in the product says why at its place. Tests may, and so do programs that are no part of it.
fn panics(repo: &Repo) -> Result<()> {
    let mut cargo = process::cargo(&repo.root, None);
    cargo.args(["clippy", "--quiet", "--workspace", "--lib", "--bins"]);
    for package in ["vox-tests", "vox-bundle-builder", "xtask"] {
        cargo.args(["--exclude", package]);
    }
    cargo.args(["--", "-D", "warnings"]);
    for lint in ["unwrap_used", "expect_used", "panic", "unreachable"] {
        cargo.args(["-D", &format!("clippy::{lint}")]);
    }
    process::run(&mut cargo)
}

/// They are not run here, a busy machine has no figures; that they compile is what the next one to measure relies on.
fn check_benchmarks(repo: &Repo) -> Result<()> {
    for workspace in BENCHMARKS {
        let mut cargo = process::cargo(&repo.root.join(workspace), None);
        cargo.args(["clippy", "--quiet", "--all-targets", "--target-dir"]).arg(repo.root.join("bench/target"));
        process::run(cargo.args(["--", "-D", "warnings"])).with_context(|| workspace.to_owned())?;
    }
    Ok(())
}

fn docs(repo: &Repo) -> Result<()> {
    let mut cargo = process::cargo(&repo.root, None);
    cargo.args(["doc", "--quiet", "--workspace", "--no-deps"]);
    process::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The advisories need a database from the network; the rest does not.
fn deny(repo: &Repo) -> Result<()> {
    let Some(program) = tools::find(repo, "cargo-deny") else {
        say::step("skipped: cargo-deny is not installed (`cargo install cargo-deny --locked`)");
        return Ok(());
    };
    let deny = |words: &[&str]| {
        let mut command = Command::new(&program);
        command.current_dir(&repo.root).args(words);
        command
    };
    process::run(&mut deny(&["check", "licenses", "bans", "sources"]))?;
    if !process::succeeds(&mut deny(&["fetch", "db"])) {
        say::step("advisories skipped: their database cannot be fetched from here");
        return Ok(());
    }
    process::run(&mut deny(&["check", "advisories"]))
}

fn check_generated(repo: &Repo) -> Result<()> {
    generate::run(repo, &generate::Args { check: true })
}

fn run_tests(repo: &Repo) -> Result<()> {
    test::run(repo, &test::Args::default())
}
