//! Standard output and error of a guest: capped, kept or passed on, never the host's own.

use bytes::Bytes;
use std::io::Write;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes that a guest may offer in one write.
const CHUNK: usize = 64 << 10;

/// Takes what a guest writes up to a cap, counts the rest, and never makes the guest fail or wait: a skill must
/// not find out how much of its output is read.
#[derive(Clone)]
pub struct Sink {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    kept: Vec<u8>,
    left: u64,
    lost: u64,
    /// Where bytes go at once instead of being kept.
    pass: Option<Box<dyn Write + Send>>,
}

impl Sink {
    /// Keeps up to `cap` bytes.
    pub fn keep(cap: u64) -> Self {
        Self::new(cap, None)
    }

    /// Passes up to `cap` bytes on as they come.
    pub fn pass(cap: u64, to: Box<dyn Write + Send>) -> Self {
        Self::new(cap, Some(to))
    }

    fn new(cap: u64, pass: Option<Box<dyn Write + Send>>) -> Self {
        let shared = Shared { kept: Vec::new(), left: cap, lost: 0, pass };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// What was kept, and how many bytes were lost.
    pub fn take(&self) -> (Vec<u8>, u64) {
        let mut shared = self.lock();
        (std::mem::take(&mut shared.kept), shared.lost)
    }

    /// Takes bytes as far as they fit, and counts the others.
    pub(crate) fn put(&self, bytes: &[u8]) {
        let mut shared = self.lock();
        let fits = usize::try_from(shared.left).unwrap_or(usize::MAX).min(bytes.len());
        let (taken, cut) = bytes.split_at(fits);
        shared.left -= taken.len() as u64;
        shared.lost += cut.len() as u64;
        let passed = match &mut shared.pass {
            Some(to) => to.write_all(taken).and_then(|()| to.flush()),
            None => {
                shared.kept.extend_from_slice(taken);
                Ok(())
            }
        };
        if passed.is_err() {
            // A closed pipe ends the reading, not the skill.
            shared.left = 0;
        }
    }

    /// A panic while the lock was held leaves counters and bytes that are still right.
    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IsTerminal for Sink {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Sink {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Sink {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.put(&bytes);
        Ok(())
    }
    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Sink {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Sink {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.put(bytes);
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
