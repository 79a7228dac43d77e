//! `vox data`

use super::Done;
use crate::authority::state;
use crate::error::{CliError, Kind};
use crate::places;
use crate::ui::{Format, Ui};
use clap::{Args, Subcommand};
use serde_json::json;
use vox_capabilities::kv::{Home, Kept};
use vox_ledger::{Consented, Event, Record, Timestamp};
use vox_model::Digest;

/// Show or remove what skills keep between calls
///
/// Each content of a skill has a store of its own, named after the skill and its digest. Grants stay as they are: a
/// skill whose data is removed begins anew.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox data
  vox data --format json
  vox data remove acme:issues --yes")]
pub struct DataArgs {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Remove what a skill keeps
    Remove {
        /// The skill, or the beginning of a name as `vox data` shows it
        skill: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

pub fn data(args: &DataArgs, ui: &Ui) -> Done {
    let root = places::state()?;
    let home = Home::new(root.join("kv"));
    match &args.what {
        None => list(&home, ui),
        Some(What::Remove { skill, yes }) => {
            let store = pick(&home, skill)?;
            let question = format!("remove {}, {} KiB?", store.name, store.bytes.div_ceil(1024));
            if !ui.confirmed(*yes, &question)? {
                return Err(CliError::new(Kind::Cancelled, "nothing was removed").into());
            }
            if !home.remove(&store.name).map_err(|fault| state(fault.detail()))? {
                return Err(none(skill).into());
            }
            let event = Event::Consent(Consented {
                action: "removed data".to_owned(),
                caller: "cli".to_owned(),
                scope: store.name.clone(),
            });
            super::audit(&root).note(&Record::now("", "", Digest([0; 32]), event));
            match ui.format() {
                Format::Json => ui.line(&json!({"version": 1, "removed": [store.name]}).to_string())?,
                Format::Text | Format::Wave => ui.line(&format!("{} removed", store.name))?,
            }
            Ok(())
        }
    }
}

fn list(home: &Home, ui: &Ui) -> Done {
    let stores = home.stores().map_err(|fault| state(fault.detail()))?;
    let changed = |store: &Kept| store.changed.and_then(|time| Timestamp::try_from(time).ok());
    match ui.format() {
        Format::Json => {
            let all: Vec<_> = stores
                .iter()
                .map(|store| {
                    let changed = changed(store).map(|time| time.to_string());
                    json!({"name": store.name, "bytes": store.bytes, "changed": changed})
                })
                .collect();
            ui.line(&json!({"version": 1, "stores": all}).to_string())?;
        }
        Format::Text | Format::Wave => {
            if stores.is_empty() {
                ui.note("no skill keeps anything");
            }
            for store in &stores {
                let changed = changed(store).map(|time| format!(", changed {time:.0}")).unwrap_or_default();
                ui.line(&format!("{}  {} KiB{changed}", store.name, store.bytes.div_ceil(1024)))?;
            }
        }
    }
    Ok(())
}

/// The one store that is meant.
fn pick(home: &Home, skill: &str) -> Result<Kept, CliError> {
    let mut found = home.find(skill).map_err(|fault| state(fault.detail()))?;
    match (found.len(), found.pop()) {
        (1, Some(store)) => Ok(store),
        (_, None) => Err(none(skill)),
        (count, Some(_)) => {
            let text = format!("{count} stores have names that begin with `{skill}`");
            Err(CliError::new(Kind::NotFound, text).help("give more of the name: vox data"))
        }
    }
}

fn none(skill: &str) -> CliError {
    CliError::new(Kind::NotFound, format!("`{skill}` keeps nothing")).help("see who does: vox data")
}
