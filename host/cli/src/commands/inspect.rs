//! `vox inspect`

use super::{Done, scripts};
use crate::error::CliError;
use crate::host;
use crate::signature;
use crate::ui::{Format, Ui};
use clap::Args;
use serde_json::json;
use std::fmt::Write as _;
use vox_capabilities::manifest;
use vox_model::{SkillRef, schema};
use vox_runtime::{Scripts, Skill};

/// Show what a skill imports and exports, with signatures and docs, or its scripts
///
/// Reads the component or the folder and runs nothing of it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox inspect json
  vox inspect ./mine.wasm --format json")]
pub struct InspectArgs {
    /// A bundle name such as json, or the path of a .wasm file or of a skill folder
    skill: String,
    /// Show the JSON Schema of each function's arguments and result
    #[arg(long)]
    schema: bool,
}

pub fn inspect(args: &InspectArgs, ui: &Ui, quiet: bool) -> Done {
    let reference: SkillRef = args.skill.parse().map_err(|error| CliError::usage(format!("{error}")))?;
    let host = host::start(ui, quiet)?;
    let skill = host.inspect(&reference)?;
    host::notes(host, ui);
    match ui.format() {
        Format::Json => ui.line(&json(&skill, args.schema).to_string())?,
        Format::Text | Format::Wave => ui.line(&text(&skill, args.schema))?,
    }
    Ok(())
}

fn text(skill: &Skill, schemas: bool) -> String {
    let (facts, requirements) = (skill.facts(), skill.requirements());
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}  sha256:{}  {} KiB",
        skill.artifact().name,
        skill.digest().short(),
        facts.size.div_ceil(1024)
    );
    if let Some(found) = skill.scripts().filter(|_| skill.interpreted()) {
        return out + &folder(skill, found);
    }
    let _ = writeln!(out, "worlds   {}", list(&skill.worlds()));
    let commands = skill.manifest().map(|manifest| &manifest.served.commands);
    for need in &requirements.needs {
        let how = match need.because.as_str() {
            manifest::NAME => "asked for in",
            _ if facts.contract => "has",
            _ => "imports",
        };
        let by = commands.and_then(|all| all.get(&need.because)).map(|command| format!(", served by `{command}`"));
        let _ = writeln!(out, "needs    {} ({how} {}{})", need.capability, need.because, by.unwrap_or_default());
    }
    for (import, reason) in &requirements.unservable {
        let _ = writeln!(out, "unserved {import}: {reason}");
    }
    for import in &requirements.unknown {
        let _ = writeln!(out, "unknown  {import}");
    }
    for import in &requirements.bundled {
        let _ = writeln!(out, "bundle   {import} (composed in)");
    }
    let _ = match requirements.inert.len() {
        0 if facts.imports.is_empty() => writeln!(out, "imports  nothing"),
        0 => Ok(()),
        count => {
            writeln!(out, "inert    {count} imports of base WASI, linked without effect: {}", list(&requirements.inert))
        }
    };
    if !requirements.blocked.is_empty() {
        let _ = writeln!(
            out,
            "blocked  {} imports whose functions trap: {}",
            requirements.blocked.len(),
            list(&requirements.blocked)
        );
    }
    if !facts.producers.is_empty() {
        let made: Vec<_> = facts.producers.iter().map(|(field, value)| format!("{field} {value}")).collect();
        let _ = writeln!(out, "made by  {}", made.join(", "));
    }
    let core = &facts.core;
    let (modules, functions, code) = (core.modules, core.functions, core.code.div_ceil(1024));
    let _ = match facts.contract {
        true => writeln!(out, "inside   a contract without code: commands answer its functions"),
        false => writeln!(out, "inside   {modules} core modules, {functions} functions, {code} KiB of code"),
    };
    for group in facts.functions.chunk_by(|a, b| a.id.interface == b.id.interface) {
        let title = group[0].id.interface.as_deref().unwrap_or("functions of the component");
        let _ = writeln!(out, "\n{title}");
        group.iter().for_each(|function| describe(function, schemas, &mut out));
        for line in signature::types(group.iter()).lines().filter(|line| !line.is_empty()) {
            let _ = writeln!(out, "  {line}");
        }
    }
    if facts.functions.is_empty() {
        let _ = writeln!(out, "\nit exports no functions");
    }
    if let Some(found) = skill.scripts() {
        let _ = write!(out, "\nscripts\n{}", scripts::all(found));
    }
    out
}

/// A folder of scripts without a component.
fn folder(skill: &Skill, found: &Scripts) -> String {
    let mut out = String::new();
    if found.made() {
        let _ = writeln!(out, "manifest none; what `vox import {}` would write says this:", skill.artifact().name);
    }
    for need in &skill.requirements().needs {
        let _ = writeln!(out, "needs    {} (asked for in {})", need.capability, need.because);
    }
    let _ = match found.listed().len() {
        0 => writeln!(out, "scripts  none"),
        _ => write!(out, "scripts\n{}", scripts::all(found)),
    };
    out
}

fn describe(function: &vox_model::Function, schemas: bool, out: &mut String) {
    let _ = writeln!(out, "  {function}");
    for line in function.docs.lines().take_while(|line| !line.is_empty()) {
        let _ = writeln!(out, "      {line}");
    }
    if let Some(why) = &function.uncallable {
        let _ = writeln!(out, "      cannot be called by name: {why}");
    }
    if schemas && function.uncallable.is_none() {
        let _ = writeln!(out, "      arguments {}", schema::arguments(function));
        if let Some(ty) = &function.result {
            let _ = writeln!(out, "      result {}", schema::value(ty));
        }
    }
}

/// The commands that serve imports, by interface.
fn served(served: &manifest::Served) -> serde_json::Map<String, serde_json::Value> {
    let words = |command: &manifest::Command| {
        std::iter::once(&command.program).chain(&command.arguments).cloned().collect::<Vec<_>>()
    };
    served.commands.iter().map(|(name, command)| (name.clone(), json!(words(command)))).collect()
}

fn list(items: &[String]) -> String {
    match items.is_empty() {
        true => "none".to_owned(),
        false => items.join(", "),
    }
}

fn json(skill: &Skill, schemas: bool) -> serde_json::Value {
    let (facts, requirements) = (skill.facts(), skill.requirements());
    let function = |f: &vox_model::Function| {
        let mut object = json!({
            "name": facts.display_name(f),
            "id": f.id.to_string(),
            "signature": f.to_string(),
            "docs": f.docs,
            "callable": f.uncallable.is_none(),
            "uncallable": f.uncallable,
        });
        if let (true, Some(object)) = (schemas && f.uncallable.is_none(), object.as_object_mut()) {
            object.insert("arguments".to_owned(), schema::arguments(f));
            object.insert("result".to_owned(), f.result.as_ref().map(schema::value).into());
        }
        object
    };
    let mut all = json!({
        "version": 1,
        "name": skill.artifact().name,
        "digest": format!("sha256:{}", skill.digest()),
        "size": facts.size,
        "worlds": skill.worlds(),
        "needs": requirements.needs,
        "unknown": requirements.unknown,
        "bundled": requirements.bundled,
        "inert": requirements.inert,
        "blocked": requirements.blocked,
        "imports": facts.imports.iter().map(|import| &import.name).collect::<Vec<_>>(),
        "exports": facts.exports,
        "functions": facts.functions.iter().map(function).collect::<Vec<_>>(),
        "producers": facts.producers,
        "core": facts.core,
        "contract": facts.contract,
        "manifest": skill.manifest().is_some() && !skill.scripts().is_some_and(Scripts::made),
        "scripts": skill.scripts().map(|found| {
            found.listed().iter().map(|one| scripts::json(&one.facts)).collect::<Vec<_>>()
        }),
    });
    if let (Some(manifest), Some(all)) = (skill.manifest().filter(|m| !m.served.is_empty()), all.as_object_mut()) {
        all.insert("served".to_owned(), served(&manifest.served).into());
        let unservable = requirements.unservable.iter();
        all.insert("unservable".to_owned(), unservable.map(|(import, _)| import.as_str()).collect());
    }
    all
}
