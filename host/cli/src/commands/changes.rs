//! `vox changes`, `vox diff`, `vox approve` and `vox discard`: what calls staged, until a person decides.

use super::Done;
use crate::authority::state;
use crate::error::{CliError, Kind};
use crate::places;
use crate::ui::{Format, Ui};
use clap::Args;
use serde_json::json;
use vox_capabilities::files::changes::{
    Approval, ApproveError, ChangeSet, Choice, Entry, Review, Store, StoreError, View, escaped,
};

/// List the change sets that wait for a decision
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox changes
  vox changes --format json")]
pub struct ChangesArgs {}

/// Show what a change set would do to the folder
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox diff
  vox diff 4f1c --only notes.md")]
pub struct DiffArgs {
    /// The beginning of its id; the last change set where there is none
    id: Option<String>,
    /// Show only this path and what is below it; may be repeated
    #[arg(long, value_name = "PATH")]
    only: Vec<String>,
}

/// Apply a change set to the folder, all of it or none
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox approve
  vox approve 4f1c --yes
  vox approve 4f1c --only notes.md --yes")]
pub struct ApproveArgs {
    /// The beginning of its id; the last change set where there is none
    id: Option<String>,
    /// Apply only this path; may be repeated. The rest stays
    #[arg(long, value_name = "PATH")]
    only: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Also apply what this machine would run later, such as hooks and CI files
    #[arg(long)]
    even_dangerous: bool,
}

/// Throw a change set away
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox discard 4f1c
  vox discard --yes")]
pub struct DiscardArgs {
    /// The beginning of its id; the last change set where there is none
    id: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// The store of change sets, after what an earlier crash left behind is brought to an end.
fn open(ui: &Ui) -> Result<Store, CliError> {
    let store = Store::open(&places::changes()?).map_err(state)?;
    let recovered = store.recover().map_err(state)?;
    for set in &recovered.forward {
        ui.note(&format!("note: {set} was being applied when vox was stopped; it is applied now"));
    }
    for set in &recovered.back {
        ui.note(&format!("note: {set} was being applied when vox was stopped; nothing of it was"));
    }
    for stuck in &recovered.stuck {
        ui.note(&format!("warning: {} is half applied: {}", stuck.set, stuck.why));
    }
    Ok(store)
}

fn pick(store: &Store, id: Option<&str>) -> Result<ChangeSet, CliError> {
    let none = || CliError::new(Kind::NotFound, "no change set is waiting").help("vox changes");
    match id {
        Some(prefix) => store.get(prefix).map_err(not_found),
        None => store.latest().map_err(state)?.ok_or_else(none),
    }
}

fn not_found(error: StoreError) -> CliError {
    match error {
        StoreError::NotFound(_) | StoreError::Ambiguous { .. } => {
            CliError::new(Kind::NotFound, error.to_string()).help("vox changes")
        }
        error => state(error),
    }
}

pub fn changes(_: &ChangesArgs, ui: &Ui) -> Done {
    let listed = open(ui)?.list().map_err(state)?;
    for (name, why) in &listed.damaged {
        ui.note(&format!("warning: the change set {name} is damaged: {why}"));
    }
    match ui.format() {
        Format::Json => {
            let all: Vec<_> = listed.sets.iter().map(as_json).collect();
            ui.line(&json!({"version": 1, "changes": all}).to_string())?;
        }
        Format::Text | Format::Wave => {
            if listed.sets.is_empty() {
                ui.note("no change set is waiting");
            }
            for set in &listed.sets {
                let count = set.changes.len();
                let paths = if count == 1 { "path" } else { "paths" };
                let folder = set.header.folder.display();
                ui.line(&format!("{}  {} by {}: {count} {paths}", set.id.short(), folder, escaped(&set.header.skill)))?;
            }
        }
    }
    Ok(())
}

fn as_json(set: &ChangeSet) -> serde_json::Value {
    let paths: Vec<_> =
        set.changes.iter().map(|change| json!({"path": change.path, "action": change.action().to_string()})).collect();
    json!({
        "id": set.id.to_string(),
        "folder": set.header.folder.display().to_string(),
        "guest": set.header.guest,
        "skill": set.header.skill,
        "digest": set.header.digest.to_string(),
        "call": set.header.call,
        "changes": paths,
    })
}

fn review(store: &Store, set: &ChangeSet, only: &[String]) -> Result<Review, CliError> {
    store.review(set, only).map_err(state)
}

pub fn diff(args: &DiffArgs, ui: &Ui) -> Done {
    let store = open(ui)?;
    let set = pick(&store, args.id.as_deref())?;
    let review = review(&store, &set, &args.only)?;
    match ui.format() {
        Format::Json => ui.line(&review_json(&review).to_string())?,
        Format::Text | Format::Wave => ui.data(review.to_string().as_bytes())?,
    }
    Ok(())
}

fn review_json(review: &Review) -> serde_json::Value {
    let entry = |entry: &Entry| {
        json!({
            "path": entry.path,
            "action": entry.action.to_string(),
            "summary": entry.summary,
            "dangers": entry.dangers.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "diff": match &entry.view {
                View::Diff(diff) => Some(diff.as_str()),
                View::None | View::NotShown(_) => None,
            },
        })
    };
    json!({
        "version": 1,
        "id": review.id.to_string(),
        "skill": review.skill,
        "folder": review.folder,
        "changes": review.entries.iter().map(entry).collect::<Vec<_>>(),
        "left-out": review.left_out,
    })
}

pub fn approve(args: &ApproveArgs, ui: &Ui) -> Done {
    let store = open(ui)?;
    let set = pick(&store, args.id.as_deref())?;
    if !args.yes {
        ui.note(&review(&store, &set, &args.only)?.to_string());
    }
    let question = format!("apply {} to {}?", set.id.short(), set.header.folder.display());
    if !ui.confirmed(args.yes, &question)? {
        return Err(CliError::new(Kind::Cancelled, "nothing was applied").into());
    }
    let choice = if args.only.is_empty() { Choice::All } else { Choice::Paths(args.only.clone()) };
    let approval = Approval {
        set: set.id,
        choice,
        // Who saw the review on a terminal saw what is dangerous in it.
        acknowledged: args.even_dangerous || !args.yes,
        principal: "cli".to_owned(),
    };
    let applied = store.approve(&approval).map_err(|error| refused(&error, &set))?;
    if let Some(untidy) = &applied.untidy {
        ui.note(&format!("warning: {untidy}"));
    }
    note(&set, "approved", &applied.paths.join(", "))?;
    match ui.format() {
        Format::Json => ui.line(
            &json!({
                "version": 1, "id": applied.set.to_string(), "paths": applied.paths,
                "rest": applied.rest.map(|rest| rest.to_string()),
            })
            .to_string(),
        )?,
        Format::Text | Format::Wave => {
            ui.line(&format!(
                "{} applied: {} paths in {}",
                set.id.short(),
                applied.paths.len(),
                set.header.folder.display()
            ))?;
            if let Some(rest) = applied.rest {
                ui.line(&format!("the rest waits as {}", rest.short()))?;
            }
        }
    }
    Ok(())
}

/// Why a change set was not applied: conflicts are shown one by one.
fn refused(error: &ApproveError, set: &ChangeSet) -> CliError {
    let id = set.id.short();
    let mut made = CliError::new(Kind::Integrity, error.to_string());
    match error {
        ApproveError::Conflicts(conflicts) => {
            made.notes =
                conflicts.iter().map(|conflict| format!("{}: {}", escaped(&conflict.path), conflict.why)).collect();
            made.help(format!("look at the folder and run the skill again, or: vox discard {id}"))
        }
        ApproveError::Dangerous(_) => {
            made.kind = Kind::Denied;
            made.help(format!("look at them with `vox diff {id}`, then: vox approve {id} --yes --even-dangerous"))
        }
        ApproveError::Unknown(_) => {
            made.kind = Kind::NotFound;
            made.help(format!("vox diff {id}"))
        }
        _ => made,
    }
}

pub fn discard(args: &DiscardArgs, ui: &Ui) -> Done {
    let store = open(ui)?;
    let set = match (pick(&store, args.id.as_deref()), &args.id) {
        (Ok(set), _) => set,
        (Err(error), None) => return Err(error.into()),
        (Err(_), Some(id)) => return discard_damaged(&store, id, args.yes, ui),
    };
    if !ui.confirmed(args.yes, &format!("throw {} away, {} paths?", set.id.short(), set.changes.len()))? {
        return Err(CliError::new(Kind::Cancelled, "nothing was thrown away").into());
    }
    store.discard(&set.id).map_err(state)?;
    note(&set, "discarded", "")?;
    ui.line(&format!("{} thrown away", set.id.short()))?;
    Ok(())
}

/// What cannot be read can still be thrown away, when it is named.
fn discard_damaged(store: &Store, prefix: &str, yes: bool, ui: &Ui) -> Done {
    let id = store.find(prefix).map_err(not_found)?;
    if !ui.confirmed(yes, &format!("throw {} away, which is damaged?", id.short()))? {
        return Err(CliError::new(Kind::Cancelled, "nothing was thrown away").into());
    }
    store.discard(&id).map_err(state)?;
    let scope = format!("{id}, which was damaged");
    let event = vox_ledger::Event::Consent(vox_ledger::Consented {
        action: "discarded change set".to_owned(),
        caller: "cli".to_owned(),
        scope,
    });
    super::audit(&places::state()?).note(&vox_ledger::Record::now("", "", vox_model::Digest([0; 32]), event));
    ui.line(&format!("{} thrown away", id.short()))?;
    Ok(())
}

/// Takes the decision down.
fn note(set: &ChangeSet, action: &str, paths: &str) -> Result<(), CliError> {
    let event = vox_ledger::Event::Consent(vox_ledger::Consented {
        action: format!("{action} change set"),
        caller: "cli".to_owned(),
        scope: format!("{} in {} {paths}", set.id, set.header.folder.display()),
    });
    let record = vox_ledger::Record::now(&set.header.call, &set.header.skill, set.header.digest, event);
    super::audit(&places::state()?).note(&record);
    Ok(())
}
