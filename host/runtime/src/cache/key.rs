//! What an entry is found by: everything that its content depends on.

use std::fmt;
use vox_model::Digest;

/// What an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The facts of a component.
    Facts,
    /// Compiled code.
    Code,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::Code => "code",
        }
    }
}

/// The name of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it holds.
    pub kind: Kind,
    pub(super) hash: [u8; 32],
}

impl Key {
    /// The key of what is known about a component, which depends on the component and on this version of vox.
    pub fn facts(digest: &Digest) -> Self {
        Self::of(Kind::Facts, digest, &[])
    }

    /// The key of a component's code under engine settings, see `engine::fingerprint`.
    pub fn code(digest: &Digest, fingerprint: &str) -> Self {
        Self::of(Kind::Code, digest, &[fingerprint])
    }

    fn of(kind: Kind, digest: &Digest, more: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("vox cache key v1");
        let version = env!("CARGO_PKG_VERSION");
        let parts = [kind.word(), version].into_iter().chain(more.iter().copied());
        for part in parts {
            // Lengths go in as well: no two lists of parts hash alike.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(&digest.0);
        Self { kind, hash: *hasher.finalize().as_bytes() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.kind.word(), blake3::Hash::from_bytes(self.hash).to_hex())
    }
}
