//! `[[script]]`: the scripts of a skill, and whether they keep to what the skill asks for.

use super::file;
use super::{ManifestError, at, checked, words};
use std::collections::BTreeSet;
use std::path::{Component, Path};
use vox_cap_subprocess::Request;
use vox_model::Capability;

/// Scripts of one manifest: as many as a skill folder may have files.
const MAX: usize = 512;

/// One script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The file, relative to the skill's folder, with `/` between names.
    pub path: String,
    /// The program that runs it; none for a component.
    pub interpreter: Option<String>,
    /// What it needs: some of what the skill requires.
    pub required: BTreeSet<Capability>,
}

/// The scripts of a manifest.
///
/// # Errors
/// The first thing that makes no sense, with its place.
pub(super) fn scripts(
    listed: &[file::Script],
    required: &BTreeSet<Capability>,
    request: &Request,
) -> Result<Vec<Script>, ManifestError> {
    let mut found: Vec<Script> = Vec::new();
    for one in listed {
        let script = script(one, required, request)?;
        if found.len() == MAX {
            return Err(at(format!("a skill has at most {MAX} scripts"), one.path.span(), "list fewer"));
        }
        if found.iter().any(|known| known.path == script.path) {
            return Err(at(format!("`{}` is listed twice", script.path), one.path.span(), "take one of them out"));
        }
        found.push(script);
    }
    Ok(found)
}

fn script(one: &file::Script, required: &BTreeSet<Capability>, request: &Request) -> Result<Script, ManifestError> {
    let path = checked(&one.path, inside)?;
    let needs = match &one.required {
        Some(list) => subset(list, required)?,
        None => required.clone(),
    };
    let span = one.path.span();
    let Some(interpreter) = &one.interpreter else {
        return match path.ends_with(".wasm") {
            true => Ok(Script { path, interpreter: None, required: needs }),
            false => {
                let message = format!("nothing says what runs `{path}`");
                Err(at(message, span, "add `interpreter = \"python3\"`, or whatever runs it"))
            }
        };
    };
    let (name, place) = (interpreter.get_ref(), interpreter.span());
    if path.ends_with(".wasm") {
        return Err(at(format!("`{path}` is a component, which no program runs"), place, "take `interpreter` out"));
    }
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    if name.is_empty()
        || name.len() > 64
        || !name.starts_with(|c: char| c.is_ascii_alphanumeric())
        || !name.chars().all(good)
    {
        return Err(at(format!("{name:?} is no name of a program"), place, "write a name such as \"python3\""));
    }
    if !needs.contains(&Capability::Subprocess) {
        let message = format!("`{name}` runs `{path}`, and \"subprocess\" is not required");
        return Err(at(
            message,
            place,
            "add \"subprocess\" to `required` under [runtime], and under [[script]] where it has a list",
        ));
    }
    if !request.programs.contains(name) {
        let message = format!("`{name}` runs `{path}`, and the skill does not ask for it");
        return Err(at(message, place, &format!("add \"{name}\" to `programs` under [subprocess]")));
    }
    Ok(Script { path, interpreter: Some(name.clone()), required: needs })
}

/// Words that are all required by the skill as a whole.
fn subset(
    list: &[toml::Spanned<String>],
    required: &BTreeSet<Capability>,
) -> Result<BTreeSet<Capability>, ManifestError> {
    let needs = words(list)?;
    for word in list {
        if !required.iter().any(|known| known.word() == word.get_ref()) {
            let message = format!("the script needs `{}`, and the skill does not require it", word.get_ref());
            return Err(at(message, word.span(), "add it to `required` under [runtime]"));
        }
    }
    Ok(needs)
}

/// A path that stays in the skill's folder, written in one way only.
fn inside(text: &str) -> Result<String, &'static str> {
    let names = Path::new(text).components().all(|part| matches!(part, Component::Normal(_)));
    let plain = !text.chars().any(char::is_control) && !text.contains('\\');
    // `a//b` and `a/.` have the same parts as `a/b` and `a`.
    let once = text.split('/').all(|name| !name.is_empty() && name != ".");
    match names && plain && once && text.len() <= 1024 {
        true => Ok(text.to_owned()),
        false => Err("a script is a file in the skill's folder, written relative to skill.toml"),
    }
}
