//! Which accelerators a skill may use.

use crate::grant::BadName;
use crate::names::{Names, join};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use vox_model::Capability;

/// Which accelerators a skill may use for its programs. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grant {
    /// Any device or some by id.
    pub devices: Names,
}

impl FromStr for Grant {
    type Err = BadName;
    /// Reads what stands after `--allow-gpu=`: ids with commas between them, or nothing, which is any device.
    fn from_str(text: &str) -> Result<Self, BadName> {
        let plain = |id: &str| id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:=".contains(&b));
        let devices = Names::read(text, |id| match plain(id) {
            true => Ok(()),
            false => Err(BadName(format!("{id:?} is no id of a device, such as `nvidia.com/gpu=0`"))),
        })?;
        Ok(Self { devices })
    }
}

impl Grant {
    /// The words that this grant belongs to.
    pub const SERVES: &[Capability] = &[Capability::Gpu];

    /// Whether it gives nothing.
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// Adds what another grant gives.
    pub fn merge(&mut self, other: &Self) {
        self.devices.merge(&other.devices);
    }

    /// Takes away what the other gives, and rather more than less.
    pub fn subtract(&mut self, denied: &Self) {
        self.devices.subtract(&denied.devices);
    }

    /// What this gives and the other does not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self { devices: self.devices.without(&other.devices) }
    }

    /// What it gives, in sentences for a person.
    pub fn describe(&self) -> Vec<String> {
        match &self.devices {
            Names::Any => vec!["use any accelerator of this machine for its programs".to_owned()],
            Names::Some(ids) if ids.is_empty() => Vec::new(),
            Names::Some(ids) => vec![format!("use the accelerators {} for its programs", join(ids))],
        }
    }

    /// The words under which it gives anything.
    pub fn capabilities(&self) -> Vec<Capability> {
        if self.is_empty() { Vec::new() } else { Self::SERVES.to_vec() }
    }

    /// The flags that would give what is asked for and not granted.
    pub fn missing(&self, request: &Request) -> Vec<String> {
        let lacking: Vec<&str> = request.devices.iter().filter(|id| !self.devices.has(id)).map(|id| &**id).collect();
        if lacking.is_empty() { Vec::new() } else { vec![format!("--allow-gpu={}", lacking.join(","))] }
    }

    /// The flag that gives this grant.
    pub fn flag(&self) -> String {
        self.devices.flag("--allow-gpu")
    }
}

/// The section `[gpu]` of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// The devices that the skill needs by id, such as `nvidia.com/gpu=0`. None named means that any would do.
    pub devices: Vec<String>,
    /// What for, shown to the person who is asked.
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> Grant {
        text.parse().unwrap()
    }

    #[test]
    fn devices_are_granted_by_id_or_all() {
        let one = grant("nvidia.com/gpu=0");
        assert_eq!(one.flag(), "--allow-gpu=nvidia.com/gpu=0");
        assert_eq!(one.describe(), ["use the accelerators `nvidia.com/gpu=0` for its programs"]);
        assert_eq!(grant("").flag(), "--allow-gpu");
        assert!("a b".parse::<Grant>().is_err() && "a,,b".parse::<Grant>().is_err());
        let request: Request = toml::from_str("devices = [\"nvidia.com/gpu=0\", \"nvidia.com/gpu=1\"]").unwrap();
        assert_eq!(one.missing(&request), ["--allow-gpu=nvidia.com/gpu=1"]);
        assert!(grant("").missing(&request).is_empty());
        assert!(toml::from_str::<Request>("device = \"0\"").is_err());
        assert_eq!((one.capabilities(), Grant::default().capabilities()), (vec![Capability::Gpu], vec![]));
        assert_eq!(grant("").without(&one), grant(""));
        assert!(one.without(&grant("")).is_empty());
        let mut less = grant("a,b");
        less.subtract(&grant("a"));
        less.merge(&grant("c"));
        assert_eq!(less, grant("b,c"));
    }
}
