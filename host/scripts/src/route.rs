//! Where a script runs, and why: one table.

use crate::wants::{Found, Wants};
use crate::{Entry, FOLDER, Tree, javascript, python, shell};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use vox_model::Tier;

/// What a script is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A WebAssembly component.
    Component,
    /// Python.
    Python,
    /// JavaScript.
    Javascript,
    /// TypeScript.
    Typescript,
    /// A shell.
    Shell,
    /// Perl.
    Perl,
    /// Ruby.
    Ruby,
    /// A program of the machine.
    Native,
    /// Something that says by its first line what runs it.
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(row(*self).word)
    }
}

/// The modules that a script imports, by where they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Modules {
    /// Of the language's own library.
    pub standard: Vec<Found>,
    /// Of the skill itself.
    pub local: Vec<Found>,
    /// From elsewhere: somebody has to install them.
    pub foreign: Vec<Found>,
    /// Those of the library that reach outside of an interpreter, such as `subprocess` and `socket`.
    pub outward: Vec<Found>,
}

/// A script of a skill, as reading shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Script {
    /// Its path from the skill's folder.
    pub path: String,
    /// What it is written in.
    pub kind: Kind,
    /// The program that runs it; none for a component.
    pub interpreter: Option<String>,
    /// Where it runs.
    pub tier: Tier,
    /// Why there, one sentence.
    pub reason: String,
    /// What it imports.
    pub modules: Modules,
    /// What it seems to want.
    pub wants: Wants,
}

/// When an interpreter that is itself a component can run a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fits {
    /// It is a component already.
    Itself,
    /// Where it imports the library of the language alone, and of that nothing that reaches outside.
    Library,
    /// Where it imports nothing but files of the skill.
    Plain,
    /// Never.
    Never,
}

struct Row {
    kind: Kind,
    word: &'static str,
    /// The ends of file names, and the names of programs in a first line `#!`.
    extensions: &'static [&'static str],
    programs: &'static [&'static str],
    /// What runs it in a container, unless the first line names another one of the row.
    interpreter: &'static str,
    fits: Fits,
}

/// The table. The first row that fits counts.
const TABLE: [Row; 9] = [
    Row {
        kind: Kind::Component,
        word: "component",
        extensions: &["wasm"],
        programs: &[],
        interpreter: "",
        fits: Fits::Itself,
    },
    Row {
        kind: Kind::Python,
        word: "Python",
        extensions: &["py"],
        programs: &["python3", "python"],
        interpreter: "python3",
        fits: Fits::Library,
    },
    Row {
        kind: Kind::Javascript,
        word: "JavaScript",
        extensions: &["js", "mjs", "cjs"],
        programs: &["node", "nodejs"],
        interpreter: "node",
        fits: Fits::Plain,
    },
    Row {
        kind: Kind::Typescript,
        word: "TypeScript",
        extensions: &["ts", "mts"],
        programs: &["deno", "bun", "tsx", "ts-node"],
        interpreter: "deno",
        fits: Fits::Never,
    },
    Row {
        kind: Kind::Shell,
        word: "shell",
        extensions: &["sh", "bash"],
        programs: &["sh", "bash", "dash", "ash", "zsh", "ksh"],
        interpreter: "sh",
        fits: Fits::Never,
    },
    Row {
        kind: Kind::Perl,
        word: "Perl",
        extensions: &["pl"],
        programs: &["perl"],
        interpreter: "perl",
        fits: Fits::Never,
    },
    Row {
        kind: Kind::Ruby,
        word: "Ruby",
        extensions: &["rb"],
        programs: &["ruby"],
        interpreter: "ruby",
        fits: Fits::Never,
    },
    // `env` starts what it is given, so that the kernel finds out how.
    Row { kind: Kind::Native, word: "native", extensions: &[], programs: &[], interpreter: "env", fits: Fits::Never },
    Row { kind: Kind::Other, word: "other", extensions: &[], programs: &[], interpreter: "env", fits: Fits::Never },
];

/// The interpreters that are components and can be used. Python and JavaScript have rows ready for them.
const OFFERED: [Kind; 0] = [];

fn row(kind: Kind) -> &'static Row {
    // Every kind has a row: a test goes through all of them.
    TABLE.iter().find(|row| row.kind == kind).unwrap_or(&TABLE[TABLE.len() - 1])
}

/// The scripts of a skill: what lies below `scripts/` and can be run. Modules that scripts import are none.
pub fn scripts(tree: &Tree) -> Vec<Script> {
    let below = format!("{FOLDER}/");
    let inside = tree.files().iter().filter(|file| file.path.starts_with(&below));
    let found: Vec<(&Entry, Script)> = inside.filter_map(|file| Some((file, read(tree, file, None)?))).collect();
    let imported: BTreeSet<String> = found
        .iter()
        .flat_map(|(file, script)| {
            let folder = folder(&file.path);
            script.modules.local.iter().map(move |module| format!("{folder}/{}.py", module.what))
        })
        .collect();
    let module = |file: &Entry| {
        let meant = file.executable || first_line(&file.bytes).is_some();
        file.path.ends_with("/__init__.py") || !meant && imported.contains(&file.path)
    };
    found.into_iter().filter(|(file, _)| !module(file)).map(|(_, script)| script).collect()
}

/// The folder that a file lies in.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// One script by its path, run by a program that somebody chose, or by what the file says of itself. None where there is
/// no such file, or nothing that says what runs it.
pub fn script(tree: &Tree, path: &str, interpreter: Option<&str>) -> Option<Script> {
    read(tree, tree.file(path)?, interpreter)
}

fn read(tree: &Tree, file: &Entry, chosen: Option<&str>) -> Option<Script> {
    let named = chosen.map(str::to_owned).or_else(|| first_line(&file.bytes));
    let kind = kind(file, named.as_deref())?;
    let row = row(kind);
    let interpreter = match named {
        _ if chosen.is_some() => chosen.map(str::to_owned),
        _ if kind == Kind::Component => None,
        Some(name) if kind == Kind::Shell && row.programs.contains(&name.as_str()) => Some(name),
        Some(name) if kind == Kind::Typescript && row.programs.contains(&name.as_str()) => Some(name),
        None if kind == Kind::Shell && file.path.ends_with(".bash") => Some("bash".to_owned()),
        _ => Some(row.interpreter.to_owned()),
    };
    let text = String::from_utf8_lossy(&file.bytes);
    let (modules, wants) = match kind {
        Kind::Python => python::read(&text, |module| beside(tree, &file.path, module)),
        Kind::Javascript | Kind::Typescript => javascript::read(&text),
        Kind::Shell => (Modules::default(), shell::read(&text)),
        Kind::Component | Kind::Perl | Kind::Ruby | Kind::Native | Kind::Other => <_>::default(),
    };
    let (tier, reason) = route(row, interpreter.as_deref().unwrap_or_default(), &modules, &OFFERED);
    Some(Script { path: file.path.clone(), kind, interpreter, tier, reason, modules, wants })
}

fn kind(file: &Entry, named: Option<&str>) -> Option<Kind> {
    if file.bytes.starts_with(b"\0asm") {
        return Some(Kind::Component);
    }
    if file.bytes.starts_with(b"\x7fELF") {
        return Some(Kind::Native);
    }
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let by_name = extension.and_then(|known| TABLE.iter().find(|row| row.extensions.contains(&known.as_str())));
    // `python3.11` is Python.
    let plain = named.map(|name| name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'));
    let by_line = || {
        let fits = |row: &&Row| row.programs.iter().any(|known| Some(*known) == named || Some(*known) == plain);
        TABLE.iter().find(fits).map_or(Kind::Other, |row| row.kind)
    };
    by_name.map(|row| row.kind).or_else(|| named.map(|_| by_line()))
}

/// The program that a first line `#!` names, without its folders; behind `env` the one that it is told to start.
fn first_line(bytes: &[u8]) -> Option<String> {
    // What the kernel reads of such a line (BINPRM_BUF_SIZE).
    let line = &bytes[..bytes.len().min(256)];
    let line = line.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let mut words = line.split_whitespace();
    let first = name(words.next()?);
    match first == "env" {
        true => words.find(|word| !word.starts_with('-') && !word.contains('=')).map(name),
        false => Some(first),
    }
}

/// Whether a Python module of this name stands beside a script.
fn beside(tree: &Tree, path: &str, module: &str) -> bool {
    let folder = folder(path);
    let package = format!("{folder}/{module}/");
    tree.file(&format!("{folder}/{module}.py")).is_some()
        || tree.files().iter().any(|file| file.path.starts_with(&package) && file.path.ends_with(".py"))
}

/// The decision for one row: the tier and the reason.
fn route(row: &Row, interpreter: &str, modules: &Modules, offered: &[Kind]) -> (Tier, String) {
    let container = |what: String| (Tier::Container, format!("{what}: {interpreter} runs it in a container"));
    let (what, fits) = match row.fits {
        Fits::Itself => return (Tier::Wasm, "it is a component, so the component sandbox runs it".to_owned()),
        Fits::Never => {
            return container(match row.kind {
                Kind::Shell => "a shell script starts programs".to_owned(),
                Kind::Native => "it is a program of the machine".to_owned(),
                Kind::Other => "its first line names what runs it".to_owned(),
                _ => format!("no component runs {}", row.word),
            });
        }
        Fits::Library | Fits::Plain => (row.word, row.fits),
    };
    if let Some(found) = modules.foreign.first() {
        let text = format!(
            "{what} with modules from elsewhere ({}), which have to be installed there",
            list(&modules.foreign)
        );
        return (Tier::Container, format!("{text}; {interpreter} runs it in a container (line {})", found.line));
    }
    let outward = if fits == Fits::Plain { &modules.standard } else { &modules.outward };
    if let Some(found) = outward.first() {
        return container(format!(
            "{what} that reaches outside its interpreter ({}, line {})",
            list(outward),
            found.line
        ));
    }
    let alone = match (fits, modules.standard.is_empty()) {
        (Fits::Library, false) => format!("{what} with the standard library alone ({})", list(&modules.standard)),
        _ => format!("plain {what}"),
    };
    match offered.contains(&row.kind) {
        true => (Tier::Wasm, format!("{alone}: the interpreter of the bundle runs it in the component sandbox")),
        false => container(format!("{alone}, and no interpreter for it is a component yet")),
    }
}

/// Names for a person; the first few.
fn list(found: &[Found]) -> String {
    const SHOWN: usize = 6;
    let names: Vec<&str> = found.iter().take(SHOWN).map(|found| found.what.as_str()).collect();
    let more = if found.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}

#[cfg(test)]
#[path = "tests/route.rs"]
mod tests;
