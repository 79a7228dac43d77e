//! `vox secret`

use super::Done;
use crate::error::{CliError, Kind};
use crate::places;
use crate::ui::{Format, Ui};
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::IsTerminal as _;
use vox_ledger::{SecretError, Secrets};

/// Keep secrets that vox adds to requests; no skill ever sees one
///
/// A grant says where a secret goes and how, by a binding: `NAME=URL;header=NAME:TEMPLATE` with {} for the secret,
/// `NAME=URL;basic=USER`, or `NAME=URL;query=NAME`. It goes only to https, or to a loopback address that was granted
/// exactly; what the skill itself put there is replaced, and an answer that repeats the secret is cut.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox secret set github-token < token.txt
  vox secret list
  vox grant ./mine.wasm --secret 'key=https://api.example.org;header=X-Key:{}'")]
pub struct SecretArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Keep a secret, read from standard input
    Set {
        /// Lower-case letters, digits and -
        name: String,
    },
    /// List the names of the secrets, never their values
    List,
    /// Forget a secret
    Remove {
        /// Its name
        name: String,
    },
}

pub fn secret(args: &SecretArgs, ui: &Ui) -> Done {
    crate::dumps::forbid_reading();
    let secrets = Secrets::new(&places::state()?);
    match &args.what {
        What::Set { name } => {
            if std::io::stdin().is_terminal() {
                ui.note("the secret, then Ctrl-D:");
            }
            let replaced = secrets.set(name, std::io::stdin().lock()).map_err(wrong)?;
            ui.note(&format!("{name} {}", if replaced { "replaced" } else { "kept" }));
        }
        What::List => {
            let all = secrets.list().map_err(wrong)?;
            if ui.format() == Format::Json {
                let all: Vec<_> =
                    all.iter().map(|secret| json!({"name": secret.name, "set": secret.set.to_string()})).collect();
                ui.line(&json!({"version": 1, "secrets": all}).to_string())?;
                return Ok(());
            }
            for secret in all {
                ui.line(&format!("{}  set {:.0}", secret.name, secret.set))?;
            }
        }
        What::Remove { name } => {
            secrets.remove(name).map_err(wrong)?;
            ui.note(&format!("{name} removed"));
        }
    }
    Ok(())
}

fn wrong(error: SecretError) -> CliError {
    let kind = match &error {
        SecretError::State(_) => Kind::Integrity,
        SecretError::NoSuch(_) => Kind::NotFound,
        _ => Kind::Usage,
    };
    CliError::new(kind, error.to_string())
}
