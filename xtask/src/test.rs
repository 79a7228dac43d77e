//! `cargo xtask test`: every test, the workspace's own last, so that its summary is the last line.

use anyhow::Result;

use crate::bundle;
use crate::guests;
use crate::process;
use crate::repo::Repo;
use crate::say;
use crate::setup::{self, guest_toolchain, tools};

/// Options of `cargo xtask test`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// How much longer the campaigns are that get better the longer they run (races, kills, faults, random
    /// sequences): 20 before a release
    #[arg(long, value_name = "TIMES", default_value_t = 1)]
    scale: u32,
    /// Passed to `cargo nextest run`, such as a part of a test's name; other kinds of tests are left out then
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARG")]
    pass: Vec<String>,
}

/// Runs the chore.
///
/// # Errors
///
/// When something cannot be built or a test fails.
pub fn run(repo: &Repo, args: &Args) -> Result<()> {
    setup::run(repo, &setup::Args::default())?;
    guests::run(repo, &guests::Args::default())?;
    let bundle = bundle::fresh(repo)?;

    // The tests of the command run the program itself, which cargo does not build for them.
    process::built_program(repo, "vox")?;

    if args.pass.is_empty() {
        say::heading("tests of the components, compiled for this machine");
        let mut native = process::cargo(&repo.components(), None);
        native.args(["test", "--quiet", "--workspace", "--target-dir"]).arg(repo.components().join("target"));
        process::run(&mut native)?;

        say::heading("examples in the documentation");
        let mut doc = process::cargo(&repo.root, None);
        process::run(doc.args(["test", "--quiet", "--doc", "--workspace"]))?;
    }

    say::heading("tests of the workspace");
    let mut nextest = process::cargo(&repo.root, None);
    nextest
        .args(["nextest", "run", "--workspace"])
        .args(&args.pass)
        .env("PATH", process::path_with(&tools::folders(repo))?)
        .env("VOX_TEST_GUESTS", guests::built_for_tests(repo))
        .env("VOX_TEST_BUNDLE", bundle);
    // Tests that build a skill need the toolchain that can; without the variable the default one does.
    if let Some(toolchain) = guest_toolchain::choose(repo)? {
        nextest.env("VOX_TEST_TOOLCHAIN", toolchain);
    }
    if args.scale > 1 {
        nextest.env("VOX_TEST_SCALE", args.scale.to_string());
    }
    process::run(&mut nextest)
}
