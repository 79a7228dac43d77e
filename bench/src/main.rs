//! `cargo xtask bench`: measures vox beside its contenders, interleaved in one run, and says where vox loses.

mod contenders;
mod context;
mod guests;
mod inputs;
mod model;
mod report;
mod rows;
mod runner;
mod server;
mod stats;

use anyhow::{Result, bail};
use clap::Parser;
use context::Context;
use model::{Report, SCHEMA};
use runner::Settings;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Measures vox beside its contenders, in pairs of one run.
#[derive(Parser)]
#[command(name = "cargo xtask bench", max_term_width = 100)]
struct Cli {
    /// 9 rounds, under five minutes; the default
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// 25 rounds with longer batches
    #[arg(long)]
    full: bool,
    /// Measure only this group of rows; may be repeated
    #[arg(long, value_name = "NAME")]
    row: Vec<String>,
    /// List the groups of rows
    #[arg(long)]
    list: bool,
    /// End with status 1 when a floor is missed or a contender fails
    #[arg(long)]
    check: bool,
    /// Put the tables between the markers of the README
    #[arg(long)]
    readme: bool,
    /// Take the programs that are there instead of building them
    #[arg(long)]
    no_build: bool,
    /// Where the results go
    #[arg(long, value_name = "FOLDER")]
    results: Option<PathBuf>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let run = match words.get(1).map(String::as_str) {
        Some(contenders::vox::COMPILER) => return compiler(&words[2..]),
        Some(rows::memory::MEASURED) => memory(&words[2..]),
        Some(server::SERVER) => serve(&words[2..]),
        _ => bench(&Cli::parse()),
    };
    match run {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// This program as the compiler of its hosts.
fn compiler(words: &[String]) -> ExitCode {
    let (mut input, mut output, mut errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    ExitCode::from(vox_runtime::compile_child(words, &mut input, &mut output, &mut errors))
}

/// This program as one whose memory is measured.
fn memory(words: &[String]) -> Result<ExitCode> {
    let [cache] = words else { bail!("which cache?") };
    let bytes = rows::memory::measure(Path::new(cache))?;
    writeln!(std::io::stdout(), "{bytes}")?;
    Ok(ExitCode::SUCCESS)
}

/// This program as the server that requests go to.
fn serve(words: &[String]) -> Result<ExitCode> {
    let [folder] = words else { bail!("which folder?") };
    server::serve(Path::new(folder))?;
    Ok(ExitCode::SUCCESS)
}

fn bench(cli: &Cli) -> Result<ExitCode> {
    let mut output = std::io::stdout();
    if cli.list {
        for (name, about, _) in rows::ALL {
            writeln!(output, "{name:8} {about}")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(unknown) = cli.row.iter().find(|row| !rows::ALL.iter().any(|(name, ..)| name == row)) {
        bail!("there is no row {unknown}; see --list");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let settings = match cli.full {
        true => Settings { rounds: 25, batch: Duration::from_millis(50) },
        false => Settings { rounds: 9, batch: Duration::from_millis(15) },
    };
    let context = Context::new(root, settings, !cli.no_build)?;
    let mut all = Vec::new();
    for (name, _, measure) in rows::ALL {
        if cli.row.is_empty() || cli.row.iter().any(|row| row == name) {
            for row in measure(&context)? {
                write!(output, "{}", report::terminal::lines(&row))?;
                output.flush()?;
                all.push(row);
            }
        }
    }
    let report = Report { schema: SCHEMA, environment: report::environment::describe(&context), rows: all };
    finish(cli, &context, &report)
}

/// Writes the results and says what is wrong with them.
fn finish(cli: &Cli, context: &Context, report: &Report) -> Result<ExitCode> {
    let folder = cli.results.clone().unwrap_or_else(|| context.root.join("bench/results"));
    report::write(report, &folder)?;
    let mut output = std::io::stdout();
    writeln!(output, "\nwritten: latest.json, latest.md and latest.svg in {}", folder.display())?;
    if cli.readme {
        report::into_readme(report, &context.root.join("README.md"))?;
    }
    let complaints = report.complaints();
    for complaint in &complaints {
        writeln!(output, "! {complaint}")?;
    }
    Ok(if cli.check && !complaints.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
