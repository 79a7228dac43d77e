//! `[serve]`: imported interfaces that a command in a container serves.

use super::{ManifestError, at};
use crate::table;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;
use vox_model::{Capability, InterfaceId};

/// Interfaces of one manifest: each gets a program of its own, and a call may have eight programs side by side.
pub const MAX_SERVED: usize = 8;

/// Words of a command, and bytes of all of them: people read them when they grant.
const MAX_WORDS: usize = 32;
const MAX_BYTES: usize = 1 << 10;

/// `[serve."acme:frames/describe@0.1.0"]`: the command that serves an imported interface.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    /// The program and its arguments. The folder of the skill is `/skill` for it, for reading alone.
    #[schemars(with = "Vec<String>")]
    command: Spanned<Vec<String>>,
    /// The image by its content, `sha256:…` or `name@sha256:…`; the image of the sandbox where it is left out. All
    /// interfaces of a skill are served from one image.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    image: Option<Spanned<String>>,
}

/// A command: a program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program, as it has to be granted.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.program)?;
        self.arguments.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

/// The interfaces that commands serve. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// The commands by the full names of their interfaces.
    pub commands: BTreeMap<String, Command>,
    /// The image of all of them; none for that of the sandbox.
    pub image: Option<String>,
}

impl Served {
    /// Whether nothing is served.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// The programs that have to be granted.
    pub fn programs(&self) -> impl Iterator<Item = &String> {
        self.commands.values().map(|command| &command.program)
    }
}

/// Reads the sections.
pub(super) fn read(
    sections: BTreeMap<Spanned<String>, Written>,
    forbidden: &BTreeSet<Capability>,
) -> Result<Served, ManifestError> {
    let mut served = Served::default();
    for (at_most, (name, section)) in sections.into_iter().enumerate() {
        let place = name.span();
        if forbidden.contains(&Capability::Subprocess) {
            let message = format!("`{}` is served by a command, and `subprocess` is forbidden", name.get_ref());
            return Err(at(message, place, "take \"subprocess\" out of `forbidden`, or remove the section"));
        }
        if at_most >= MAX_SERVED {
            let message = format!("a skill has at most {MAX_SERVED} served interfaces");
            return Err(at(message, place, "put functions together into fewer interfaces"));
        }
        interface(&name)?;
        let image = section.image.as_ref().map(image).transpose()?;
        if at_most > 0 && image != served.image {
            let message = "the interfaces of a skill are served from one image".to_owned();
            return Err(at(message, place, "name the same `image` in every section of [serve]"));
        }
        served.image = image;
        served.commands.insert(name.into_inner(), command(&section.command)?);
    }
    Ok(served)
}

/// The name of an interface that nothing else serves.
fn interface(name: &Spanned<String>) -> Result<(), ManifestError> {
    let form = "write it as the component imports it, such as \"acme:frames/describe@0.1.0\"";
    let id: InterfaceId = name
        .get_ref()
        .parse()
        .map_err(|error: vox_model::InterfaceIdError| at(error.to_string(), name.span(), form))?;
    if name.get_ref().chars().any(|c| c.is_control() || c.is_whitespace()) || name.get_ref().len() > 256 {
        return Err(at("this is no name of an interface".to_owned(), name.span(), form));
    }
    if table::class(&id).is_some() || id.package.starts_with("wasi:") || id.package.starts_with("vox:") {
        let message = format!("`{id}` is an interface of the platform, which no command serves");
        return Err(at(message, name.span(), "serve an interface of a package of your own"));
    }
    Ok(())
}

fn command(words: &Spanned<Vec<String>>) -> Result<Command, ManifestError> {
    let wrong = |message: &str| {
        at(
            message.to_owned(),
            words.span(),
            "write the program and its arguments, such as [\"python3\", \"/skill/worker.py\"]",
        )
    };
    let (all, bytes) = (words.get_ref(), words.get_ref().iter().map(|word| word.len() + 1).sum::<usize>());
    let Some((program, arguments)) = all.split_first().filter(|(program, _)| !program.is_empty()) else {
        return Err(wrong("the command has no program"));
    };
    if all.len() > MAX_WORDS || bytes > MAX_BYTES {
        return Err(wrong(&format!("a command has at most {MAX_WORDS} words and {MAX_BYTES} bytes")));
    }
    if all.iter().any(|word| word.chars().any(char::is_control)) || program.contains(',') {
        return Err(wrong("a command has no control characters in it, and its program no comma"));
    }
    Ok(Command { program: program.clone(), arguments: arguments.to_vec() })
}

/// An image by its content. Whether it is there is known when the skill is to run.
fn image(text: &Spanned<String>) -> Result<String, ManifestError> {
    let (name, digest) = match text.get_ref().rsplit_once('@') {
        Some((name, digest)) => (name, digest),
        None => ("x", text.get_ref().as_str()),
    };
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    let digits = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let good = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/' | b':');
    let named = name.len() <= 255
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(good);
    match digits && named {
        true => Ok(text.get_ref().clone()),
        false => Err(at(
            "an image is named by its content".to_owned(),
            text.span(),
            "write \"sha256:…\" or \"name@sha256:…\" with 64 digits; tags can be moved to another image",
        )),
    }
}
