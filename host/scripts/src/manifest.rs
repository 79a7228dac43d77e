//! The `skill.toml` for a folder that has none.

use crate::{Front, Script};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use vox_model::{Capability, PackageName};

/// Bytes of a description in a manifest, see `docs/limits.md`.
const MAX_DESCRIPTION: usize = 2 << 10;

/// Characters of a comment.
const MAX_COMMENT: usize = 300;

/// What a call of a script may use where its author said nothing: interpreters start slowly and need room.
const LIMITS: &str = "[limits]\ntime = \"1m\"\ncpu = \"30s\"\nmemory = \"256MiB\"\n";

/// The text of a manifest: what the front matter says, the scripts, and what they need by what was read.
pub fn manifest(front: &Front, scripts: &[Script]) -> String {
    let mut out = String::from(
        "# Written by `vox import`. What scripts need was found by reading them, not by running them: look at it.\n\n[skill]\n",
    );
    match front.name.as_deref().map(|name| (name, name.parse::<PackageName>())) {
        Some((_, Ok(name))) => {
            let _ = writeln!(out, "name = \"{name}\"");
        }
        Some((name, Err(_))) => {
            comment(&mut out, &format!("its name `{name}` is no name of a package; that of the folder counts"))
        }
        None => {}
    }
    if let Some(text) = front.description.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        let end = (0..=text.len().min(MAX_DESCRIPTION)).rev().find(|at| text.is_char_boundary(*at));
        let _ = writeln!(out, "description = {}", quoted(&text[..end.unwrap_or_default()]));
    }
    let needs: BTreeSet<Capability> = scripts.iter().flat_map(needs).collect();
    if !needs.is_empty() {
        let _ = writeln!(out, "\n[runtime]\nrequired = {}", words(&needs));
    }
    let interpreters: BTreeSet<&str> = scripts.iter().filter_map(|script| script.interpreter.as_deref()).collect();
    if !interpreters.is_empty() {
        let names: Vec<String> = interpreters.into_iter().map(quoted).collect();
        let _ = write!(out, "\n[subprocess]\nprograms = [{}]\n\n{LIMITS}", names.join(", "));
    }
    for script in scripts {
        entry(script, &mut out);
    }
    out
}

fn entry(script: &Script, out: &mut String) {
    let _ = writeln!(out, "\n[[script]]\npath = {}", quoted(&script.path));
    if let Some(interpreter) = &script.interpreter {
        let _ = writeln!(out, "interpreter = {}", quoted(interpreter));
    }
    let needs = needs(script);
    if !needs.is_empty() {
        let _ = writeln!(out, "required = {}", words(&needs));
    }
    comment(out, &format!("{} tier: {}", script.tier, script.reason));
    for hint in hints(script) {
        comment(out, &format!("found by reading: {hint}"));
    }
}

/// What a script needs by what was read. What a component needs its imports say.
fn needs(script: &Script) -> BTreeSet<Capability> {
    let mut needs = BTreeSet::new();
    if script.interpreter.is_some() {
        needs.insert(Capability::Subprocess);
    }
    match (script.wants.writes, script.wants.reads) {
        (Some(_), _) => drop(needs.insert(Capability::FilesystemRw)),
        (None, Some(_)) => drop(needs.insert(Capability::FilesystemRo)),
        (None, None) => {}
    }
    needs
}

impl Script {
    /// The flags that would give what it seems to want, with a word in capitals where a person has to say what.
    pub fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        match (self.wants.writes, self.wants.reads) {
            (Some(_), _) => flags.push("--allow-write DIR".to_owned()),
            (None, Some(_)) => flags.push("--allow-read DIR".to_owned()),
            (None, None) => {}
        }
        flags.extend(self.interpreter.iter().map(|name| format!("--allow-subprocess={name}")));
        flags.extend(self.wants.variables.iter().map(|found| format!("--allow-env {}", found.what)));
        flags
    }
}

/// What was found, one sentence each.
fn hints(script: &Script) -> Vec<String> {
    let wants = &script.wants;
    let mut hints = Vec::new();
    match (wants.writes, wants.reads) {
        (Some(line), _) => hints.push(format!("it writes files (line {line})")),
        (None, Some(line)) => hints.push(format!("it reads files (line {line})")),
        (None, None) => {}
    }
    let each = |found: &crate::Found| format!("{} (line {})", found.what, found.line);
    for (what, list) in [
        ("it starts", &wants.programs),
        ("it asks hosts, which --allow-http grants", &wants.hosts),
        ("it reads variables", &wants.variables),
    ] {
        if !list.is_empty() {
            hints.push(format!("{what}: {}", list.iter().map(each).collect::<Vec<_>>().join(", ")));
        }
    }
    hints
}

fn words(needs: &BTreeSet<Capability>) -> String {
    let words: Vec<String> = needs.iter().map(|need| format!("\"{need}\"")).collect();
    format!("[{}]", words.join(", "))
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A comment on one line, whatever stands in the text.
fn comment(out: &mut String, text: &str) {
    let plain: String = text.chars().take(MAX_COMMENT).map(|c| if c.is_control() { '?' } else { c }).collect();
    let _ = writeln!(out, "# {plain}");
}

#[cfg(test)]
#[path = "tests/manifest.rs"]
mod tests;
