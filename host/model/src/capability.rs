//! What a skill can ask for.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One kind of effect outside the sandbox. A closed set: what is not listed cannot be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Reading granted folders.
    FilesystemRo,
    /// Writing granted folders, staged in an overlay.
    FilesystemRw,
    /// Outgoing HTTP to granted hosts.
    HttpOut,
    /// A private key-value store.
    Kv,
    /// Granted settings.
    Config,
    /// Log lines.
    Log,
    /// The real time.
    Clock,
    /// Real randomness.
    Random,
    /// Running programs in a container.
    Subprocess,
    /// Running programs with accelerators.
    Gpu,
}

impl Capability {
    /// Every capability, in the order in which they are listed to people.
    pub const ALL: [Self; 10] = [
        Self::FilesystemRo,
        Self::FilesystemRw,
        Self::HttpOut,
        Self::Kv,
        Self::Config,
        Self::Log,
        Self::Clock,
        Self::Random,
        Self::Subprocess,
        Self::Gpu,
    ];

    /// The word for it in manifests and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::FilesystemRo => "filesystem-ro",
            Self::FilesystemRw => "filesystem-rw",
            Self::HttpOut => "http-out",
            Self::Kv => "kv",
            Self::Config => "config",
            Self::Log => "log",
            Self::Clock => "clock",
            Self::Random => "random",
            Self::Subprocess => "subprocess",
            Self::Gpu => "gpu",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The word names no capability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no capability `{0}`; there are: filesystem-ro, filesystem-rw, http-out, kv, config, log, clock, random, subprocess, gpu"
)]
pub struct UnknownCapability(pub String);

impl FromStr for Capability {
    type Err = UnknownCapability;
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.word() == word)
            .ok_or_else(|| UnknownCapability(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words are what manifests, stores and people write: one for each capability, and nothing else is one.
    #[test]
    fn each_capability_has_a_word_of_its_own() {
        let words = [
            "filesystem-ro",
            "filesystem-rw",
            "http-out",
            "kv",
            "config",
            "log",
            "clock",
            "random",
            "subprocess",
            "gpu",
        ];
        assert_eq!(Capability::ALL.map(Capability::word), words);
        for (capability, word) in Capability::ALL.into_iter().zip(words) {
            assert_eq!(capability.to_string(), word);
            assert_eq!(word.parse(), Ok(capability));
            assert_eq!(serde_json::to_string(&capability).unwrap(), format!("\"{word}\""), "stored under its word");
        }
        for other in ["", "kv ", "KV", "filesystem", "filesystem_ro", "*"] {
            let error = other.parse::<Capability>().unwrap_err();
            assert_eq!(error, UnknownCapability(other.to_owned()));
            assert!(words.iter().all(|word| error.to_string().contains(word)), "{error}");
        }
    }
}
