//! `cargo xtask`: the chores of this repository, each in a file of its own.

mod bench;
mod bundle;
mod ci;
mod generate;
mod guests;
mod made_from;
mod mutants;
mod process;
mod python_guests;
mod repo;
mod say;
mod setup;
mod sources;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The chores of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Put in place what building the guests and running the tests needs
    Setup(setup::Args),
    /// Build the components, the example skills and the guests of the tests for WebAssembly
    Guests(guests::Args),
    /// Build the bundle that vox embeds, or check that it belongs to its sources
    Bundle(bundle::Args),
    /// Run every test
    Test(test::Args),
    /// Write the generated files, or check that they are up to date
    Gen(generate::Args),
    /// Run the benchmarks
    Bench(bench::Args),
    /// Measure how many changes to the rules of the policy the tests notice
    Mutants(mutants::Args),
    /// Run everything that has to pass before a change goes in
    Ci,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match repo::Repo::find().and_then(|repo| run(&repo, cli.chore)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(repo: &repo::Repo, chore: Chore) -> Result<()> {
    match chore {
        Chore::Setup(args) => setup::run(repo, &args),
        Chore::Guests(args) => guests::run(repo, &args),
        Chore::Bundle(args) => bundle::run(repo, &args),
        Chore::Test(args) => test::run(repo, &args),
        Chore::Gen(args) => generate::run(repo, &args),
        Chore::Bench(args) => bench::run(repo, &args),
        Chore::Mutants(args) => mutants::run(repo, &args),
        Chore::Ci => ci::run(repo),
    }
}
