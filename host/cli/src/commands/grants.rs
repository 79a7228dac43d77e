//! `vox grants` and `vox revoke`

use super::Done;
use crate::authority::state;
use crate::error::{CliError, Kind};
use crate::ui::{Format, Ui};
use crate::{host, places};
use clap::Args;
use serde_json::json;
use vox_capabilities::Granted;
use vox_ledger::{Consented, Decision, Entry, Event, Grants, Life, Record, Revoke, Timestamp};
use vox_model::GrantSet as _;

/// List who may do what, since when, and when it was last used
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox grants
  vox grants acme:issues --format json
  vox grants ./mine.wasm")]
pub struct GrantsArgs {
    /// Only this package, or the package of this skill
    package: Option<String>,
}

pub fn grants(args: &GrantsArgs, ui: &Ui) -> Done {
    let store = Grants::<Granted>::new(&places::state()?);
    let mut entries = store.list().map_err(state)?;
    if let Some(word) = &args.package {
        let package = package(word, &entries, ui)?;
        entries.retain(|entry| package == entry.package);
    }
    for path in store.damaged().map_err(state)? {
        ui.note(&format!("warning: a damaged store of grants was put aside: {}", path.display()));
    }
    let now = Timestamp::now();
    if ui.format() == Format::Json {
        let all: Vec<_> = entries.iter().map(|entry| as_json(entry, now)).collect();
        ui.line(&json!({"version": 1, "grants": all}).to_string())?;
        return Ok(());
    }
    if entries.is_empty() {
        ui.note("nothing is granted");
    }
    for entry in &entries {
        let verb = if entry.decision == Decision::Allow { "may" } else { "may not" };
        ui.line(&format!(
            "{}  {} {} {verb}:  {}",
            entry.id,
            entry.package,
            entry.digest.short(),
            standing(entry, now)
        ))?;
        for line in entry.grant.describe() {
            ui.line(&format!("  {line}"))?;
        }
        if entry.decision == Decision::DenyAll {
            ui.line("  have anything")?;
        }
    }
    Ok(())
}

/// What somebody calls a package: its name, or a skill as it is named everywhere else. A name that something was granted
/// to comes first, so that a file cannot stand in its way.
fn package(word: &str, entries: &[Entry<Granted>], ui: &Ui) -> Result<String, CliError> {
    if entries.iter().any(|entry| entry.package == word) {
        return Ok(word.to_owned());
    }
    let Ok(reference) = word.parse() else { return Ok(word.to_owned()) };
    // A skill that is gone, or is none any more, has no name to go by but the one that was written.
    Ok(host::start(ui, true)?.inspect(&reference).map_or_else(|_| word.to_owned(), |skill| skill.package().to_owned()))
}

/// Since when, until when, how often still.
fn standing(entry: &Entry<Granted>, now: Timestamp) -> String {
    let mut said = vec![format!("since {:.0}", entry.created)];
    said.extend(entry.last_used.map(|at| format!("last used {at:.0}")));
    match entry.life(now) {
        Life::Live => {
            said.extend(entry.expires.map(|at| format!("until {at:.0}")));
            said.extend(entry.uses_left.map(|left| format!("{left} calls left")));
        }
        Life::Expired => said.push("expired".to_owned()),
        Life::Spent => said.push("used up".to_owned()),
        Life::Undatable => said.push("not in effect: the clock stands before its beginning".to_owned()),
    }
    said.join(", ")
}

fn as_json(entry: &Entry<Granted>, now: Timestamp) -> serde_json::Value {
    json!({
        "id": entry.id.to_string(),
        "package": entry.package,
        "digest": entry.digest.to_string(),
        "decision": match entry.decision {
            Decision::Allow => "allow",
            Decision::Deny => "deny",
            Decision::DenyAll => "deny-all",
        },
        "grants": entry.grant.describe(),
        "created": entry.created.to_string(),
        "last-used": entry.last_used.map(|at| at.to_string()),
        "expires": entry.expires.map(|at| at.to_string()),
        "uses-left": entry.uses_left,
        "live": entry.life(now) == Life::Live,
    })
}

/// Take grants back, also from calls that are running
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox revoke g3
  vox revoke acme:issues
  vox revoke ./mine.wasm
  vox revoke --all")]
pub struct RevokeArgs {
    /// A grant as `vox grants` shows it, a package, or a skill whose package is meant
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    what: Option<String>,
    /// Everything that was ever granted
    #[arg(long)]
    all: bool,
}

pub fn revoke(args: &RevokeArgs, ui: &Ui) -> Done {
    let root = places::state()?;
    let store = Grants::<Granted>::new(&root);
    let what = match &args.what {
        None => Revoke::All,
        Some(word) => match word.parse() {
            Ok(id) => Revoke::Id(id),
            Err(_) => Revoke::Skill(package(word, &store.list().map_err(state)?, ui)?),
        },
    };
    let gone = store.revoke(&what).map_err(|error| CliError::new(Kind::NotFound, error.to_string()))?;
    if let (Revoke::Skill(package), true) = (&what, gone.is_empty()) {
        return Err(CliError::new(Kind::NotFound, format!("nothing is granted to `{package}`"))
            .help("see what is: vox grants")
            .into());
    }
    let audit = super::audit(&root);
    for entry in &gone {
        let scope = entry.grant.describe().join("; ");
        let event = Event::Consent(Consented { action: "revoked".to_owned(), caller: "cli".to_owned(), scope });
        audit.note(&Record::now("", &entry.package, entry.digest, event));
    }
    match ui.format() {
        Format::Json => {
            let ids: Vec<_> = gone.iter().map(|entry| entry.id.to_string()).collect();
            ui.line(&json!({"version": 1, "revoked": ids}).to_string())?;
        }
        Format::Text | Format::Wave if gone.is_empty() => ui.line("nothing was granted")?,
        Format::Text | Format::Wave => {
            for entry in &gone {
                ui.line(&format!("{}  {} {} revoked", entry.id, entry.package, entry.digest.short()))?;
            }
        }
    }
    Ok(())
}
