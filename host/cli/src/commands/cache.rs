//! `vox cache`

use super::Done;
use crate::error::{CliError, Kind};
use crate::places;
use crate::ui::{Format, Ui};
use clap::{Args, ValueEnum};
use serde_json::json;
use vox_runtime::cache::{Cache, Usage};

/// Show or clear the cache of compiled skills
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox cache
  vox cache clear")]
pub struct CacheArgs {
    /// What to do
    #[arg(value_enum, default_value_t)]
    what: What,
}

/// What to do with the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum What {
    /// Show where it is and how much it holds
    #[default]
    Show,
    /// Remove everything in it; skills are compiled again when they are next used
    Clear,
}

pub fn cache(args: &CacheArgs, ui: &Ui) -> Done {
    let root = places::cache()?;
    let cache = Cache::open(&root)
        .map_err(|error| CliError::new(Kind::Integrity, error.to_string()).help("set VOX_HOME to a folder of yours"))?;
    let wrong =
        |error: std::io::Error| CliError::new(Kind::Integrity, format!("the cache {}: {error}", root.display()));
    let usage = match args.what {
        What::Show => cache.usage().map_err(wrong)?,
        What::Clear => cache.clear().map_err(wrong)?,
    };
    match ui.format() {
        Format::Json => ui.line(&json(&cache, usage, args.what).to_string())?,
        Format::Text | Format::Wave => {
            let verb = if args.what == What::Clear { "removed" } else { "holds" };
            ui.line(&format!(
                "{} {verb} {} and {}, {} KiB{}",
                root.display(),
                counted(usage.code, "compiled skill", "compiled skills"),
                counted(usage.facts, "inspection", "inspections"),
                usage.bytes.div_ceil(1024),
                match usage.quarantined {
                    0 => String::new(),
                    count => format!("; {}", counted(count, "damaged entry", "damaged entries")),
                },
            ))?;
        }
    }
    Ok(())
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn json(cache: &Cache, usage: Usage, what: What) -> serde_json::Value {
    json!({
        "version": 1,
        "path": cache.root().display().to_string(),
        "cleared": what == What::Clear,
        "code": usage.code,
        "facts": usage.facts,
        "bytes": usage.bytes,
        "quarantined": usage.quarantined,
    })
}
