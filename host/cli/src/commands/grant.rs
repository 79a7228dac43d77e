//! `vox grant`

use super::Done;
use crate::authority::{asking, project, served, state};
use crate::error::{CliError, Kind};
use crate::grant_args::GrantArgs;
use crate::ui::{Format, Ui};
use crate::{host, places};
use clap::Args;
use serde_json::json;
use std::time::Duration;
use vox_ledger::{Consented, Decision, Event, Grants, NewGrant, Record, Terms, Trust};
use vox_model::{GrantSet as _, SkillRef, units};

/// Give a skill what it may have, for good or for a while
///
/// The grant is bound to the content of the skill: a new version asks again, and is shown only what widened. Without
/// flags everything that its skill.toml asks for is meant.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox grant ./mine.wasm --allow-http https://api.example.org/v1
  vox grant ./mine.wasm --allow-read docs --for 10m --times 20
  vox grant ./mine.wasm --allow-subprocess=git --trust
  vox grant --project --yes")]
pub struct GrantVerbArgs {
    /// A bundle name such as json, a skill folder, or the path of a .wasm file
    #[arg(required_unless_present = "project", conflicts_with = "project")]
    skill: Option<String>,
    #[command(flatten)]
    grant: GrantArgs,
    /// Forbid what the flags say instead of allowing it; without flags forbid everything
    #[arg(long)]
    deny: bool,
    /// Until when, from now
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    r#for: Option<Duration>,
    /// How many calls
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    times: Option<u64>,
    /// Trust the vox.toml of this project as it is now
    #[arg(long)]
    project: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub fn grant(args: &GrantVerbArgs, ui: &Ui, quiet: bool) -> Done {
    let Some(skill) = &args.skill else { return trust(args, ui) };
    let reference: SkillRef = skill.parse().map_err(|error| CliError::usage(format!("{error}")))?;
    let host = host::start(ui, quiet)?;
    let skill = host.inspect(&reference)?;
    let mut wanted = args.grant.granted()?;
    if wanted.is_empty() && !args.deny {
        let asked = skill.manifest().map(|manifest| {
            let missing = manifest.required.iter().flat_map(|word| wanted.missing(&manifest.requests, *word));
            let words: Vec<_> = missing.flat_map(|flag| crate::cli::split_flag(&flag)).collect();
            crate::cli::grant_args(words).and_then(|args| args.granted())
        });
        wanted = asked.transpose()?.unwrap_or_default();
        if wanted.is_empty() {
            return Err(CliError::usage(format!("what is `{}` to have?", skill.artifact().name))
                .help("say it by flags, such as --allow-http https://api.example.org; see vox grant --help")
                .into());
        }
        if !ui.confirmed(args.yes, &format!("allow {}: {}?", skill.package(), wanted.describe().join("; ")))? {
            return Err(CliError::new(Kind::Cancelled, "nothing was granted").into());
        }
    }
    let decision = match (args.deny, wanted.is_empty()) {
        (false, _) => Decision::Allow,
        (true, false) => Decision::Deny,
        (true, true) => Decision::DenyAll,
    };
    let root = places::state()?;
    let terms = Terms { lasting: args.r#for, times: args.times };
    let new = NewGrant { asking: asking(&skill), decision, grant: wanted.clone(), terms };
    let added = Grants::new(&root).add(new).map_err(state)?;
    let event = Event::Consent(Consented {
        action: if args.deny { "denied" } else { "granted" }.to_owned(),
        caller: "cli".to_owned(),
        scope: wanted.describe().join("; "),
    });
    super::audit(&root).note(&Record::now("", skill.package(), skill.digest(), event));
    let verb = if args.deny { "may not" } else { "may" };
    match ui.format() {
        Format::Json => ui.line(
            &json!({
                "version": 1, "id": added.id.to_string(), "package": skill.package(),
                "digest": skill.digest().to_string(), "decision": verb, "grants": wanted.describe(),
            })
            .to_string(),
        )?,
        Format::Text | Format::Wave => {
            ui.line(&format!("{}  {} {} {verb}:", added.id, skill.package(), skill.digest().short()))?;
            for line in wanted.describe() {
                ui.line(&format!("  {line}"))?;
            }
            if decision == Decision::Allow {
                for line in served(&skill) {
                    ui.line(&format!("  {line}"))?;
                }
            }
            if decision == Decision::DenyAll {
                ui.line("  have anything")?;
            }
        }
    }
    if !args.deny && wanted.subprocess.trust && wanted.subprocess.is_empty() {
        ui.note("note: this lets no program run by itself; `--allow-subprocess` says which may");
    }
    for id in added.denied_by {
        ui.note(&format!("note: {id} forbids some of it, and that holds"));
    }
    Ok(())
}

fn trust(args: &GrantVerbArgs, ui: &Ui) -> Done {
    let project =
        project::find()?.ok_or_else(|| CliError::new(Kind::NotFound, "there is no vox.toml here or above"))?;
    for (package, granted) in &project.grants {
        ui.note(&format!("{package} may:"));
        for line in granted.describe() {
            ui.note(&format!("  {line}"));
        }
    }
    if !args.deny && !ui.confirmed(args.yes, &format!("trust {}?", project.path.display()))? {
        return Err(CliError::new(Kind::Cancelled, "nothing was granted").into());
    }
    Trust::new(&places::state()?).decide(&project.path, &project.content, !args.deny).map_err(state)?;
    let verb = if args.deny { "is refused" } else { "is trusted as it is now" };
    ui.line(&format!("{} {verb}", project.path.display()))?;
    Ok(())
}
