//! Contenders in this process.

use crate::runner::Contender;
use anyhow::Result;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A function of this process.
pub struct Local<T, F: FnMut() -> Result<T>> {
    work: F,
    bytes: fn(T) -> Vec<u8>,
}

/// A contender that is a function, and how its result becomes bytes outside the measured time.
pub fn local<T: 'static>(work: impl FnMut() -> Result<T> + 'static, bytes: fn(T) -> Vec<u8>) -> Box<dyn Contender> {
    Box::new(Local { work, bytes })
}

impl<T, F: FnMut() -> Result<T>> Contender for Local<T, F> {
    fn once(&mut self) -> Result<Vec<u8>> {
        (self.work)().map(self.bytes)
    }

    fn batch(&mut self, count: u64) -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..count {
            black_box((self.work)()?);
        }
        Ok(start.elapsed())
    }
}

/// What is measured with a clock of its own, so that preparations stay outside.
pub struct Timed<F: FnMut() -> Result<(Duration, Vec<u8>)>>(pub F);

impl<F: FnMut() -> Result<(Duration, Vec<u8>)>> Contender for Timed<F> {
    fn once(&mut self) -> Result<Vec<u8>> {
        self.0().map(|(_, result)| result)
    }

    fn batch(&mut self, count: u64) -> Result<Duration> {
        (0..count).map(|_| self.0().map(|(took, _)| took)).sum()
    }
}

/// `regex.escape` as a native function.
#[inline(never)]
pub fn native_escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// The echo as a native function that copies in and out, as a sandbox has to.
pub struct NativeEcho(Vec<u8>);

impl NativeEcho {
    /// With room for this many bytes, already touched.
    pub fn new(size: usize) -> Self {
        Self(vec![1; size])
    }

    /// Copies the input into memory of its own and from there into a new vector.
    #[inline(never)]
    pub fn call(&mut self, input: &[u8]) -> Vec<u8> {
        let inside = &mut self.0[..input.len()];
        inside.copy_from_slice(input);
        black_box(inside).to_vec()
    }
}
