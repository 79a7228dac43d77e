//! `vox check`

use super::Done;
use crate::error::{CliError, Excerpt, Kind};
use crate::host;
use crate::ui::{Format, Ui};
use clap::Args;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use vox_capabilities::{Granted, manifest};
use vox_model::SkillRef;
use vox_runtime::{Scripts, Skill};

/// Check a skill folder: its skill.toml, and whether the component keeps to it
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox check ./issues
  vox check --schema > skill.schema.json")]
pub struct CheckArgs {
    /// The folder
    #[arg(required_unless_present = "schema")]
    folder: Option<PathBuf>,
    /// Print the JSON Schema of skill.toml (draft-07) for editors
    #[arg(long, conflicts_with = "folder")]
    schema: bool,
}

pub fn check(args: &CheckArgs, ui: &Ui, quiet: bool) -> Done {
    let Some(folder) = &args.folder else {
        let schema = serde_json::to_string_pretty(&manifest::schema()).unwrap_or_default();
        ui.line(&schema)?;
        return Ok(());
    };
    if !folder.is_dir() {
        return Err(CliError::new(Kind::NotFound, format!("{} is no folder", folder.display())).into());
    }
    let host = host::start(ui, quiet)?;
    let skill = host.inspect(&SkillRef::File(folder.clone()))?;
    if let Some(problem) = problem(&skill, folder) {
        return Err(problem.into());
    }
    let requirements = skill.requirements();
    for one in skill.scripts().into_iter().flat_map(Scripts::listed).filter(|one| one.asked.interpreter.is_none()) {
        let script = host.inspect_script(&SkillRef::File(folder.clone()), &one.asked.path)?;
        if let Some(problem) = problem(&script, folder) {
            return Err(problem.into());
        }
    }
    let undeclared: Vec<_> = skill.manifest().map_or_else(Vec::new, |manifest| {
        let kept = |need: &&vox_model::Need| {
            !manifest.served.commands.contains_key(&need.because)
                && !manifest.required.contains(&need.capability)
                && !vox_capabilities::free(need.capability)
        };
        requirements.needs.iter().filter(kept).collect()
    });
    for need in &undeclared {
        ui.note(&format!(
            "warning: it imports {} and does not list \"{}\" under required",
            need.because, need.capability
        ));
    }
    // Several imports can lead to one need.
    let needs: BTreeSet<_> = requirements.needs.iter().map(|need| need.capability).collect();
    let asks: Vec<String> = needs
        .iter()
        .flat_map(|need| match skill.manifest() {
            Some(manifest) => match Granted::default().missing(&manifest.requests, *need) {
                // Which folder a script gets its user says.
                flags if flags.is_empty() && skill.interpreted() => {
                    vox_capabilities::flag(*need).map(str::to_owned).into_iter().collect()
                }
                flags => flags,
            },
            None => Vec::new(),
        })
        .collect();
    let words: Vec<_> = needs.iter().map(ToString::to_string).collect();
    match ui.format() {
        Format::Json => ui.line(
            &json!({
                "version": 1, "package": skill.package(), "digest": skill.digest().to_string(),
                "needs": words, "flags": asks, "functions": skill.facts().functions.len(),
                "scripts": skill.scripts().map(|found| found.listed().len()),
            })
            .to_string(),
        )?,
        Format::Text | Format::Wave => {
            let needs = if words.is_empty() { "nothing".to_owned() } else { words.join(", ") };
            let functions = (!skill.interpreted()).then(|| counted(skill.facts().functions.len(), "function"));
            let scripts = skill.scripts().map(|found| counted(found.listed().len(), "script"));
            let has = functions.into_iter().chain(scripts).collect::<Vec<_>>().join(", ");
            ui.line(&format!("{} is fine: {has}, needs {needs}", skill.package()))?;
            if !asks.is_empty() {
                // A name without a folder before it is one of the bundle to the other verbs.
                let here = if folder.components().count() == 1 && folder.is_relative() { "./" } else { "" };
                ui.line(&format!("grant it with: vox grant {here}{} {}", folder.display(), asks.join(" ")))?;
            }
        }
    }
    Ok(())
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Why a component and its manifest do not fit.
fn problem(skill: &Skill, folder: &Path) -> Option<CliError> {
    let requirements = skill.requirements();
    if let Some(need) = requirements.forbidden.first() {
        let message = format!("the component imports {}, and skill.toml forbids `{}`", need.because, need.capability);
        let help = "take the word out of `forbidden`, or build the component without the import";
        return Some(CliError::new(Kind::NotFound, message).help(help));
    }
    if let Some(unknown) = requirements.unknown.first() {
        let message = match skill.facts().contract {
            true => format!("the contract has {unknown}, and no command serves it"),
            false => format!("the component imports {unknown}, and nothing serves this import"),
        };
        return Some(CliError::new(Kind::NotFound, message).help(format!("vox why {}", folder.display())));
    }
    if let Some((import, reason)) = requirements.unservable.first() {
        let message = format!("skill.toml serves {import} by a command, which cannot be: {reason}");
        let help = "pass values instead: records, variants, lists, options, results";
        return Some(CliError::new(Kind::NotFound, message).help(help));
    }
    let served = skill.manifest().map(|manifest| manifest.served.commands.keys());
    if let Some(name) = served.into_iter().flatten().find(|name| !imports(skill, name)) {
        let (what, does) = match skill.facts().contract {
            true => ("contract", "have"),
            false => ("component", "import"),
        };
        let message = format!("skill.toml serves {name}, and the {what} does not {does} it");
        let help = format!("write the name as the {what} does: vox inspect {}", folder.display());
        return Some(CliError::new(Kind::NotFound, message).help(help));
    }
    None
}

/// Whether a component imports an interface.
fn imports(skill: &Skill, name: &str) -> bool {
    skill.facts().imports.iter().any(|import| import.name == name)
}

/// A manifest that is not understood, with the mark at the place.
pub fn wrong_manifest(path: &str, text: String, error: manifest::ManifestError) -> CliError {
    let mut made = CliError::usage(format!("{path}: {}", error.message));
    made.excerpt =
        error.span.map(|span| Excerpt { name: manifest::NAME.to_owned(), text, span, label: "here".to_owned() });
    made.help = error.help;
    made
}
