//! `vox audit`

use super::Done;
use crate::authority::state;
use crate::error::CliError;
use crate::places;
use crate::ui::{Format, Ui};
use clap::Args;
use std::time::Duration;
use vox_ledger::{Event, Filter, Record, Timestamp};
use vox_model::{Capability, Verdict, units};

/// Read what skills did and what was decided about them
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox audit --last 20
  vox audit --skill acme:issues --verdict denied --since 10m --format json")]
pub struct AuditArgs {
    /// Only this package
    #[arg(long, value_name = "PACKAGE")]
    skill: Option<String>,
    /// Only this call
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    /// Only this capability
    #[arg(long, value_name = "WORD")]
    capability: Option<Capability>,
    /// Only what was allowed, denied or failed
    #[arg(long, value_name = "VERDICT", value_parser = verdict)]
    verdict: Option<Verdict>,
    /// Only what is not older
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    since: Option<Duration>,
    /// Only the last records
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

fn verdict(text: &str) -> Result<Verdict, String> {
    let known = [Verdict::Allowed, Verdict::Denied, Verdict::Failed];
    known.into_iter().find(|verdict| verdict.to_string() == text).ok_or_else(|| "allowed, denied or failed".to_owned())
}

pub fn audit(args: &AuditArgs, ui: &Ui) -> Done {
    let since = match args.since {
        Some(since) => Some(Timestamp::now().checked_sub(since).map_err(|error| CliError::usage(error.to_string()))?),
        None => None,
    };
    let filter = Filter {
        skill: args.skill.clone(),
        call: args.call.clone(),
        capability: args.capability,
        verdict: args.verdict,
        since,
        last: args.last,
    };
    let reading = super::audit(&places::state()?).read(&filter).map_err(state)?;
    for note in &reading.notes {
        ui.note(&format!("warning: {note}"));
    }
    for record in &reading.records {
        match ui.format() {
            Format::Json => ui.line(&serde_json::to_string(record).unwrap_or_default())?,
            Format::Text | Format::Wave => ui.line(&line(record))?,
        }
    }
    Ok(())
}

fn line(record: &Record) -> String {
    let said = match &record.event {
        Event::Started(started) => format!("called    {} ({}, by {})", started.function, started.tier, started.caller),
        Event::Effect(effect) => {
            let bytes = match (effect.received, effect.sent) {
                (0, 0) => String::new(),
                (received, sent) => format!(", {received} bytes in, {sent} out"),
            };
            let (verdict, action) = (effect.verdict.to_string(), &effect.action);
            format!("{verdict:<9} {} {action} {} [{}{bytes}]", effect.capability, effect.target, effect.rule)
        }
        Event::Ended(ended) => {
            let detail = if ended.detail.is_empty() { String::new() } else { format!(": {}", ended.detail) };
            format!("ended     {} {} after {} us{detail}", ended.function, ended.verdict, ended.duration_us)
        }
        Event::Consent(consent) => format!("consent   {} by {}: {}", consent.action, consent.caller, consent.scope),
        Event::More { effects } => {
            let counted: Vec<_> = effects.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            format!("more      {}, not taken down singly", counted.join(", "))
        }
        other => serde_json::to_string(other).unwrap_or_default(),
    };
    format!("{:.3} {} {} {said}", record.time, record.skill, record.digest.short())
}
