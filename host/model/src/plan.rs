//! What a decision takes and gives.

use crate::{Capability, Limits};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Where a skill runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// The component sandbox.
    Wasm,
    /// A container.
    Container,
    /// A trusted process of the host.
    Process,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wasm => "wasm",
            Self::Container => "container",
            Self::Process => "process",
        })
    }
}

/// A capability that a skill needs, and what says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// What it needs.
    pub capability: Capability,
    /// The import that led to the need, or `skill.toml`.
    pub because: String,
}

/// All that a skill asks for: the needs of its imports, and imports that nothing serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Needs, one for each capability and import.
    pub needs: Vec<Need>,
    /// Needs that the skill's own manifest forbids.
    pub forbidden: Vec<Need>,
    /// Imports that no capability serves.
    pub unknown: Vec<String>,
    /// Imports that `skill.toml` serves by a command and that cannot be, with the reason.
    pub unservable: Vec<(String, String)>,
    /// Base WASI imports that are linked without effect.
    pub inert: Vec<String>,
    /// Base WASI imports that are not served: their functions trap. Runtimes import them without using them.
    pub blocked: Vec<String>,
    /// Interfaces of the bundle, which are composed in.
    pub bundled: Vec<String>,
}

/// One tier, and why it is on offer or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierOffer {
    /// Which one.
    pub tier: Tier,
    /// Whether it can be used: what serves it, as it was found and measured; or why not, and what would change that.
    pub offered: Result<String, String>,
}

/// The decision: where a skill runs and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where.
    pub tier: Tier,
    /// Why there, one sentence.
    pub reason: String,
    /// What it asks for: its needs are granted, and its imports linked or composed in as it says there.
    pub requirements: Arc<Requirements>,
    /// Imports that are served outside the sandbox, and by what.
    pub outside: Vec<Outside>,
    /// The limits of each call.
    pub limits: Limits,
}

/// An import that is served outside the sandbox of the component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// The import.
    pub import: String,
    /// Where it is served.
    pub tier: Tier,
    /// What serves it, and why it is trusted to.
    pub by: String,
}

/// One reason why a skill may not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{asked}: {rule}")]
pub struct Denial {
    /// The capability, none when the import belongs to none.
    pub capability: Option<Capability>,
    /// The import that asks.
    pub asked: String,
    /// The rule that says no.
    pub rule: String,
    /// What a person can do about it, where no grant would help.
    pub help: String,
    /// The flags that would grant it, such as `--allow-http https://api.example.org`, with a word in capitals where a
    /// person has to say what; empty where no grant would help.
    pub flags: Vec<String>,
    /// Whether this machine lacks something, which no grant gives.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
}
