//! The section `[files]` of a manifest.

use super::GuestPath;
use schemars::JsonSchema;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Folders that a skill asks for, as it names them. A request grants nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Folders that it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<Wanted>,
    /// Folders that it writes; what it writes waits for approval.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<Wanted>,
}

/// One folder that a skill asks for: its path, or its path with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Wanted {
    /// The path under which the skill sees it.
    Path(GuestPath),
    /// The same, with a reason for people.
    Explained(Explained),
}

/// A folder that a skill asks for, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// The path under which the skill sees it.
    pub path: GuestPath,
    /// What it is wanted for. Text of the skill's author, so untrusted.
    pub reason: String,
}

impl Wanted {
    /// The path under which the skill sees it.
    pub fn path(&self) -> &GuestPath {
        match self {
            Self::Path(path) => path,
            Self::Explained(explained) => &explained.path,
        }
    }

    /// What it is wanted for, if the author says so. Untrusted text.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Path(_) => None,
            Self::Explained(explained) => Some(&explained.reason),
        }
    }
}

/// By hand, because the derived form of an untagged enum says only that nothing fits, and not what is wrong.
impl<'d> Deserialize<'d> for Wanted {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Either)
    }
}

struct Either;

impl<'d> Visitor<'d> for Either {
    type Value = Wanted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path such as \"docs\", or { path = \"docs\", reason = \"…\" }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Wanted, E> {
        text.parse().map(Wanted::Path).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'d>>(self, map: A) -> Result<Wanted, A::Error> {
        Explained::deserialize(MapAccessDeserializer::new(map)).map(Wanted::Explained)
    }
}
