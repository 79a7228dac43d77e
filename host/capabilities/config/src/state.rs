//! The settings of one call.

use crate::grant::{Grant, Invalid, MAX_SETTINGS, check_name};
use crate::request::Request;
use std::collections::BTreeMap;
use vox_cap_log::escape_within;
use vox_model::{CallScope, Capability, Effect, Verdict};

/// Bytes of a name in the audit: a skill may ask for any text.
const MAX_TARGET: usize = 200;

/// Reads of one call that are taken down one by one; the rest is counted. A loop must not fill the audit.
const MAX_RECORDED: u64 = 1000;

/// What a skill is told once its settings were taken back.
const TAKEN_BACK: &str = "the settings were taken back while the skill ran";

/// The settings of one call.
pub struct ConfigState {
    scope: CallScope,
    values: BTreeMap<String, Value>,
    reads: u64,
}

struct Value {
    text: String,
    /// From the manifest of the skill, not from a person.
    default: bool,
}

impl ConfigState {
    /// The settings of a fresh call: what was granted, and defaults for what was asked for and not granted.
    ///
    /// # Errors
    /// There are too many settings.
    pub fn new(scope: CallScope, grant: &Grant, request: &Request) -> Result<Self, Invalid> {
        let defaults = request.settings.iter().filter_map(|setting| {
            let text = setting.default.clone()?;
            Some((setting.name.clone(), Value { text, default: true }))
        });
        let granted =
            grant.settings().iter().map(|(name, text)| (name.clone(), Value { text: text.clone(), default: false }));
        let values: BTreeMap<_, _> = defaults.chain(granted).collect();
        if values.len() > MAX_SETTINGS {
            return Err(Invalid::Count(values.len()));
        }
        Ok(Self { scope, values, reads: 0 })
    }

    /// A setting, if there is one of this name.
    ///
    /// # Errors
    /// The grant was taken back; the text is for the skill.
    pub fn setting(&mut self, name: &str) -> Result<Option<String>, String> {
        let target = escape_within(name, MAX_TARGET).text;
        self.allowed(&target)?;
        let found = self.values.get(name).map(|value| (value.text.clone(), value.default));
        match &found {
            Some((text, true)) => {
                self.record(&target, Verdict::Allowed, "the default of the manifest".to_owned(), text.len());
            }
            Some((text, false)) => {
                self.record(&target, Verdict::Allowed, format!("--config {target}"), text.len());
            }
            None => {
                // Only a name that can be granted is put into a command for a person to copy.
                let way = check_name(name).map_or_else(|_| String::new(), |()| format!(": --config {name}=VALUE"));
                self.record(&target, Verdict::Denied, format!("no such setting was granted{way}"), 0);
            }
        }
        Ok(found.map(|(text, _)| text))
    }

    /// All settings, in the order of their names.
    ///
    /// # Errors
    /// The grant was taken back; the text is for the skill.
    pub fn all(&mut self) -> Result<Vec<(String, String)>, String> {
        self.allowed("all settings")?;
        let all: Vec<_> = self.values.iter().map(|(name, value)| (name.clone(), value.text.clone())).collect();
        let bytes = all.iter().map(|(name, text)| name.len() + text.len()).sum();
        self.record("all settings", Verdict::Allowed, "--config".to_owned(), bytes);
        Ok(all)
    }

    fn allowed(&self, target: &str) -> Result<(), String> {
        // A skill that was granted nothing has nothing to be taken back: it sees that there are no settings.
        let holds = self.values.is_empty() || self.scope.allows(Capability::Config, "get", target);
        if holds { Ok(()) } else { Err(TAKEN_BACK.to_owned()) }
    }

    fn record(&mut self, target: &str, verdict: Verdict, rule: String, received: usize) {
        self.reads += 1;
        if self.reads > MAX_RECORDED {
            return;
        }
        self.scope.recorder.record(Effect {
            capability: Capability::Config,
            action: "get".to_owned(),
            target: target.to_owned(),
            verdict,
            rule,
            received: received as u64,
            sent: 0,
        });
    }
}

impl Drop for ConfigState {
    /// Says how many reads were not taken down one by one.
    fn drop(&mut self) {
        let more = self.reads.saturating_sub(MAX_RECORDED);
        if more > 0 {
            self.scope.recorder.record(Effect {
                capability: Capability::Config,
                action: "get".to_owned(),
                target: format!("{more} more reads"),
                verdict: Verdict::Allowed,
                rule: "not taken down one by one".to_owned(),
                received: 0,
                sent: 0,
            });
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
