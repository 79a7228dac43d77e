//! How much a skill may keep.

use crate::size::{BadSize, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use vox_model::Capability;

/// Bytes that `--allow-kv` gives, and that a skill asks for which names no size.
pub const DEFAULT_QUOTA: u64 = 1 << 20;

/// Bytes that can be granted at most: opening a store reads all of it, to find damage.
pub const MAX_QUOTA: u64 = 1 << 30;

/// Whether a skill may keep data, and how much. The default is that it may not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Bytes of keys and values together; 0 is no grant.
    #[serde(default)]
    pub quota: u64,
}

impl FromStr for Grant {
    type Err = BadSize;
    /// Reads what stands after `--allow-kv=`: a size up to 1 GiB, or nothing, which is 1 MiB.
    fn from_str(text: &str) -> Result<Self, BadSize> {
        let Size(quota) = if text.is_empty() { Size(DEFAULT_QUOTA) } else { text.parse()? };
        match quota {
            1..=MAX_QUOTA => Ok(Self { quota }),
            _ => Err(BadSize(format!("{} (from 1B to 1GiB can be granted)", Size(quota)))),
        }
    }
}

impl Grant {
    /// Whether it gives nothing.
    pub fn is_empty(&self) -> bool {
        self.quota == 0
    }

    /// Adds what another grant gives: the larger quota holds.
    pub fn merge(&mut self, other: &Self) {
        self.quota = self.quota.max(other.quota);
    }

    /// What it gives, in sentences for a person.
    pub fn describe(&self) -> Vec<String> {
        if self.is_empty() {
            return Vec::new();
        }
        vec![format!("keep up to {} of its own data between calls", Size(self.quota))]
    }

    /// The flag that would give what is asked for and not granted. To be called for skills that ask for a store; one
    /// with an empty section asks for 1 MiB.
    pub fn missing(&self, request: &Request) -> Vec<String> {
        let wanted = request.quota.map_or(DEFAULT_QUOTA, |size| size.0.min(MAX_QUOTA));
        if self.quota >= wanted {
            return Vec::new();
        }
        vec![flag(wanted)]
    }

    /// The flag that gives this grant.
    pub fn flag(&self) -> String {
        flag(self.quota)
    }
}

fn flag(quota: u64) -> String {
    match quota {
        DEFAULT_QUOTA => "--allow-kv".to_owned(),
        quota => format!("--allow-kv={}", Size(quota)),
    }
}

/// The section `[kv]` of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// How much the skill keeps, such as `4MiB`; none is 1 MiB. More than 1 GiB is never granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Size>,
    /// What it keeps, shown to the person who is asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the list of capabilities and the store of grants ask of every grant.
impl Grant {
    /// The words that this grant belongs to.
    pub const SERVES: &[Capability] = &[Capability::Kv];

    /// The words under which it gives anything.
    pub fn capabilities(&self) -> Vec<Capability> {
        if self.is_empty() { Vec::new() } else { Self::SERVES.to_vec() }
    }

    /// Takes away what the other gives, and rather more than less.
    pub fn subtract(&mut self, denied: &Self) {
        if !denied.is_empty() {
            self.quota = 0;
        }
    }

    /// What this gives and the other does not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        if self.quota > other.quota { self.clone() } else { Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_say_how_much() {
        assert_eq!("".parse(), Ok(Grant { quota: DEFAULT_QUOTA }));
        assert_eq!("4MiB".parse(), Ok(Grant { quota: 4 << 20 }));
        for bad in ["0", "2GiB", "much"] {
            assert!(bad.parse::<Grant>().is_err(), "{bad}");
        }
        assert_eq!(Grant { quota: 4 << 20 }.flag(), "--allow-kv=4MiB");
        assert_eq!(Grant { quota: 4 << 20 }.describe(), ["keep up to 4MiB of its own data between calls"]);
        assert!(Grant::default().describe().is_empty());
    }

    #[test]
    fn what_is_missing_is_a_flag() {
        let none = Grant::default();
        let wants: Request = toml::from_str("quota = \"4MiB\"\nreason = \"a cache\"").unwrap();
        assert_eq!(none.missing(&Request::default()), ["--allow-kv"]);
        assert_eq!(none.missing(&wants), ["--allow-kv=4MiB"]);
        let mut granted: Grant = "".parse().unwrap();
        assert!(granted.missing(&Request::default()).is_empty());
        assert_eq!(granted.missing(&wants), ["--allow-kv=4MiB"]);
        granted.merge(&Grant { quota: 8 << 20 });
        granted.merge(&none);
        assert!(granted.missing(&wants).is_empty());
    }

    #[test]
    fn grants_are_joined_taken_away_and_compared() {
        let of = |quota| Grant { quota };
        for (one, other, both) in [(0, 5, 5), (5, 0, 5), (5, 7, 7), (7, 5, 7)] {
            let mut merged = of(one);
            merged.merge(&of(other));
            assert_eq!(merged, of(both));
        }
        // A denial of any size takes all of it, and none takes nothing.
        for (had, denied, left) in [(5, 1, 0), (5, 9, 0), (5, 0, 5), (0, 1, 0)] {
            let mut grant = of(had);
            grant.subtract(&of(denied));
            assert_eq!(grant, of(left));
        }
        for (wanted, known, new) in [(5, 0, 5), (5, 4, 5), (5, 5, 0), (5, 6, 0), (0, 0, 0)] {
            assert_eq!(of(wanted).without(&of(known)), of(new));
        }
        assert!(of(0).is_empty() && !of(1).is_empty());
        assert_eq!(of(0).capabilities(), []);
        assert_eq!(of(1).capabilities(), [Capability::Kv]);
    }

    #[test]
    fn quotas_have_two_ends() {
        assert_eq!("1B".parse(), Ok(Grant { quota: 1 }));
        assert_eq!("1GiB".parse(), Ok(Grant { quota: MAX_QUOTA }));
        assert!("1073741825B".parse::<Grant>().is_err());
        // Who asks for more than there is gets what there is, and is not asked for ever.
        let greedy = Request { quota: Some(Size(MAX_QUOTA + 1)), reason: None };
        assert_eq!(Grant::default().missing(&greedy), ["--allow-kv=1GiB"]);
        assert!(Grant { quota: MAX_QUOTA }.missing(&greedy).is_empty());
        assert_eq!(Grant { quota: MAX_QUOTA - 1 }.missing(&greedy), ["--allow-kv=1GiB"]);
        assert_eq!(Grant { quota: DEFAULT_QUOTA - 1 }.missing(&Request::default()), ["--allow-kv"]);
        assert!(Grant { quota: DEFAULT_QUOTA }.missing(&Request::default()).is_empty());
    }

    #[test]
    fn sections_and_stored_grants_are_closed() {
        assert_eq!(toml::from_str::<Request>("quota = 4096").unwrap().quota, Some(Size(4096)));
        assert!(toml::from_str::<Request>("quota = -1").is_err());
        assert!(toml::from_str::<Request>("keys = 5").is_err());
        assert!(serde_json::from_str::<Grant>(r#"{"quota":1,"forever":true}"#).is_err());
        assert_eq!(serde_json::from_str::<Grant>("{}").unwrap(), Grant::default());
        let schema = serde_json::to_string(&schemars::schema_for!(Request)).unwrap();
        assert!(schema.contains("quota"), "{schema}");
    }
}
