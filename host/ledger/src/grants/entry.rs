//! One decision of a person, as it is kept.

use super::GrantSet;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use vox_model::Digest;

/// A clock set back must not give a limited grant more time: one that is newer than this much ahead is not in effect.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Names an entry, for `vox revoke g12`. Never used twice, as long as the file is not lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(pub u64);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.0)
    }
}

/// The text names no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no grant; ids look like g12, and `vox grants` lists them")]
pub struct EntryIdError(String);

impl FromStr for EntryId {
    type Err = EntryIdError;
    /// Takes `g12` alone: a bare number could be the name of a skill.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_prefix('g').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        number.and_then(|digits| digits.parse().ok()).map(Self).ok_or_else(|| {
            let shown = crate::text::line(text, 64);
            EntryIdError(shown)
        })
    }
}

/// A hash over all that a person was shown when they agreed: imports, hosts, description. The caller makes it; a grant
/// holds only for the hash it was given under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent(pub Digest);

/// What a person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The grant is given.
    Allow,
    /// The grant is forbidden, whoever else gives it.
    Deny,
    /// Everything is forbidden.
    DenyAll,
}

/// How long a decision holds. The default is until it is taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// `--for`: for this long from now.
    pub lasting: Option<Duration>,
    /// `--times`: for this many calls, at least one.
    pub times: Option<u64>,
}

impl Terms {
    /// Whether it holds until it is taken back.
    pub fn unlimited(&self) -> bool {
        self.lasting.is_none() && self.times.is_none()
    }
}

/// Whether an entry is in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It is in effect.
    Live,
    /// Its time is over.
    Expired,
    /// All its uses were used.
    Spent,
    /// It says that it was given in the future, so its time cannot be told: the clock was set back.
    Undatable,
}

/// One decision of a person about one skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Entry<G> {
    /// Its name.
    pub id: EntryId,
    /// The skill, as people write it. Untrusted text, without control characters.
    pub package: String,
    /// Its content.
    #[serde(with = "digest_text")]
    pub digest: Digest,
    /// What the person was shown.
    #[serde(with = "consent_text")]
    pub consent: Consent,
    /// Allowed or forbidden.
    pub decision: Decision,
    /// What: nothing for [`Decision::DenyAll`].
    pub grant: G,
    /// Since when.
    pub created: Timestamp,
    /// When a call last ran under it, to the minute; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
    /// Until when; none without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// For how many more calls; none without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses_left: Option<u64>,
}

impl<G: GrantSet> Entry<G> {
    /// Whether it is in effect at `now`.
    pub fn life(&self, now: Timestamp) -> Life {
        if let Some(expires) = self.expires {
            if expires <= now {
                return Life::Expired;
            }
            if self.created.duration_since(now) > SKEW {
                return Life::Undatable;
            }
        }
        if self.uses_left == Some(0) { Life::Spent } else { Life::Live }
    }

    /// Whether it holds until it is taken back.
    pub(super) fn unlimited(&self) -> bool {
        self.expires.is_none() && self.uses_left.is_none()
    }
}

/// Digests as people and other tools write them.
pub(crate) mod digest_text {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use vox_model::Digest;

    pub(crate) fn serialize<S: Serializer>(digest: &Digest, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(digest)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| serde::de::Error::custom("a digest of 64 hexadecimal digits was expected"))
    }
}

mod consent_text {
    use super::{Consent, digest_text};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(consent: &Consent, to: S) -> Result<S::Ok, S::Error> {
        digest_text::serialize(&consent.0, to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Consent, D::Error> {
        digest_text::deserialize(from).map(Consent)
    }
}

#[cfg(test)]
mod tests {
    use super::EntryId;

    #[test]
    fn ids_are_read_as_they_are_written() {
        assert_eq!("g12".parse::<EntryId>().unwrap(), EntryId(12));
        assert_eq!(EntryId(12).to_string(), "g12");
        for bad in ["12", "g", "g-1", "g+1", "gx", "", "g99999999999999999999999"] {
            assert!(bad.parse::<EntryId>().is_err(), "{bad}");
        }
    }
}
