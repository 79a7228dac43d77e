//! `vox.toml`: what a project gives its skills, once the person trusts the file.

use super::state;
use crate::error::{CliError, Excerpt};
use crate::ui::Ui;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vox_capabilities::Granted;
use vox_ledger::{ProjectStanding, Trust};

/// The file's name, looked for in the working folder and above it.
const NAME: &str = "vox.toml";

/// Bytes of a project file.
const MAX_SIZE: u64 = 256 << 10;

/// The file as it is written: for each package the flags that `vox grant` takes.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    grants: BTreeMap<String, Vec<String>>,
}

/// A project file that was read.
pub struct Project {
    /// Where it is.
    pub path: PathBuf,
    /// Its content, to which trust is bound.
    pub content: Vec<u8>,
    /// What it gives to whom.
    pub grants: BTreeMap<String, Granted>,
}

/// The nearest project file, if there is one.
pub fn find() -> Result<Option<Project>, CliError> {
    let here = std::env::current_dir().map_err(|error| CliError::usage(format!("the working folder: {error}")))?;
    let Some(path) = here.ancestors().map(|folder| folder.join(NAME)).find(|file| file.is_file()) else {
        return Ok(None);
    };
    read(&path).map(Some)
}

fn read(path: &Path) -> Result<Project, CliError> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| CliError::usage(format!("{shown} cannot be read: {error}"));
    if path.metadata().map_err(unreadable)?.len() > MAX_SIZE {
        return Err(CliError::usage(format!("{shown} is larger than any project file")));
    }
    let content = std::fs::read(path).map_err(unreadable)?;
    let text = std::str::from_utf8(&content).map_err(|_| CliError::usage(format!("{shown} is not UTF-8 text")))?;
    let file: File = toml::from_str(text).map_err(|error| {
        let mut made = CliError::usage(format!("{shown}: {}", error.message()));
        made.excerpt = error.span().map(|span| Excerpt {
            name: NAME.to_owned(),
            text: text.to_owned(),
            span,
            label: "here".to_owned(),
        });
        made.help("the form is:\n      [grants]\n      \"acme:issues\" = [\"--allow-http https://api.example.org\"]")
    })?;
    let mut grants = BTreeMap::new();
    for (package, flags) in file.grants {
        let words = flags.iter().flat_map(|flag| crate::cli::split_flag(flag));
        let granted = crate::cli::grant_args(words).and_then(|args| args.granted()).map_err(|mut error| {
            error.message = format!("{shown}: {package}: {}", error.message);
            error
        })?;
        // A file of a project says what its skills need. Where their programs run is for each person to say.
        if granted.subprocess.trust {
            return Err(CliError::usage(format!("{shown}: {package}: --trust is not for a project to give"))
                .help(format!("take it out, and say it yourself: vox grant {package} --trust")));
        }
        grants.insert(package, granted);
    }
    Ok(Project { path: path.to_owned(), content, grants })
}

/// What the project gives to a package, if a person trusts the file as it is now.
pub fn trusted(root: &Path, package: &str, ui: &Ui) -> Result<Option<Granted>, CliError> {
    let Some(project) = find()? else { return Ok(None) };
    let Some(granted) = project.grants.get(package) else { return Ok(None) };
    match Trust::new(root).standing(&project.path, &project.content).map_err(state)? {
        ProjectStanding::Trusted(_) => Ok(Some(granted.clone())),
        ProjectStanding::Refused(_) => Ok(None),
        standing @ (ProjectStanding::Unknown | ProjectStanding::Changed(_)) => {
            let why = if matches!(standing, ProjectStanding::Unknown) { "is not trusted" } else { "has changed" };
            ui.note(&format!(
                "note: {} {why}, so it grants nothing; look at it, then: vox grant --project",
                project.path.display()
            ));
            Ok(None)
        }
    }
}
