//! What is granted and what is asked for: nothing, in both cases. The types exist so that every capability has them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vox_model::Capability;

/// Logging needs no grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {}

impl Grant {
    /// Adds what another grant gives.
    pub fn merge(&mut self, _: &Self) {}

    /// What it gives, in sentences for a person.
    pub fn describe(&self) -> Vec<String> {
        Vec::new()
    }

    /// The flags that would give what is asked for and not granted: none, ever.
    pub fn missing(&self, _: &Request) -> Vec<String> {
        Vec::new()
    }
}

/// The section `[log]` of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What the lines are for, shown to the person who runs the skill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the list of capabilities and the store of grants ask of every grant.
impl Grant {
    /// The words that this grant belongs to.
    pub const SERVES: &[Capability] = &[Capability::Log];

    /// The words under which it gives anything.
    pub fn capabilities(&self) -> Vec<Capability> {
        Vec::new()
    }

    /// Takes away what the other gives, and rather more than less.
    pub fn subtract(&mut self, denied: &Self) {
        let _ = denied;
    }

    /// What this gives and the other does not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let _ = other;
        Self::default()
    }
}
