//! The randomness of one call.

use crate::grant::Grant;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use vox_model::{CallScope, Capability, Effect, Verdict};

/// Bytes of randomness in one request: the host makes them before the guest's memory limit sees them.
pub const MAX_REQUEST: u64 = 64 << 10;

/// Bytes of randomness in one call: the host's time, which no tick of the guest's clock counts.
pub const MAX_CALL: u64 = 16 << 20;

/// Why a skill was given no randomness. It ends the call: the functions of `wasi:random` have no errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too much at once.
    #[error("the skill asked for {0} random bytes at once; at most 65536 are given. Ask several times for less")]
    Request(u64),
    /// Too much in all.
    #[error("the skill used up its randomness: a call is given 16 MiB. Seed a generator of its own from a few bytes")]
    Call,
    /// The system has none.
    #[error("the system gives no randomness: {0}")]
    System(String),
}

/// Which of the interfaces draws. Each has a stream of its own, so that what is drawn from one does not depend on what
/// was drawn from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Secure,
    Insecure,
}

/// The generators of one call.
struct Streams {
    secure: ChaCha20Rng,
    insecure: ChaCha20Rng,
    seed: (u64, u64),
}

impl Streams {
    fn new(key: [u8; 32]) -> Self {
        let stream = |number| {
            let mut generator = ChaCha20Rng::from_seed(key);
            generator.set_stream(number);
            generator
        };
        let mut seeds = stream(2);
        Self { secure: stream(0), insecure: stream(1), seed: (seeds.next_u64(), seeds.next_u64()) }
    }
}

/// The randomness of one call: drawn from the system, or following from a seed.
pub struct RandomState {
    scope: CallScope,
    seed: Option<u64>,
    /// Made when the first number is drawn: most calls never draw one.
    streams: Option<Streams>,
    left: u64,
    drawn: u64,
}

impl RandomState {
    /// The randomness of a fresh call.
    pub fn new(scope: CallScope, grant: &Grant) -> Self {
        Self { scope, seed: grant.seed, streams: None, left: MAX_CALL, drawn: 0 }
    }

    pub(crate) fn bytes(&mut self, stream: Stream, len: u64) -> Result<Vec<u8>, Refused> {
        if len > MAX_REQUEST {
            return Err(self.refuse(Refused::Request(len)));
        }
        let streams = self.draw(len)?;
        // Below `MAX_REQUEST`, so it fits.
        let mut bytes = vec![0; len as usize];
        match stream {
            Stream::Secure => streams.secure.fill_bytes(&mut bytes),
            Stream::Insecure => streams.insecure.fill_bytes(&mut bytes),
        }
        Ok(bytes)
    }

    pub(crate) fn number(&mut self, stream: Stream) -> Result<u64, Refused> {
        let streams = self.draw(8)?;
        Ok(match stream {
            Stream::Secure => streams.secure.next_u64(),
            Stream::Insecure => streams.insecure.next_u64(),
        })
    }

    pub(crate) fn seed(&mut self) -> Result<(u64, u64), Refused> {
        Ok(self.draw(16)?.seed)
    }

    /// Takes bytes out of the budget and gives the generators.
    fn draw(&mut self, len: u64) -> Result<&mut Streams, Refused> {
        let Some(left) = self.left.checked_sub(len) else {
            return Err(self.refuse(Refused::Call));
        };
        let streams = match self.streams.take() {
            Some(streams) => streams,
            None => Streams::new(key(self.seed)?),
        };
        self.left = left;
        self.drawn += len;
        Ok(self.streams.insert(streams))
    }

    fn refuse(&self, refused: Refused) -> Refused {
        self.record(refused.to_string(), Verdict::Denied, 0);
        refused
    }

    /// Reports what was drawn. Called when the state is dropped, or earlier by an embedder that closes its books
    /// before; a second time reports only what came since. Runtimes draw all the time, so single draws are not taken
    /// down.
    pub fn finish(&mut self) {
        let drawn = std::mem::take(&mut self.drawn);
        if drawn > 0 {
            let rule = match self.seed {
                Some(seed) => format!("--random-seed {seed}"),
                None => "randomness needs no grant".to_owned(),
            };
            self.record(rule, Verdict::Allowed, drawn);
        }
    }

    fn record(&self, rule: String, verdict: Verdict, received: u64) {
        self.scope.recorder.record(Effect {
            capability: Capability::Random,
            action: "draw".to_owned(),
            target: "random bytes".to_owned(),
            verdict,
            rule,
            received,
            sent: 0,
        });
    }
}

/// The key that all streams of a call follow from.
fn key(seed: Option<u64>) -> Result<[u8; 32], Refused> {
    let mut key = [0; 32];
    match seed {
        // The words after the seed keep it apart from other uses of the same number.
        Some(seed) => {
            key[..8].copy_from_slice(&seed.to_le_bytes());
            key[8..].copy_from_slice(b"vox:random seeded stream");
        }
        None => getrandom::fill(&mut key).map_err(|error| Refused::System(error.to_string()))?,
    }
    Ok(key)
}

impl Drop for RandomState {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
