//! `cargo xtask gen`: files that are written by programs, and the check that nobody forgot to write them anew.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::repo::Repo;
use crate::say;

/// Options of `cargo xtask gen`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Write nothing: fail if a file is not what its generator would write
    #[arg(long)]
    pub check: bool,
}

/// A file and the function that knows its content.
struct Generator {
    /// The file, from the root of the repository.
    file: &'static str,
    content: fn(&Repo) -> Result<String>,
}

/// Every generated file. A new one is a line here.
const GENERATORS: &[Generator] = &[Generator { file: "docs/cli.md", content: cli_reference }];

/// Runs the chore.
///
/// # Errors
///
/// When a generator fails, a file cannot be written, or the check finds a difference.
pub fn run(repo: &Repo, args: &Args) -> Result<()> {
    let mut stale = Vec::new();
    for generator in GENERATORS {
        let content =
            (generator.content)(repo).with_context(|| format!("{} could not be generated", generator.file))?;
        let file = repo.root.join(generator.file);
        if fs::read_to_string(&file).is_ok_and(|found| found == content) {
            continue;
        }
        if args.check {
            stale.push(generator.file);
            continue;
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, content).with_context(|| format!("{} cannot be written", generator.file))?;
        say::step(&format!("wrote {}", generator.file));
    }
    if !stale.is_empty() {
        bail!("not up to date: {}\nrun `cargo xtask gen` and commit what it writes", stale.join(", "));
    }
    Ok(())
}

/// The reference of the command line, written by vox itself.
fn cli_reference(repo: &Repo) -> Result<String> {
    let vox = process::built_program(repo, "vox")?;
    process::capture(Command::new(vox).arg("reference"))
}
