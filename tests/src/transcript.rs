//! Transcripts: commands with the answers they must give, in files that a person can read and write.
//!
//! ```console
//! # what this shows
//! $ vox call answer.wasm answer
//! 42
//! $ vox call answer.wasm anser
//! ! error: there is no function `anser`
//! ? 4
//! ```
//!
//! `$` starts a command for the shell, plain lines are its standard output, `! ` marks standard error, `? ` the
//! exit status where that is not 0. `# needs: guest hello` or `# needs: bundle` in the head says what must be there.
//! With `VOX_BLESS=1` the file is rewritten with the answers that came.

use crate::places;
use crate::program::{Place, Ran};
use regex::Regex;
use std::fmt::Write as _;
use std::path::Path;

/// What a transcript needs besides `vox`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// A guest of this name.
    Guest(String),
    /// A bundle.
    Bundle,
}

/// What the head of a transcript asks for.
///
/// # Panics
/// It asks for something that does not exist.
pub fn needs(text: &str) -> Vec<Need> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# needs: "));
    let need = |line: &str| match line.split_once(' ') {
        Some(("guest", name)) => Need::Guest(name.to_owned()),
        None if line == "bundle" => Need::Bundle,
        _ => panic!("a transcript needs `guest NAME` or `bundle`, not {line:?}"),
    };
    lines.map(need).collect()
}

/// Puts what a transcript needs into its place.
///
/// # Errors
/// What is missing.
pub fn provide(needs: &[Need], place: &Place) -> Result<(), String> {
    for need in needs {
        match need {
            Need::Bundle => drop(places::bundle()?),
            Need::Guest(name) => {
                let from = places::guest(&name.replace('-', "_"))?;
                let to = place.work().join(format!("{name}.wasm"));
                std::fs::copy(&from, to).map_err(|error| format!("{}: {error}", from.display()))?;
            }
        }
    }
    Ok(())
}

/// Runs the commands of a transcript and gives it as it should have been.
pub fn replayed(text: &str, place: &Place) -> String {
    let mut out = String::new();
    let mut answered = false;
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            let _ = writeln!(out, "$ {command}");
            answer(&place.shell(command), place, &mut out);
            answered = true;
        } else if line.starts_with('#') || !answered {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

fn answer(ran: &Ran, place: &Place, out: &mut String) {
    for line in redacted(&ran.stdout, place).lines() {
        // A line that would read as something else is set apart.
        let odd = ["$", "#", "! ", "? ", "\\"].iter().any(|mark| line.starts_with(mark));
        let _ = writeln!(out, "{}{line}", if odd { "\\" } else { "" });
    }
    for line in redacted(&ran.stderr, place).lines() {
        let _ = writeln!(out, "! {line}");
    }
    match ran.code {
        Some(0) => {}
        Some(code) => {
            let _ = writeln!(out, "? {code}");
        }
        None => {
            let _ = writeln!(out, "? ended by a signal");
        }
    }
}

/// The text without what differs from machine to machine and from build to build.
fn redacted(text: &str, place: &Place) -> String {
    let home = place.home().display().to_string();
    let work = place.work().display().to_string();
    let text = text.replace(&home, "[HOME]").replace(&work, "[WORK]");
    let rules = [
        (r"sha256:[0-9a-f]{12,64}", "sha256:[DIGEST]"),
        (r"\b[0-9]+ KiB\b", "[N] KiB"),
        (r#""size":[0-9]+"#, r#""size":[N]"#),
        (r#""bytes":[0-9]+"#, r#""bytes":[N]"#),
        (r#""core":\{[^}]*\}"#, r#""core":{…}"#),
        (r"inside   .*", "inside   […]"),
        (r"(?m)^made by  .*", "made by  […]"),
        // The standard library of the toolchain that built a guest says how many.
        (r"its [0-9]+ imports of base WASI", "its [N] imports of base WASI"),
        (r#""producers":\[\[.*?\]\]"#, r#""producers":[…]"#),
        (r"(code|facts)-[0-9a-f]{64}", "$1-[KEY]"),
        (r"\.tmp[0-9A-Za-z]{6}", ".tmp[…]"),
        (r"vox [0-9]+\.[0-9]+\.[0-9]+", "vox [VERSION]"),
    ];
    rules.iter().fold(text, |text, (pattern, by)| {
        let pattern = Regex::new(pattern).unwrap_or_else(|error| panic!("{error}"));
        pattern.replace_all(&text, *by).into_owned()
    })
}

/// Runs a transcript and compares; rewrites the file instead when `VOX_BLESS` is set.
///
/// # Panics
/// The answers differ from those in the file, or a program panicked.
pub fn check(file: &Path, place: &Place) {
    let wanted = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(wanted.contains("\n$ ") || wanted.starts_with("$ "), "{} has no command", file.display());
    let found = replayed(&wanted, place);
    // Never right, and never to be taken down as right. What guests say of their panics comes inside of an error.
    let panicked = found.lines().any(|line| line.starts_with("! thread '"));
    assert!(!panicked, "{}: a program panicked\n{found}", file.display());
    if std::env::var_os("VOX_BLESS").is_some() {
        std::fs::write(file, found).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        return;
    }
    if let Some(difference) = difference(&wanted, &found) {
        panic!("{} differs; with VOX_BLESS=1 it is rewritten\n{difference}", file.display());
    }
}

/// The first lines that differ, with what stands before them.
fn difference(wanted: &str, found: &str) -> Option<String> {
    let (wanted, found): (Vec<_>, Vec<_>) = (wanted.lines().collect(), found.lines().collect());
    let first = wanted.iter().zip(&found).position(|(a, b)| a != b);
    let first = match first {
        Some(first) => first,
        None if wanted.len() == found.len() => return None,
        None => wanted.len().min(found.len()),
    };
    let command = wanted[..first.min(wanted.len())].iter().rposition(|line| line.starts_with("$ ")).unwrap_or(0);
    let mut text = String::new();
    for line in &wanted[command..first] {
        let _ = writeln!(text, "  {line}");
    }
    for line in wanted[first..].iter().take(12) {
        let _ = writeln!(text, "- {line}");
    }
    for line in found[first..].iter().take(12) {
        let _ = writeln!(text, "+ {line}");
    }
    Some(text)
}
