//! Paths under which skills see folders.

use super::GrantError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Bytes of a path: as much as the system takes.
const MAX: usize = 4095;

/// A path under which a skill sees a folder: absolute or relative, without `..`, written in one way only. Relative
/// ones may begin with `./` when they are given; `.` alone is the folder in which the skill starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct GuestPath(String);

impl GuestPath {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this folder is the other one, or holds it.
    pub fn covers(&self, other: &Self) -> bool {
        let absolute = |path: &Self| path.0.starts_with('/');
        if absolute(self) != absolute(other) {
            return false;
        }
        let names = |path: &'_ Self| -> Vec<String> {
            path.0.split('/').filter(|name| !matches!(*name, "" | ".")).map(str::to_owned).collect()
        };
        names(other).starts_with(&names(self))
    }
}

impl FromStr for GuestPath {
    type Err = GrantError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why| GrantError::Guest { path: text.to_owned(), why };
        if text.is_empty() || text.len() > MAX {
            return Err(wrong("it is empty or too long"));
        }
        if text.chars().any(char::is_control) {
            return Err(wrong("it has control characters"));
        }
        if text.contains("::") {
            return Err(wrong("`::` stands between the folder and this path"));
        }
        let mut names = Vec::new();
        for name in text.split('/') {
            match name {
                "" | "." => {}
                ".." => return Err(wrong("it leads upward with `..`")),
                name => names.push(name),
            }
        }
        let path = names.join("/");
        Ok(Self(match (text.starts_with('/'), path.is_empty()) {
            (true, _) => format!("/{path}"),
            (false, true) => ".".to_owned(),
            (false, false) => path,
        }))
    }
}

impl TryFrom<String> for GuestPath {
    type Error = GrantError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<GuestPath> for String {
    fn from(path: GuestPath) -> Self {
        path.0
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
