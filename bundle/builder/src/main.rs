//! Makes the bundle: core modules of the components in, component files and a manifest out.
//!
//! Each module goes through the stages in their order: pre-initialise, optimise, make a component, document,
//! check. `cargo xtask bundle` builds the modules and calls this program.

mod componentize;
mod optimize;
mod output;
mod preinit;
mod recipe;
mod tools;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use vox_bundle::compose;
use vox_bundle::manifest::{FileEntry, PartEntry};

use crate::output::Output;
use crate::recipe::{Ingredient, Recipe};

/// Makes the bundle from the core modules of its components.
#[derive(Parser)]
struct Args {
    /// The parts: bundle/recipe.toml
    #[arg(long)]
    recipe: PathBuf,
    /// The folder of the WIT package that the parts serve: wit/bundle
    #[arg(long)]
    wit: PathBuf,
    /// The folder with the core modules, built for wasm32-unknown-unknown
    #[arg(long)]
    modules: PathBuf,
    /// The lock file of the workspace, for the versions of the libraries that took part
    #[arg(long)]
    lock: PathBuf,
    /// The digest of the sources, kept in the manifest
    #[arg(long)]
    source: String,
    /// The compiler that made the modules, kept in the manifest
    #[arg(long)]
    compiler: String,
    /// The folder to write; what stands there is replaced when everything has succeeded
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    match build(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn build(args: &Args) -> Result<()> {
    let recipe = Recipe::read(&args.recipe)?;
    let wit = componentize::Wit::read(&args.wit)?;
    let tools = tools::versions(&args.lock, &args.compiler)?;
    let mut output = Output::begin(&args.out)?;

    let mut parts = Vec::new();
    let mut components = Vec::new();
    for ingredient in recipe.parts {
        let start = Instant::now();
        let component =
            make(args, &wit, &ingredient).with_context(|| format!("the part {} could not be made", ingredient.name))?;
        let file = output.add(&ingredient.name, &component)?;
        report(&ingredient.name, &file, start);
        components.push((ingredient.name.clone(), component));
        parts.push(PartEntry {
            name: ingredient.name,
            interface: ingredient.interface,
            world: ingredient.world,
            description: ingredient.description,
            file,
        });
    }

    let start = Instant::now();
    let named: Vec<(&str, &[u8])> =
        components.iter().map(|(name, component)| (name.as_str(), component.as_slice())).collect();
    let whole = compose::merge(&named).context("the parts do not merge")?;
    let whole = output.add("bundle", &whole)?;
    report("all parts in one", &whole, start);
    output.finish(parts, whole, args.source.clone(), tools)
}

/// Takes one part through all stages.
fn make(args: &Args, wit: &componentize::Wit, ingredient: &Ingredient) -> Result<Vec<u8>> {
    let file = args.modules.join(ingredient.module());
    let module = fs::read(&file)
        .with_context(|| format!("{} cannot be read; `cargo xtask guests` builds it", file.display()))?;
    if wasmparser::Parser::is_component(&module) {
        bail!(
            "{} is a component already, as `cargo component build` makes it; `cargo xtask bundle` builds the \
             core module that is needed here",
            file.display()
        );
    }
    let module = preinit::run(&module)?;
    let module = optimize::run(&module)?;
    componentize::run(wit, ingredient, &module)
}

fn report(name: &str, file: &FileEntry, start: Instant) {
    say(&format!(
        "  {name}: {} KiB, {} KiB compressed, {:.1} s",
        file.size / 1024,
        file.packed_size / 1024,
        start.elapsed().as_secs_f64()
    ));
}

#[allow(clippy::print_stderr, reason = "a program for developers; what it made is what they want to see")]
fn say(text: &str) {
    eprintln!("{text}");
}
