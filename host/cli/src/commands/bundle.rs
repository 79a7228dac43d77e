//! `vox bundle`

use super::Done;
use crate::host;
use crate::ui::{Format, Ui};
use clap::Args;
use serde_json::json;
use vox_model::Library as _;

/// List the skills that are built in
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox bundle
  vox bundle --format json")]
pub struct BundleArgs {}

pub fn bundle(_: &BundleArgs, ui: &Ui) -> Done {
    let library = host::library()?;
    let parts = library.parts();
    if ui.format() == Format::Json {
        let list: Vec<_> = parts
            .iter()
            .map(|part| {
                json!({
                    "name": part.name,
                    "interface": part.interface,
                    "description": part.description,
                    "size": part.size,
                    "digest": format!("sha256:{}", part.artifact.digest),
                })
            })
            .collect();
        ui.line(&json!({"version": 1, "parts": list}).to_string())?;
        return Ok(());
    }
    let width = parts.iter().map(|part| part.name.len()).max().unwrap_or(0);
    for part in parts {
        ui.line(&format!(
            "{:width$}  {:>5} KiB  sha256:{}  {}",
            part.name,
            part.size.div_ceil(1024),
            part.artifact.digest.short(),
            part.description
        ))?;
    }
    ui.note("functions and docs of a skill: vox inspect NAME");
    Ok(())
}
