//! Names of packages.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// The name of a skill's package, `acme:issues` or `issues`: lower-case words joined by `-`, with at most one namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct PackageName(String);

/// The longest name, in bytes: names go into tool lists of agents, which cut longer ones.
const MAX: usize = 128;

/// The text names no package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no package name: write `name` or `namespace:name`, each of lower-case letters, digits and single `-`"
)]
pub struct PackageNameError(pub String);

impl PackageName {
    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PackageName {
    type Err = PackageNameError;

    fn from_str(text: &str) -> Result<Self, PackageNameError> {
        let word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word
                    .split('-')
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
        };
        let good = match text.split_once(':') {
            Some((namespace, name)) => word(namespace) && word(name),
            None => word(text),
        };
        match good && text.len() <= MAX {
            true => Ok(Self(text.to_owned())),
            false => Err(PackageNameError(text.chars().take(MAX).collect())),
        }
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PackageName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::PackageName;

    #[test]
    fn names_are_plain() {
        for good in ["a", "issues", "acme:issues", "a1-b2:c3", "x-y-z"] {
            assert_eq!(good.parse::<PackageName>().map(|name| name.to_string()).as_deref(), Ok(good));
        }
        for bad in
            ["", ":", "a:", ":a", "A", "a b", "a--b", "-a", "a-", "1a", "a:b:c", "a/b", "ä", "a\n", &"a".repeat(129)]
        {
            assert!(bad.parse::<PackageName>().is_err(), "{bad:?}");
        }
    }
}
