//! How finely a skill may see time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use vox_model::Capability;

/// How finely time is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// In steps of a millisecond: enough for dates, logs and timeouts, too little to watch the machine's caches.
    #[default]
    Coarse,
    /// As finely as the machine does.
    Fine,
}

impl Precision {
    /// The flag that grants it.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Coarse => "--allow-clock",
            Self::Fine => "--allow-clock=fine",
        }
    }
}

/// The word names no precision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no precision of a clock; write `--allow-clock` for steps of 1 ms, or `--allow-clock=fine`")]
pub struct UnknownPrecision(pub String);

/// Whether a skill sees the time. The default is that it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// How finely; none means that the clocks stand still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
}

impl FromStr for Grant {
    type Err = UnknownPrecision;
    /// Reads what stands after `--allow-clock=`: `coarse`, `fine`, or nothing, which is coarse.
    fn from_str(text: &str) -> Result<Self, UnknownPrecision> {
        let precision = match text {
            "" | "coarse" => Precision::Coarse,
            "fine" => Precision::Fine,
            _ => return Err(UnknownPrecision(vox_cap_log::escape_within(text, 40).text)),
        };
        Ok(Self { precision: Some(precision) })
    }
}

impl Grant {
    /// Adds what another grant gives: the finer precision holds.
    pub fn merge(&mut self, other: &Self) {
        self.precision = self.precision.max(other.precision);
    }

    /// What it gives, in sentences for a person.
    pub fn describe(&self) -> Vec<String> {
        match self.precision {
            None => Vec::new(),
            Some(Precision::Coarse) => vec!["read the time, in steps of 1 ms".to_owned()],
            Some(Precision::Fine) => vec!["read the time, as finely as the machine shows it".to_owned()],
        }
    }

    /// The flag that would give what is asked for and not granted. To be called for skills that ask for the clock; one
    /// with an empty section asks for steps of a millisecond.
    pub fn missing(&self, request: &Request) -> Vec<String> {
        if self.precision >= Some(request.precision) {
            return Vec::new();
        }
        vec![request.precision.flag().to_owned()]
    }
}

/// The section `[clock]` of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// How finely the skill has to see time.
    #[serde(default)]
    pub precision: Precision,
    /// What the time is for, shown to the person who is asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the list of capabilities and the store of grants ask of every grant.
impl Grant {
    /// The words that this grant belongs to.
    pub const SERVES: &[Capability] = &[Capability::Clock];

    /// The words under which it gives anything.
    pub fn capabilities(&self) -> Vec<Capability> {
        self.precision.iter().flat_map(|_| Self::SERVES).copied().collect()
    }

    /// Takes away what the other gives, and rather more than less.
    pub fn subtract(&mut self, denied: &Self) {
        if denied.precision.is_some() {
            self.precision = None;
        }
    }

    /// What this gives and the other does not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        if self.precision > other.precision { self.clone() } else { Self::default() }
    }
}
