//! Names of skills and their bytes.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// How a skill is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkillRef {
    /// A component file.
    File(PathBuf),
    /// A name in the bundle, such as `json`.
    Bundle(String),
}

/// The text names no skill.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no skill: give a bundle name such as `json`, or the path of a .wasm file such as `./mine.wasm`")]
pub struct SkillRefError(pub String);

impl FromStr for SkillRef {
    type Err = SkillRefError;

    /// A path has a separator or ends in `.wasm`; a bundle name is lower-case letters, digits and `-`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.contains(std::path::MAIN_SEPARATOR) || text.contains('/') || text.ends_with(".wasm") {
            Ok(Self::File(text.into()))
        } else if !text.is_empty() && text.chars().all(plain) {
            Ok(Self::Bundle(text.to_owned()))
        } else {
            Err(SkillRefError(text.to_owned()))
        }
    }
}

impl fmt::Display for SkillRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Bundle(name) => f.write_str(name),
        }
    }
}

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{self}")
    }
}

impl FromStr for Digest {
    type Err = SkillRefError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || SkillRefError(text.to_owned());
        if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(bad());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

/// The bytes of a component, fetched when somebody wants them: a cached skill is called without.
type Load = dyn Fn() -> Result<Arc<[u8]>, String> + Send + Sync;

/// A located skill.
#[derive(Clone)]
pub struct Artifact {
    /// How people call it, such as `json` or `./mine.wasm`.
    pub name: String,
    /// What identifies its content.
    pub digest: Digest,
    load: Arc<Load>,
}

impl Artifact {
    /// An artifact whose bytes are at hand.
    pub fn new(name: impl Into<String>, digest: Digest, bytes: Arc<[u8]>) -> Self {
        Self::lazy(name, digest, move || Ok(bytes.clone()))
    }

    /// An artifact whose bytes are made on demand: unpacked or composed.
    pub fn lazy(
        name: impl Into<String>,
        digest: Digest,
        load: impl Fn() -> Result<Arc<[u8]>, String> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), digest, load: Arc::new(load) }
    }

    /// The component.
    ///
    /// # Errors
    /// Why the bytes cannot be had.
    pub fn bytes(&self) -> Result<Arc<[u8]>, String> {
        (self.load)()
    }
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Artifact").field("name", &self.name).field("digest", &self.digest).finish()
    }
}
