//! `vox import`

use super::{Done, scripts};
use crate::error::{CliError, Kind};
use crate::ui::{Format, Ui};
use clap::Args;
use serde_json::json;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use vox_capabilities::log::escape;
use vox_capabilities::manifest;
use vox_runtime::{LocateError, ScriptError};
use vox_scripts::{Front, Kind as Language, Script, Tree, Violation};

/// Take an Agent Skill over: check its SKILL.md, read its scripts, write its skill.toml
///
/// Nothing of it runs. What scripts want is found by reading them and may be wrong: look at what is written. A skill
/// that breaks a rule of the format is refused, with every rule that it breaks.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox import examples/agent-skills/csv-report --dry-run
  vox import examples/agent-skills/tidy-json --dry-run --format json")]
pub struct ImportArgs {
    /// The skill's folder, with SKILL.md and scripts/
    folder: PathBuf,
    /// Print the skill.toml instead of writing it
    #[arg(long)]
    dry_run: bool,
    /// Replace a skill.toml that is there
    #[arg(long)]
    force: bool,
    /// Take the skill over although its SKILL.md breaks rules of the format
    #[arg(long)]
    lenient: bool,
}

/// A folder that was looked at.
struct Imported {
    name: String,
    violations: Vec<Violation>,
    scripts: Vec<Script>,
    /// Scripts that are components and cannot be used, with the reason.
    broken: Vec<String>,
    text: String,
}

pub fn import(args: &ImportArgs, ui: &Ui) -> Done {
    let file = args.folder.join(manifest::NAME);
    let imported = look(&args.folder)?;
    if !imported.violations.is_empty() {
        let refused = refused(&args.folder, &imported.violations);
        if !args.lenient {
            return Err(refused.into());
        }
        refused.notes.iter().for_each(|note| ui.note(&format!("warning: {note}")));
    }
    imported.broken.iter().for_each(|note| ui.note(&format!("warning: {note}")));
    manifest::parse(&imported.text).map_err(|error| {
        CliError::new(Kind::Bug, format!("the skill.toml that was made is not understood: {error}"))
            .help("this is a bug in vox: please report it with the skill")
    })?;
    if !args.dry_run {
        write(&file, &imported.text, args.force)?;
    }
    match (ui.format(), args.dry_run) {
        (Format::Json, _) => ui.line(&json(&imported, &file, args.dry_run).to_string())?,
        (_, true) => {
            ui.note(summary(&imported).trim_end());
            ui.data(imported.text.as_bytes())?;
        }
        (_, false) => {
            ui.line(&summary(&imported))?;
            ui.note(&format!("wrote {}; look at it, then: vox check {}", file.display(), args.folder.display()));
        }
    }
    Ok(())
}

fn look(folder: &Path) -> Result<Imported, CliError> {
    let tree = Tree::read(folder).map_err(|error| LocateError::from(ScriptError::from(error)))?;
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = real.file_name().map_or_else(|| "skill".to_owned(), |name| name.to_string_lossy().into_owned());
    let (front, violations) = Front::read(&tree, &name);
    let scripts = vox_scripts::scripts(&tree);
    let text = vox_scripts::manifest(&front, &scripts);
    let broken = scripts.iter().filter(|script| script.kind == Language::Component).filter_map(|script| {
        let bytes = &tree.file(&script.path)?.bytes;
        let error = vox_inspect::inspect(bytes, &vox_inspect::Limits::default()).err()?;
        Some(format!("{}: {error}", script.path))
    });
    let broken = broken.collect();
    Ok(Imported { name: front.name.unwrap_or(name), violations, scripts, broken, text })
}

/// Every rule that is broken, with its line and the way out.
fn refused(folder: &Path, violations: &[Violation]) -> CliError {
    let rules = if violations.len() == 1 { "a rule" } else { "rules" };
    let message = format!("{} breaks {rules} of the Agent Skills format", folder.display());
    let mut error = CliError::usage(message);
    error.notes = violations
        .iter()
        .map(|one| match one.line {
            Some(line) => format!("SKILL.md:{line}: {}; {}", one.what, one.fix),
            None => format!("{}; {}", one.what, one.fix),
        })
        .collect();
    error.help(format!("mend it, or take it as it is: vox import {} --lenient", folder.display()))
}

fn summary(imported: &Imported) -> String {
    let count = imported.scripts.len();
    let mut out = format!("{}: {count} script{}\n", escape(&imported.name), if count == 1 { "" } else { "s" });
    imported.scripts.iter().for_each(|script| out.push_str(&scripts::text(script)));
    out
}

fn json(imported: &Imported, file: &Path, dry: bool) -> serde_json::Value {
    json!({
        "version": 1,
        "name": imported.name,
        "violations": imported.violations,
        "scripts": imported.scripts.iter().map(scripts::json).collect::<Vec<_>>(),
        "broken": imported.broken,
        "manifest": imported.text,
        "written": (!dry).then(|| file.display().to_string()),
    })
}

/// Writes the manifest whole or not at all, and over nothing unless that was asked for.
fn write(file: &Path, text: &str, force: bool) -> Result<(), CliError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let put = || -> io::Result<()> {
        let mut temp = tempfile::NamedTempFile::new_in(folder)?;
        temp.write_all(text.as_bytes())?;
        temp.as_file().set_permissions(PermissionsExt::from_mode(0o644))?;
        temp.as_file().sync_all()?;
        let kept = if force { temp.persist(file) } else { temp.persist_noclobber(file) };
        kept.map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    put().map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => CliError::usage(format!("{} is there already", file.display())).help(format!(
            "replace it: vox import {0} --force\n      or see what would be written: vox import {0} --dry-run",
            folder.display()
        )),
        _ => CliError::usage(format!("{} cannot be written: {error}", file.display())),
    })
}
