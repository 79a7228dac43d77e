//! The front matter of a `SKILL.md`, and whether it keeps to the format.

use crate::{SKILL_MD, Tree};
use granit_parser::{Event, Parser, ScalarStyle};
use serde::Serialize;

/// The keys of the format; anything else is an error there.
const KEYS: [&str; 6] = ["name", "description", "license", "compatibility", "metadata", "allowed-tools"];

/// Characters of a name, of a description and of a compatibility note, from the reference validator.
const MAX_NAME: usize = 64;
const MAX_DESCRIPTION: usize = 1024;
const MAX_COMPATIBILITY: usize = 500;

/// Bytes of front matter that are read: a hundred times what real ones have.
const MAX_FRONT: usize = 64 << 10;

/// Something that breaks a rule of the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The line of `SKILL.md`, from 1; none where it speaks of all of it.
    pub line: Option<u32>,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub fix: String,
}

/// What a `SKILL.md` says of its skill. Untrusted text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Front {
    /// The skill's name.
    pub name: Option<String>,
    /// What it does, and when to use it.
    pub description: Option<String>,
    /// A licence, by name or file.
    pub license: Option<String>,
    /// What it needs, in words.
    pub compatibility: Option<String>,
    /// Tools that agents may use without asking; vox does not follow it.
    pub allowed_tools: Option<String>,
}

/// A value as it stands in the front matter.
enum Value {
    Text(String),
    List,
    /// Whether every value in it is a text.
    Map(bool),
}

struct Field {
    key: String,
    line: u32,
    value: Value,
}

impl Front {
    /// Reads the front matter of a folder and names every violation. `folder` is the name of the folder, which the format
    /// wants to be that of the skill.
    pub fn read(tree: &Tree, folder: &str) -> (Self, Vec<Violation>) {
        let mut found = Vec::new();
        let Some(file) = tree.file(SKILL_MD) else {
            found.push(violation(
                None,
                "there is no SKILL.md",
                "write one, with `name` and `description` between two lines `---`",
            ));
            return (Self::default(), found);
        };
        let Ok(text) = std::str::from_utf8(&file.bytes) else {
            let line =
                file.bytes.utf8_chunks().next().map_or(1, |chunk| chunk.valid().matches('\n').count() as u32 + 1);
            found.push(violation(Some(line), "SKILL.md is not UTF-8 text", "save it as UTF-8"));
            return (Self::default(), found);
        };
        let yaml = match between(text) {
            Ok(yaml) => yaml,
            Err(wrong) => {
                found.push(wrong);
                return (Self::default(), found);
            }
        };
        match fields(yaml) {
            Ok(fields) => (Self::of(fields, folder, &mut found), found),
            Err(wrong) => {
                found.push(wrong);
                (Self::default(), found)
            }
        }
    }

    fn of(fields: Vec<Field>, folder: &str, found: &mut Vec<Violation>) -> Self {
        let mut front = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for Field { key, line, value } in fields {
            let at = Some(line);
            if !KEYS.contains(&key.as_str()) {
                let fix = "remove it, or put it below `metadata`; what vox needs stands in skill.toml";
                found.push(violation(at, &format!("the key `{}` is not part of the format", shown(&key)), fix));
                continue;
            }
            if seen.contains(&key) {
                found.push(violation(at, &format!("`{key}` is there twice"), "take one of them out"));
                continue;
            }
            match (key.as_str(), value) {
                ("metadata", Value::Map(true)) => {}
                ("metadata", _) => {
                    found.push(violation(at, "`metadata` is no map of texts", "write `key: value` lines below it"));
                }
                (_, Value::Text(text)) => check(&key, text, line, folder, &mut front, found),
                (_, Value::List | Value::Map(_)) => {
                    found.push(violation(
                        at,
                        &format!("`{key}` is no text"),
                        "write it as one text, in quotes where it has `:`",
                    ));
                }
            }
            seen.push(key);
        }
        for key in ["name", "description"].into_iter().filter(|key| !seen.iter().any(|known| known == key)) {
            found.push(violation(
                Some(1),
                &format!("`{key}` is missing"),
                &format!("add `{key}: …` to the front matter"),
            ));
        }
        front
    }
}

fn violation(line: Option<u32>, what: &str, fix: &str) -> Violation {
    Violation { line, what: what.to_owned(), fix: fix.to_owned() }
}

/// Text of a stranger on one line, cut.
fn shown(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Checks one text and keeps it.
fn check(key: &str, text: String, line: u32, folder: &str, front: &mut Front, found: &mut Vec<Violation>) {
    let at = Some(line);
    let mut most = |most: usize| {
        let count = text.chars().count();
        if count > most {
            let what = format!("`{key}` has {count} characters, and may have {most}");
            found.push(violation(at, &what, "shorten it; details belong below the front matter"));
        }
    };
    match key {
        "name" => {
            if let Some((what, fix)) = bad_name(&text, folder) {
                found.push(violation(at, &what, &fix));
            }
            front.name = Some(text);
        }
        "description" => {
            most(MAX_DESCRIPTION);
            if text.trim().is_empty() {
                found.push(violation(at, "`description` is empty", "say what the skill does and when to use it"));
            }
            front.description = Some(text);
        }
        "compatibility" => {
            most(MAX_COMPATIBILITY);
            front.compatibility = Some(text);
        }
        "license" => front.license = Some(text),
        _ => front.allowed_tools = Some(text),
    }
}

/// What is wrong with a name, and how to mend it.
fn bad_name(name: &str, folder: &str) -> Option<(String, String)> {
    let rules = "a name has 1 to 64 lower-case letters, digits and single hyphens, and none at either end";
    let good = |c: char| c == '-' || c.is_numeric() || c.is_alphabetic() && !c.is_uppercase();
    let bad = name.is_empty()
        || name.chars().count() > MAX_NAME
        || !name.chars().all(good)
        || name.starts_with('-')
        || name.ends_with('-')
        || name.contains("--");
    if bad {
        return Some((format!("`{}` is no name of a skill", shown(name)), rules.to_owned()));
    }
    (name != folder).then(|| {
        let fix = format!("rename the folder to `{name}`, or write `name: {}`", shown(folder));
        (format!("the skill is named `{name}`, and its folder `{}`", shown(folder)), fix)
    })
}

/// What stands between the two lines `---`, which the file begins with.
fn between(text: &str) -> Result<&str, Violation> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mark = |line: &str| line.trim_end() == "---";
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if !mark(first) {
        return Err(violation(Some(1), "SKILL.md does not begin with front matter", "begin it with a line `---`"));
    }
    let mut end = first.len();
    for line in lines {
        if mark(line) {
            return Ok(&text[first.len()..end]);
        }
        end += line.len();
        if end > MAX_FRONT {
            break;
        }
    }
    let what = format!("the front matter does not end within {} KiB", MAX_FRONT >> 10);
    Err(violation(Some(1), &what, "end it with a line `---`"))
}

/// The fields of a mapping, from the events of the YAML parser. Nothing is built but texts: aliases are refused, so that
/// small front matter cannot become a large one.
fn fields(yaml: &str) -> Result<Vec<Field>, Violation> {
    let mut fields = Vec::new();
    let mut depth = 0_u32;
    let mut key: Option<(String, u32)> = None;
    // The container that is the value of a field: whether it is a list, whether it holds texts alone, and its events.
    let mut open: Option<(bool, bool, u32)> = None;
    for next in Parser::new_from_str(yaml) {
        // The line of the opening mark comes before the text.
        let (event, span) = next.map_err(|error| {
            let line = error.marker().line() as u32 + 1;
            let what = format!("the front matter is no YAML: {}", shown(&error.info()));
            violation(Some(line), &what, "put values with `:` or `#` in quotes, and indent with spaces")
        })?;
        let line = span.start.line() as u32 + 1;
        match event {
            Event::Alias(_) => {
                return Err(violation(Some(line), "the front matter has an alias", "write the value out"));
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                let list = matches!(event, Event::SequenceStart(..));
                match (depth, &mut open) {
                    (0, _) if list => {
                        return Err(violation(Some(line), "the front matter is a list", "write `key: value` lines"));
                    }
                    (1, _) if key.is_none() => {
                        return Err(violation(
                            Some(line),
                            "a key of the front matter is no text",
                            "write `key: value` lines",
                        ));
                    }
                    (1, open) => *open = Some((list, true, 0)),
                    (_, Some((_, plain, _))) => *plain = false,
                    _ => {}
                }
                depth += 1;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                depth -= 1;
                if depth == 1
                    && let (Some((key, line)), Some((list, plain, count))) = (key.take(), open.take())
                {
                    let value = if list { Value::List } else { Value::Map(plain && count.is_multiple_of(2)) };
                    fields.push(Field { key, line, value });
                }
            }
            Event::Scalar(text, style, ..) => match (depth, &mut open) {
                (0, _) => {
                    return Err(violation(Some(line), "the front matter is one text", "write `key: value` lines"));
                }
                (1, _) => match key.take() {
                    None => key = Some((text.into_owned(), line)),
                    Some((key, line)) => {
                        // The parser writes what was left out as `~`, which is nothing in YAML.
                        let nothing = style == ScalarStyle::Plain && text == "~";
                        let text = if nothing { String::new() } else { text.into_owned() };
                        fields.push(Field { key, line, value: Value::Text(text) });
                    }
                },
                (_, Some((_, _, count))) => *count += 1,
                _ => {}
            },
            Event::DocumentStart(..) if !fields.is_empty() => {
                return Err(violation(Some(line), "the front matter has two documents", "keep one"));
            }
            _ => {}
        }
    }
    Ok(fields)
}

#[cfg(test)]
#[path = "tests/front.rs"]
mod tests;
