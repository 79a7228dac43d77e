//! Which settings a person gave.

use crate::Request;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::str::FromStr;
use vox_cap_log::{escape, escape_within};
use vox_model::Capability;

/// Settings of one skill: `get-all` copies them all into the sandbox.
pub const MAX_SETTINGS: usize = 64;

/// Bytes of a name: people type and read them.
pub const MAX_NAME: usize = 128;

/// Bytes of a value, for the same copy.
pub const MAX_VALUE: usize = 4 << 10;

/// Bytes of a value that are shown to a person.
const SHOWN: usize = 40;

/// A setting, or a list of them, is not what settings are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// There is no `=`.
    #[error("a setting is NAME=VALUE, such as `--config units=metric`; `{0}` has no `=`")]
    NoValue(String),
    /// The name is not one.
    #[error("`{0}` names no setting: a name has 1 to 128 letters, digits, `-`, `_`, `.`, `/` or `:`")]
    Name(String),
    /// The value is too long.
    #[error("the value of the setting `{name}` has {bytes} bytes; at most 4096 fit. Give larger data as a file")]
    Value {
        /// Whose value.
        name: String,
        /// How long it is.
        bytes: usize,
    },
    /// There are too many.
    #[error("{0} settings are more than a skill may have, which is 64. Leave some out, or give them as a file")]
    Count(usize),
}

/// The settings that a person granted: names and values. Empty is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Raw")]
pub struct Grant {
    settings: BTreeMap<String, String>,
}

/// A grant as it is written down, before anybody looked at it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    settings: BTreeMap<String, String>,
}

impl TryFrom<Raw> for Grant {
    type Error = Invalid;
    fn try_from(raw: Raw) -> Result<Self, Invalid> {
        let mut grant = Self::default();
        raw.settings.into_iter().try_for_each(|(name, value)| grant.add(name, value))?;
        Ok(grant)
    }
}

impl FromStr for Grant {
    type Err = Invalid;
    /// Reads what stands after `--config`: `NAME=VALUE`. The value may be empty and may contain `=`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Invalid::NoValue(escape_within(text, SHOWN).text));
        };
        let mut grant = Self::default();
        grant.add(name.to_owned(), value.to_owned())?;
        Ok(grant)
    }
}

impl Grant {
    /// Adds one setting; one of the same name is replaced.
    ///
    /// # Errors
    /// See [`Invalid`].
    pub fn add(&mut self, name: String, value: String) -> Result<(), Invalid> {
        check_name(&name)?;
        check_value(&name, &value)?;
        let count = self.settings.len() + usize::from(!self.settings.contains_key(&name));
        if count > MAX_SETTINGS {
            return Err(Invalid::Count(count));
        }
        self.settings.insert(name, value);
        Ok(())
    }

    /// Adds what another grant gives; where both have a name, the other's value holds. Too many settings together are
    /// found when a call starts, see [`ConfigState::new`](crate::ConfigState::new).
    pub fn merge(&mut self, other: &Self) {
        self.settings.extend(other.settings.iter().map(|(name, value)| (name.clone(), value.clone())));
    }

    /// The settings by name.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// What it gives, in sentences for a person.
    pub fn describe(&self) -> Vec<String> {
        let shown = |(name, value): (&String, &String)| {
            let value = escape_within(value, SHOWN);
            let more = if value.cut > 0 { "…" } else { "" };
            format!("read the setting `{}`, which is `{}{more}`", escape(name), value.text)
        };
        self.settings.iter().map(shown).collect()
    }

    /// The flags that would give what is asked for, not granted, and has no default.
    pub fn missing(&self, request: &Request) -> Vec<String> {
        request
            .settings
            .iter()
            .filter(|setting| setting.default.is_none() && !self.settings.contains_key(&setting.name))
            .map(|setting| format!("--config {}=VALUE", setting.name))
            .collect()
    }
}

/// Names are also written into commands for people to copy: nothing that a shell acts on is in them.
pub(crate) fn check_name(name: &str) -> Result<(), Invalid> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_./:".contains(&b);
    if name.is_empty() || name.len() > MAX_NAME || name.starts_with('-') || !name.bytes().all(fits) {
        return Err(Invalid::Name(escape_within(name, SHOWN).text));
    }
    Ok(())
}

pub(crate) fn check_value(name: &str, value: &str) -> Result<(), Invalid> {
    if value.len() > MAX_VALUE {
        return Err(Invalid::Value { name: name.to_owned(), bytes: value.len() });
    }
    Ok(())
}

/// What the list of capabilities and the store of grants ask of every grant.
impl Grant {
    /// The words that this grant belongs to.
    pub const SERVES: &[Capability] = &[Capability::Config];

    /// The words under which it gives anything.
    pub fn capabilities(&self) -> Vec<Capability> {
        if self.settings().is_empty() { Vec::new() } else { Self::SERVES.to_vec() }
    }

    /// Takes away what the other gives, and rather more than less.
    pub fn subtract(&mut self, denied: &Self) {
        self.settings.retain(|name, _| !denied.settings.contains_key(name));
    }

    /// What this gives and the other does not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut wider = self.clone();
        wider.settings.retain(|name, value| other.settings.get(name) != Some(value));
        wider
    }
}
