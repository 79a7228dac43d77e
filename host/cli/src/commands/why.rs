//! `vox why`

use super::{Done, Ended, scripts};
use crate::authority::Authority;
use crate::cli::{LimitArgs, NetworkArgs};
use crate::error::{CliError, refused_kind};
use crate::grant_args::GrantArgs;
use crate::host;
use crate::ui::{Format, Ui};
use clap::Args;
use serde_json::json;
use std::fmt::Write as _;
use std::process::ExitCode;
use vox_model::{Plan, SkillRef, Tier};
use vox_runtime::{Refused, Skill, decide, offers};

/// Tell where a skill would run and with what, and why; or why it may not
///
/// Exits with 3 when the skill may not run, and with 10 when this machine lacks what it needs.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox why markdown
  vox why ./mine.wasm --format json
  vox why ./mine.wasm --allow-subprocess=git --trust")]
pub struct WhyArgs {
    /// A bundle name such as json, or the path of a .wasm file or of a skill folder
    skill: String,
    /// The script of a skill folder, such as scripts/report.py
    script: Option<String>,
    #[command(flatten)]
    grant: GrantArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

pub fn why(args: &WhyArgs, ui: &Ui, quiet: bool) -> Done {
    let reference: SkillRef = args.skill.parse().map_err(|error| CliError::usage(format!("{error}")))?;
    let host = host::start_with(ui, quiet, &NetworkArgs::default(), args.limits.container_profile)?;
    let skill = match &args.script {
        Some(script) => host.inspect_script(&reference, script)?,
        None => host.inspect(&reference)?,
    };
    let granted = Authority::new(&args.grant, ui)?.granted(&skill, ui)?;
    let decision = decide(&skill, granted.clone(), args.limits.limits(&skill));
    host::notes(host, ui);
    let (text, json) = match &decision {
        Ok(admitted) => {
            (admitted_text(&skill, admitted.plan()), scripts_json(&skill, admitted_json(&skill, admitted.plan())))
        }
        Err(refused) => (refused_text(&skill, refused), scripts_json(&skill, refused_json(&skill, refused))),
    };
    match ui.format() {
        Format::Json => ui.line(&json.to_string())?,
        Format::Text | Format::Wave => ui.line(&text)?,
    }
    match decision {
        Ok(_) => Ok(()),
        Err(refused) => Err(Ended::Status(ExitCode::from(refused_kind(&refused).code()))),
    }
}

fn head(skill: &Skill, verdict: &str) -> String {
    let worlds = match skill.worlds() {
        worlds if worlds.is_empty() => "none".to_owned(),
        worlds => worlds.join(", "),
    };
    match (skill.interpreted(), skill.script()) {
        (true, Some(script)) => {
            let path = vox_capabilities::log::escape(&script.asked.path);
            format!("{path} of {} {verdict}\n", skill.artifact().name)
        }
        (true, None) => format!("{} {verdict}\n", skill.artifact().name),
        (false, _) => format!("{} {verdict}\n  worlds   {worlds}\n", skill.artifact().name),
    }
}

/// The scripts of a folder that was asked about as a whole: each has a tier of its own.
fn scripts_text(skill: &Skill, out: &mut String) {
    if let (Some(found), None) = (skill.scripts(), skill.script()) {
        out.push_str(&scripts::all(found));
    }
}

fn scripts_json(skill: &Skill, mut object: serde_json::Value) -> serde_json::Value {
    let Some(found) = skill.scripts() else { return object };
    let shown: Vec<_> = match skill.script() {
        Some(script) => vec![scripts::json(&script.facts)],
        None => found.listed().iter().map(|one| scripts::json(&one.facts)).collect(),
    };
    if let Some(object) = object.as_object_mut() {
        object.insert("scripts".to_owned(), shown.into());
    }
    object
}

fn admitted_text(skill: &Skill, plan: &Plan) -> String {
    let mut out = head(skill, &format!("runs on the {} tier", plan.tier));
    let _ = writeln!(out, "  because  {}", plan.reason);
    for need in &plan.requirements.needs {
        let _ = writeln!(out, "  granted  {}, for {}", need.capability, need.because);
    }
    for outside in &plan.outside {
        let place = match outside.tier {
            Tier::Container => "in a container of",
            Tier::Process => "on the process tier:",
            Tier::Wasm => "in the sandbox by",
        };
        let _ = writeln!(out, "  outside  {}, {place} {}", outside.import, outside.by);
    }
    for import in &plan.requirements.bundled {
        let _ = writeln!(out, "  linked   {import}, from the bundle");
    }
    for import in &plan.requirements.inert {
        let _ = writeln!(out, "  inert    {import}");
    }
    for import in &plan.requirements.blocked {
        let _ = writeln!(out, "  blocked  {import}");
    }
    let limits = &plan.limits;
    let _ = writeln!(
        out,
        "  limits   time {:?}, CPU {:?}, memory {} MiB, output {} KiB",
        limits.time,
        limits.cpu,
        limits.memory >> 20,
        limits.output >> 10
    );
    scripts_text(skill, &mut out);
    out
}

fn refused_text(skill: &Skill, refused: &Refused) -> String {
    let mut out = head(skill, "may not run");
    let mut helped: Vec<&[String]> = Vec::new();
    for denial in &refused.denials {
        let _ = writeln!(out, "  denied   {}: {}", denial.asked, denial.rule);
        // Two imports of one capability have one way out.
        if !denial.flags.is_empty() && !helped.contains(&&*denial.flags) {
            helped.push(&denial.flags);
            let _ = writeln!(out, "  help     vox grant {} {}", skill.artifact().name, denial.flags.join(" "));
        }
        if !denial.help.is_empty() {
            let _ = writeln!(out, "  help     {}", denial.help);
        }
    }
    // Engines are measured only for a skill that asks for programs.
    let programs = skill.requirements().needs.iter().any(|need| vox_capabilities::by_programs(need.capability));
    for offer in offers(skill.programs().filter(|_| programs), skill.trusted().filter(|_| programs)) {
        let _ = match offer.offered {
            Ok(by) if offer.tier == Tier::Process => {
                writeln!(out, "  tier     {}: offered to skills that are trusted, with --trust: {by}", offer.tier)
            }
            _ if offer.tier != Tier::Wasm && !programs => {
                writeln!(out, "  tier     {}: it serves programs, and this skill asks for none", offer.tier)
            }
            Ok(by) => writeln!(out, "  tier     {}: offered: {by}", offer.tier),
            Err(why) => writeln!(out, "  tier     {}: {why}", offer.tier),
        };
    }
    if let Some(script) = skill.script().filter(|_| skill.interpreted()) {
        let _ = writeln!(out, "  because  {}", vox_capabilities::log::escape(&script.facts.reason));
    }
    scripts_text(skill, &mut out);
    out
}

fn admitted_json(skill: &Skill, plan: &Plan) -> serde_json::Value {
    json!({
        "version": 1,
        "name": skill.artifact().name,
        "runs": true,
        "tier": plan.tier,
        "reason": plan.reason,
        "worlds": skill.worlds(),
        "granted": plan.requirements.needs,
        "bundled": plan.requirements.bundled,
        "outside": plan.outside,
        "inert": plan.requirements.inert,
        "blocked": plan.requirements.blocked,
        "limits": {
            "time-ms": plan.limits.time.as_millis() as u64,
            "cpu-ms": plan.limits.cpu.as_millis() as u64,
            "memory": plan.limits.memory,
            "output": plan.limits.output,
        },
    })
}

fn refused_json(skill: &Skill, refused: &Refused) -> serde_json::Value {
    json!({
        "version": 1,
        "name": skill.artifact().name,
        "runs": false,
        "worlds": skill.worlds(),
        "denials": refused.denials,
    })
}
