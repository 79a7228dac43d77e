//! Any of a kind, or some by name.

use crate::grant::BadName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Names of one grant: each is short, and people read them.
const MAX: usize = 64;

/// Any of a kind, or some by name. The default is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Names {
    /// All there are.
    Any,
    /// These, which may be none.
    Some(BTreeSet<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

impl Names {
    /// Reads names with commas between them; nothing is any.
    pub(crate) fn read(text: &str, check: impl Fn(&str) -> Result<(), BadName>) -> Result<Self, BadName> {
        if text.is_empty() {
            return Ok(Self::Any);
        }
        let names: BTreeSet<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        if names.contains("") || names.len() > MAX || names.iter().any(|name| name.len() > 255) {
            let text =
                format!("`{text}` is no list of up to {MAX} names with commas between them, such as `git,python3`");
            return Err(BadName(text));
        }
        names.iter().try_for_each(|name| check(name))?;
        Ok(Self::Some(names))
    }

    /// Whether it is none.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Some(names) if names.is_empty())
    }

    /// Whether a name is among them.
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Some(names) => names.contains(name),
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Some(mine), Self::Some(more)) => mine.extend(more.iter().cloned()),
            (Self::Any, _) => {}
            (_, Self::Any) => *self = Self::Any,
        }
    }

    /// Takes names away. From any, all goes: any but some cannot be said.
    pub(crate) fn subtract(&mut self, denied: &Self) {
        match (&mut *self, denied) {
            (Self::Some(mine), Self::Some(gone)) => mine.retain(|name| !gone.contains(name)),
            (Self::Any, Self::Some(gone)) if gone.is_empty() => {}
            _ => *self = Self::default(),
        }
    }

    pub(crate) fn without(&self, other: &Self) -> Self {
        match (self, other) {
            (_, Self::Any) => Self::default(),
            (Self::Any, Self::Some(_)) => Self::Any,
            (Self::Some(mine), Self::Some(known)) => Self::Some(mine.difference(known).cloned().collect()),
        }
    }

    /// The flag that gives these.
    pub(crate) fn flag(&self, flag: &str) -> String {
        match self {
            Self::Any => flag.to_owned(),
            Self::Some(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                format!("{flag}={}", names.join(","))
            }
        }
    }
}

/// Names for a person, fit to be shown on one line.
pub(crate) fn join(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("`{}`", vox_cap_log::escape(name))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(names: &[&str]) -> Names {
        Names::Some(names.iter().map(|name| (*name).to_owned()).collect())
    }

    /// Every pair of any, some, others and none against the same three questions.
    #[test]
    fn names_add_up_are_taken_away_and_compared() {
        let none = Names::default();
        for (one, other, both, less, wider) in [
            (Names::Any, Names::Any, Names::Any, none.clone(), none.clone()),
            (Names::Any, some(&["a"]), Names::Any, none.clone(), Names::Any),
            (Names::Any, none.clone(), Names::Any, Names::Any, Names::Any),
            (some(&["a"]), Names::Any, Names::Any, none.clone(), none.clone()),
            (some(&["a", "b"]), some(&["a", "c"]), some(&["a", "b", "c"]), some(&["b"]), some(&["b"])),
            (some(&["a"]), none.clone(), some(&["a"]), some(&["a"]), some(&["a"])),
            (none.clone(), some(&["a"]), some(&["a"]), none.clone(), none.clone()),
            (none.clone(), Names::Any, Names::Any, none.clone(), none.clone()),
        ] {
            let (mut merged, mut subtracted) = (one.clone(), one.clone());
            merged.merge(&other);
            subtracted.subtract(&other);
            assert_eq!((merged, subtracted), (both, less), "{one:?} and {other:?}");
            assert_eq!(one.without(&other), wider, "{one:?} beyond {other:?}");
        }
        assert!(none.is_empty() && !Names::Any.is_empty() && !some(&["a"]).is_empty());
        assert!(Names::Any.has("a") && some(&["a"]).has("a") && !some(&["a"]).has("b") && !none.has("a"));
    }

    #[test]
    fn lists_have_bounds() {
        let read = |text: &str| Names::read(text, |_| Ok(()));
        let many = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        assert!(read(&many(MAX)).is_ok() && read(&many(MAX + 1)).is_err());
        assert!(read(&"a".repeat(255)).is_ok() && read(&"a".repeat(256)).is_err());
        assert!(read("a,,b").is_err() && read(" ").is_err());
        assert_eq!(read("b, a"), Ok(some(&["a", "b"])));
        assert!(Names::read("a,b", |name| if name == "b" { Err(BadName(name.to_owned())) } else { Ok(()) }).is_err());
        assert_eq!(join(&["a`\n".to_owned(), "b".to_owned()].into()), r"`a`\n`, `b`");
    }
}
