//! `cargo xtask bench`: the benchmarks, which are a workspace of their own because they compare with stock wasmtime.

use anyhow::Result;

use crate::process;
use crate::repo::Repo;

/// Options of `cargo xtask bench`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Passed to the benchmarks
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARG")]
    pass: Vec<String>,
}

/// Runs the chore.
///
/// # Errors
///
/// When the benchmarks do not build or fail.
pub fn run(repo: &Repo, args: &Args) -> Result<()> {
    let mut cargo = process::cargo(&repo.root.join("bench"), None);
    cargo.args(["run", "--release", "--quiet", "--"]).args(&args.pass);
    process::run(&mut cargo)
}
