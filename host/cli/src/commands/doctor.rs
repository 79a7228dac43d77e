//! `vox doctor`

use super::{Done, Ended};
use crate::cli::ContainerProfile;
use crate::error::{CliError, Kind};
use crate::ui::{Format, Ui};
use crate::{host, places};
use clap::Args;
use serde_json::json;
use std::process::ExitCode;
use vox_container::Fallback;
use vox_runtime::cache::Cache;
use vox_runtime::doctor::{Check, State, check};

/// Check on this machine that every limit and guard holds
///
/// Runs guests that loop, grow, wait and leak, recycles sandboxes a hundred times and looks for leftovers, spoils a
/// cache entry, and fills the pool. Exits with 10 when something does not hold.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox doctor
  vox doctor --format json")]
pub struct DoctorArgs {
    /// Make what is missing and can be made: the image that programs of skills run in
    #[arg(long)]
    fix: bool,
}

pub fn doctor(args: &DoctorArgs, ui: &Ui) -> Done {
    let programs = host::programs(ContainerProfile::default())?;
    if args.fix {
        ui.note("making the image for programs, unless it is there; this may take minutes");
        let made = programs.make_image().map_err(|lack| CliError::new(Kind::Missing, lack.what).help(lack.fix))?;
        ui.note(&made);
    }
    let mut checks = check(host::compiler()?);
    checks.push(cache());
    checks.push(bundle());
    checks.push(leftovers(&programs));
    let offers = vox_runtime::offers(Some(&programs), Some(&host::trusted()?));
    if ui.format() == Format::Json {
        let list: Vec<_> = checks
            .iter()
            .map(|c| json!({"name": c.name, "state": word(c.state), "detail": c.detail, "help": c.help}))
            .collect();
        ui.line(&json!({"version": 1, "checks": list, "tiers": tiers(offers)}).to_string())?;
    } else {
        for check in &checks {
            ui.line(&format!("{:4}  {}: {}", word(check.state), check.name, check.detail))?;
            if let Some(help) = &check.help {
                ui.line(&format!("      help: {help}"))?;
            }
        }
        for offer in offers {
            let state = match &offer.offered {
                Ok(by) => format!("offered: {by}"),
                Err(why) => format!("not offered: {why}"),
            };
            ui.line(&format!("tier  {}: {state}", offer.tier))?;
        }
    }
    match checks.iter().any(|check| check.state == State::Bad) {
        true => Err(Ended::Status(ExitCode::from(Kind::Missing.code()))),
        false => Ok(()),
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Good => "ok",
        State::Note => "note",
        State::Bad => "FAIL",
    }
}

fn tiers(offers: Vec<vox_model::TierOffer>) -> Vec<serde_json::Value> {
    let tier = |offer: vox_model::TierOffer| {
        let (offered, reason) = (offer.offered.is_ok(), offer.offered.unwrap_or_else(|why| why));
        json!({"tier": offer.tier, "offered": offered, "reason": reason})
    };
    offers.into_iter().map(tier).collect()
}

/// What vox processes left that were killed.
fn leftovers(programs: &Fallback) -> Check {
    let name = "leftovers of containers";
    match programs.tidy() {
        Ok(0) => Check { name, state: State::Good, detail: "none".to_owned(), help: None },
        Ok(count) => Check { name, state: State::Good, detail: format!("{count} removed"), help: None },
        Err(error) => Check { name, state: State::Note, detail: error.to_string(), help: None },
    }
}

fn cache() -> Check {
    let opened = places::cache()
        .map_err(|error| error.message)
        .and_then(|root| Cache::open(&root).map_err(|error| error.to_string()))
        .and_then(|cache| {
            let usage = cache.usage().map_err(|error| error.to_string())?;
            let quarantined = match usage.quarantined {
                0 => String::new(),
                count => format!(", {count} put aside as damaged"),
            };
            let root = cache.root().display();
            Ok(format!("{root}: {} skills compiled, {} KiB{quarantined}", usage.code, usage.bytes.div_ceil(1024)))
        });
    match opened {
        Ok(detail) => Check { name: "cache", state: State::Good, detail, help: None },
        Err(detail) => {
            let help =
                Some("calls work without it and compile each time; set VOX_HOME to a folder of yours".to_owned());
            Check { name: "cache", state: State::Note, detail, help }
        }
    }
}

/// Every embedded component must unpack to what its digest says.
fn bundle() -> Check {
    use vox_model::Library as _;
    let unpacked = host::library().map_err(|error| error.message).and_then(|library| {
        library.parts().iter().try_for_each(|part| part.artifact.bytes().map(|_| ()))?;
        Ok(library.parts().len())
    });
    match unpacked {
        Ok(count) => Check {
            name: "bundle",
            state: State::Good,
            detail: format!("{count} components unpack to their digests"),
            help: None,
        },
        Err(detail) => Check {
            name: "bundle",
            state: State::Bad,
            detail,
            help: Some("this copy of vox is damaged: install it again".to_owned()),
        },
    }
}
