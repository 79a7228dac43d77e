//! Where randomness comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use vox_model::Capability;

/// What stands after `--random-seed` is not a seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no seed; a seed is a whole number below 2^64, such as `--random-seed 42`")]
pub struct NoSeed(pub String);

/// Where randomness comes from. The default is the system's, which needs no grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The number that everything drawn follows from. Whoever knows it knows all keys and tokens that the skill makes:
    /// it is for runs that are to be repeated, not for work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl FromStr for Grant {
    type Err = NoSeed;
    /// Reads what stands after `--random-seed`.
    fn from_str(text: &str) -> Result<Self, NoSeed> {
        match text.parse() {
            Ok(seed) => Ok(Self { seed: Some(seed) }),
            Err(_) => Err(NoSeed(vox_cap_log::escape_within(text, 40).text)),
        }
    }
}

impl Grant {
    /// Adds what another grant gives: its seed holds, if it has one.
    pub fn merge(&mut self, other: &Self) {
        self.seed = other.seed.or(self.seed);
    }

    /// What it gives, in sentences for a person.
    pub fn describe(&self) -> Vec<String> {
        let told = |seed| format!("draw the same random numbers in every call, from the seed {seed}");
        self.seed.map(told).into_iter().collect()
    }

    /// The flags that would give what is asked for and not granted: none, because randomness needs no grant.
    pub fn missing(&self, _: &Request) -> Vec<String> {
        Vec::new()
    }
}

/// The section `[random]` of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What randomness is for, shown to the person who runs the skill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the list of capabilities and the store of grants ask of every grant.
impl Grant {
    /// The words that this grant belongs to.
    pub const SERVES: &[Capability] = &[Capability::Random];

    /// The words under which it gives anything.
    pub fn capabilities(&self) -> Vec<Capability> {
        self.seed.iter().flat_map(|_| Self::SERVES).copied().collect()
    }

    /// Takes away what the other gives, and rather more than less.
    pub fn subtract(&mut self, denied: &Self) {
        if self.seed == denied.seed {
            self.seed = None;
        }
    }

    /// What this gives and the other does not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        if self.seed == other.seed { Self::default() } else { self.clone() }
    }
}
