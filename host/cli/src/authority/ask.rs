//! Asking the person at the terminal, once, with the narrowest choice first.

use super::{asking, state};
use crate::error::CliError;
use crate::ui::Ui;
use vox_capabilities::Granted;
use vox_ledger::{Answer, Audit, Consented, Decision, Event, Grants, NewGrant, Record, Standing, Terms};
use vox_model::GrantSet as _;
use vox_runtime::{Refused, Skill};

/// Asks for what a refusal lacks. Gives what holds for this run alone; what was granted for good is in the store.
/// None where nothing can be asked, or the answer was no.
pub fn person(
    refused: &Refused,
    answer: &Answer<Granted>,
    skill: &Skill,
    grants: &Grants<Granted>,
    audit: &Audit,
    ui: &Ui,
) -> Result<Option<Granted>, CliError> {
    let flags: Vec<&String> = refused.denials.iter().flat_map(|denial| &denial.flags).collect();
    // A denial without flags cannot be mended by a grant, and one with a blank not by a yes: then all stays refused.
    let blank = |flag: &&String| flag.split([' ', '=']).any(|word| matches!(word, "DIR" | "URL" | "NAME"));
    if refused.denials.iter().any(|denial| denial.flags.is_empty()) || flags.iter().any(blank) {
        return Ok(None);
    }
    let words = flags.iter().flat_map(|flag| crate::cli::split_flag(flag));
    let wanted = crate::cli::grant_args(words)?.granted()?;
    let new = match &answer.standing {
        Standing::Widened { old, .. } => wanted.without(old),
        Standing::Granted(_) | Standing::Nothing => wanted.clone(),
    };
    let digest = skill.digest();
    ui.note(&format!("{} ({}, {}) asks for:", skill.package(), skill.artifact().name, digest.short()));
    for line in wanted.describe() {
        let mark = if new.describe().contains(&line) { "+" } else { " " };
        ui.note(&format!("  {mark} {line}"));
    }
    for line in super::served(skill) {
        ui.note(&format!("    {line}"));
    }
    if let Some(text) = skill.manifest().and_then(|manifest| manifest.description.as_ref()) {
        ui.note(&format!("  it says of itself: \"{}\"", vox_capabilities::log::escape(text)));
    }
    let choices = [('o', "once"), ('v', "always, for this version"), ('n', "no"), ('d', "never")];
    let choice = ui.choose("allow it?", &choices);
    let decision = match choice {
        'o' => {
            note(audit, skill, "once", &wanted);
            return Ok(Some(wanted));
        }
        'v' => Decision::Allow,
        'd' => Decision::Deny,
        _ => {
            note(audit, skill, "refused", &wanted);
            return Ok(None);
        }
    };
    note(audit, skill, if decision == Decision::Allow { "granted" } else { "denied" }, &wanted);
    grants.add(NewGrant { asking: asking(skill), decision, grant: wanted, terms: Terms::default() }).map_err(state)?;
    Ok((decision == Decision::Allow).then(Granted::default))
}

fn note(audit: &Audit, skill: &Skill, action: &str, wanted: &Granted) {
    let event = Event::Consent(Consented {
        action: action.to_owned(),
        caller: "cli".to_owned(),
        scope: wanted.describe().join("; "),
    });
    audit.note(&Record::now("", skill.package(), skill.digest(), event));
}
