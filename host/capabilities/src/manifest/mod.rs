//! `skill.toml`: what a skill is and what it asks for. Strict: whatever is not understood is an error with its place.

pub(crate) mod file;
mod scripts;
pub(crate) mod serve;
#[cfg(test)]
mod tests;

pub use scripts::Script;

use crate::Requests;
use crate::granted::{File, FileSchema};
pub use serve::{Command, MAX_SERVED, Served};
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Component, Path};
use std::time::Duration;
use toml::Spanned;
use vox_model::{Capability, Limits, PackageName, units};

/// The file's name in the folder of a skill.
pub const NAME: &str = "skill.toml";

/// Bytes of a manifest: a hundred times what real ones have.
pub const MAX_SIZE: u64 = 256 << 10;

/// Bytes of a description: it is shown to people and agents whole.
const MAX_DESCRIPTION: usize = 2 << 10;

/// The most a manifest may ask for, see `docs/limits.md`. A person may give more by flag.
const MOST: Limits =
    Limits { memory: 4 << 30, time: Duration::from_secs(600), cpu: Duration::from_secs(600), output: 64 << 20 };

/// A manifest that was read and makes sense.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The package's name; none where the folder's name has to do.
    pub name: Option<PackageName>,
    /// The version, as written.
    pub version: Option<String>,
    /// What it does, one or two sentences. Untrusted text.
    pub description: Option<String>,
    /// The component, relative to the folder; none where the folder holds just one.
    pub component: Option<String>,
    /// What it needs to do its work.
    pub required: BTreeSet<Capability>,
    /// What it promises never to use: an import that would need it is an error.
    pub forbidden: BTreeSet<Capability>,
    /// The details of what it asks for.
    pub requests: Requests,
    /// The limits that it asks for instead of the defaults.
    pub limits: Asked,
    /// The scripts of the skill, in the order in which they were written.
    pub scripts: Vec<Script>,
    /// The imported interfaces that a command serves.
    pub served: Served,
}

/// Limits that a manifest asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// See [`Limits::memory`].
    pub memory: Option<u64>,
    /// See [`Limits::time`].
    pub time: Option<Duration>,
    /// See [`Limits::cpu`].
    pub cpu: Option<Duration>,
    /// See [`Limits::output`].
    pub output: Option<u64>,
}

impl Asked {
    /// The limits with what was asked for in place of the defaults.
    pub fn over(&self, defaults: Limits) -> Limits {
        Limits {
            memory: self.memory.unwrap_or(defaults.memory),
            time: self.time.unwrap_or(defaults.time),
            cpu: self.cpu.unwrap_or(defaults.cpu),
            output: self.output.unwrap_or(defaults.output),
        }
    }
}

/// What is wrong with a manifest, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ManifestError {
    /// What is wrong.
    pub message: String,
    /// The bytes of the text that it speaks of; none where it speaks of all of it.
    pub span: Option<Range<usize>>,
    /// How to mend it.
    pub help: Option<String>,
}

/// Reads a manifest.
///
/// # Errors
/// The first thing that is not understood, with its place.
pub fn parse(text: &str) -> Result<Manifest, ManifestError> {
    let mut file: File = toml::from_str(text).map_err(unreadable)?;
    let required = words(&file.runtime.required)?;
    let forbidden = words(&file.runtime.forbidden)?;
    for word in &file.runtime.forbidden {
        if let Some(capability) = required.iter().find(|capability| capability.word() == word.get_ref()) {
            let message = format!("`{capability}` is both required and forbidden");
            return Err(at(message, word.span(), "take it out of one of the two lists"));
        }
    }
    for section in file.sections() {
        // Log lines and randomness need no word: they need no grant.
        let free = section.serves.iter().all(|capability| matches!(capability, Capability::Log | Capability::Random));
        if !free && !section.serves.iter().any(|capability| required.contains(capability)) {
            let words: Vec<_> = section.serves.iter().map(|capability| format!("\"{capability}\"")).collect();
            let message = format!("`[{}]` asks for something that is not required", section.name);
            let help = format!("add {} to `required` under [runtime], or remove the section", words.join(" or "));
            return Err(at(message, section.span, &help));
        }
    }
    let about = std::mem::take(&mut file.skill);
    let listed = std::mem::take(&mut file.script);
    let served = serve::read(std::mem::take(&mut file.serve), &forbidden)?;
    let mut requests = file.requests();
    for program in served.programs() {
        if !requests.subprocess.programs.contains(program) {
            requests.subprocess.programs.push(program.clone());
        }
    }
    Ok(Manifest {
        scripts: scripts::scripts(&listed, &required, &requests.subprocess)?,
        name: about.name.map(|name| checked(&name, |name| name.parse::<PackageName>())).transpose()?,
        version: about.version,
        description: about.description.map(|text| checked(&text, description)).transpose()?,
        component: about.component.map(|path| checked(&path, component)).transpose()?,
        limits: limits(&file.limits)?,
        requests,
        required,
        forbidden,
        served,
    })
}

/// The manifest's JSON Schema, draft-07: the newest that TOML editors understand.
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft07();
    settings.into_generator().into_root_schema_for::<FileSchema>().to_value()
}

/// Whether a need comes from an interface of the skill's own, which a command serves.
pub(crate) fn is_own(because: &str) -> bool {
    because != NAME && !because.starts_with("vox:") && !because.starts_with("wasi:")
}

fn at(message: String, span: Range<usize>, help: &str) -> ManifestError {
    ManifestError { message, span: Some(span), help: Some(help.to_owned()) }
}

/// What the reader of TOML says, with the nearest name where one was not known.
fn unreadable(error: toml::de::Error) -> ManifestError {
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    let mut names = message.split('`').skip(1).step_by(2);
    let help = match message.starts_with("unknown field") || message.starts_with("unknown variant") {
        true => names.next().and_then(|unknown| {
            let near = names.map(|name| (strsim::jaro_winkler(unknown, name), name));
            let nearest = near.filter(|(likeness, _)| *likeness > 0.75).max_by(|a, b| a.0.total_cmp(&b.0));
            nearest.map(|(_, name)| format!("did you mean `{name}`?"))
        }),
        false => None,
    };
    ManifestError { span: error.span(), help, message }
}

/// The words of a list: each known, none twice.
fn words(list: &[Spanned<String>]) -> Result<BTreeSet<Capability>, ManifestError> {
    let mut found = BTreeSet::new();
    for word in list {
        let capability: Capability = word.get_ref().parse().map_err(|error: vox_model::UnknownCapability| {
            let near = Capability::ALL.iter().map(|known| (strsim::jaro_winkler(word.get_ref(), known.word()), known));
            let nearest = near.filter(|(likeness, _)| *likeness > 0.75).max_by(|a, b| a.0.total_cmp(&b.0));
            let help = nearest.map(|(_, known)| format!("did you mean `{known}`?"));
            ManifestError { message: error.to_string(), span: Some(word.span()), help }
        })?;
        if !found.insert(capability) {
            return Err(at(format!("`{capability}` is listed twice"), word.span(), "take one of them out"));
        }
    }
    Ok(found)
}

/// A value that has rules of its own.
fn checked<T, E: std::fmt::Display>(
    text: &Spanned<String>,
    check: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, ManifestError> {
    let wrong = |error: E| ManifestError { message: error.to_string(), span: Some(text.span()), help: None };
    check(text.get_ref()).map_err(wrong)
}

fn description(text: &str) -> Result<String, String> {
    match text.len() <= MAX_DESCRIPTION {
        true => Ok(text.to_owned()),
        false => Err(format!("a description has at most {MAX_DESCRIPTION} bytes, this one {}", text.len())),
    }
}

/// A path that stays in the skill's folder.
fn component(text: &str) -> Result<String, &'static str> {
    let inside = Path::new(text).components().all(|part| matches!(part, Component::Normal(_)));
    match inside && text.ends_with(".wasm") && !text.contains('\\') {
        true => Ok(text.to_owned()),
        false => Err("the component is a .wasm file in the skill's folder, written relative to skill.toml"),
    }
}

fn limits(section: &file::Limits) -> Result<Asked, ManifestError> {
    let time = |text: &Option<Spanned<String>>, most| text.as_ref().map(|text| within(text, units::duration, most));
    let size = |text: &Option<Spanned<String>>, most| text.as_ref().map(|text| within(text, units::size, most));
    Ok(Asked {
        memory: size(&section.memory, MOST.memory).transpose()?,
        time: time(&section.time, MOST.time).transpose()?,
        cpu: time(&section.cpu, MOST.cpu).transpose()?,
        output: size(&section.output, MOST.output).transpose()?,
    })
}

fn within<T: PartialOrd + std::fmt::Debug>(
    text: &Spanned<String>,
    read: fn(&str) -> Result<T, String>,
    most: T,
) -> Result<T, ManifestError> {
    let value = checked(text, read)?;
    match value <= most {
        true => Ok(value),
        false => Err(at(
            format!("a manifest may ask for {most:?} at most"),
            text.span(),
            "ask for less; who runs the skill can give more by flag",
        )),
    }
}
