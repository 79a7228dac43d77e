//! Randomness for skills: what stands behind `wasi:random`.
//!
//! The interfaces are always linked, because language runtimes import them, and what they give is real: a predictable
//! source that looks like a random one is worse than none. A person who wants a run that can be repeated gives a seed,
//! and then every call draws the same numbers.

mod grant;
mod state;

pub use grant::{Grant, NoSeed, Request};
pub use state::{MAX_CALL, MAX_REQUEST, RandomState, Refused};

use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

impl random::Host for RandomState {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        Ok(self.bytes(state::Stream::Secure, len)?)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.number(state::Stream::Secure)?)
    }
}

impl insecure::Host for RandomState {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        Ok(self.bytes(state::Stream::Insecure, len)?)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.number(state::Stream::Insecure)?)
    }
}

impl insecure_seed::Host for RandomState {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok(self.seed()?)
    }
}

/// What the embedder's store has to offer: the state of this capability and nothing else.
pub trait RandomView: Send {
    /// The randomness of the call.
    fn random(&mut self) -> &mut RandomState;
}

/// Names the part of the store that the host functions of this capability see.
pub struct VoxRandom;

impl HasData for VoxRandom {
    type Data<'a> = &'a mut RandomState;
}

/// Links `wasi:random/random`, `wasi:random/insecure` and `wasi:random/insecure-seed`.
///
/// # Errors
/// An interface was linked already.
pub fn add_to_linker<T: RandomView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    random::add_to_linker::<T, VoxRandom>(linker, T::random)?;
    insecure::add_to_linker::<T, VoxRandom>(linker, T::random)?;
    insecure_seed::add_to_linker::<T, VoxRandom>(linker, T::random)
}
