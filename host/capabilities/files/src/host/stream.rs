//! Reading and writing files through the streams of `wasi:io`.

use super::ErrorCode;
use super::fault::code;
use crate::tree::{FsError, FsResult, OpenFile};
use std::sync::Arc;
use wasmtime_wasi_io::bytes::Bytes;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

/// Bytes that one read or write through a stream moves: host memory that a guest can claim with one number.
pub(super) const CHUNK: usize = 64 << 10;

/// What a guest can learn of an error: the code, which `filesystem-error-code` finds again, and nothing of the host.
fn failed(error: &FsError) -> StreamError {
    broken(code(error))
}

fn broken(code: ErrorCode) -> StreamError {
    StreamError::LastOperationFailed(wasmtime::Error::new(code))
}

/// Reads a file from an offset on. Closed at the end of the file, or after an error.
pub(super) struct FileInput {
    file: Arc<dyn OpenFile>,
    at: u64,
    closed: bool,
}

impl FileInput {
    pub(super) fn new(file: Arc<dyn OpenFile>, at: u64) -> Self {
        Self { file, at, closed: false }
    }

    /// Moves on by what was read; nothing means the end.
    fn advance(&mut self, by: FsResult<u64>) -> StreamResult<()> {
        match by {
            Ok(0) => {
                self.closed = true;
                Err(StreamError::Closed)
            }
            Ok(by) => {
                self.at = self.at.saturating_add(by);
                Ok(())
            }
            Err(error) => {
                self.closed = true;
                Err(failed(&error))
            }
        }
    }
}

#[wasmtime_wasi_io::async_trait]
impl Pollable for FileInput {
    /// A local file always has its answer ready.
    async fn ready(&mut self) {}
}

#[wasmtime_wasi_io::async_trait]
impl InputStream for FileInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        let size = size.min(CHUNK);
        if size == 0 {
            return Ok(Bytes::new());
        }
        // The vector of the tree becomes the stream's bytes as it is, and those are copied once, into the guest.
        let (read, bytes) = match self.file.read_at(self.at, size) {
            Ok(mut bytes) => {
                bytes.truncate(size);
                (Ok(bytes.len() as u64), bytes)
            }
            Err(error) => (Err(error), Vec::new()),
        };
        self.advance(read)?;
        Ok(bytes.into())
    }

    /// Skips without reading.
    fn skip(&mut self, count: usize) -> StreamResult<usize> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        if count == 0 {
            return Ok(0);
        }
        let left = self.file.stat().map(|stat| stat.size.saturating_sub(self.at));
        let skipped = left.map(|left| usize::try_from(left).unwrap_or(usize::MAX).min(count));
        let count = *skipped.as_ref().unwrap_or(&0);
        self.advance(skipped.map(|skipped| skipped as u64))?;
        Ok(count)
    }

    async fn blocking_skip(&mut self, count: usize) -> StreamResult<usize> {
        self.skip(count)
    }
}

/// Where an output stream writes next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Position {
    /// At this offset.
    At(u64),
    /// At the end, wherever that is now.
    End,
}

/// Writes a file. Each write is carried out at once, so there is nothing to flush. Closed after an error.
pub(super) struct FileOutput {
    file: Arc<dyn OpenFile>,
    position: Position,
    closed: bool,
}

impl FileOutput {
    pub(super) fn new(file: Arc<dyn OpenFile>, position: Position) -> Self {
        Self { file, position, closed: false }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), ErrorCode> {
        match self.position {
            Position::End => self.file.append(bytes).map_err(|error| code(&error)),
            Position::At(offset) => {
                let end = super::file::end(offset, bytes.len())?;
                self.file.write_at(offset, bytes).map_err(|error| code(&error))?;
                self.position = Position::At(end);
                Ok(())
            }
        }
    }
}

#[wasmtime_wasi_io::async_trait]
impl Pollable for FileOutput {
    /// A local file always takes more.
    async fn ready(&mut self) {}
}

#[wasmtime_wasi_io::async_trait]
impl OutputStream for FileOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        if bytes.len() > CHUNK {
            return Err(StreamError::trap("more was written to a file's stream than `check-write` allows"));
        }
        self.put(&bytes).map_err(|code| {
            self.closed = true;
            broken(code)
        })
    }

    fn flush(&mut self) -> StreamResult<()> {
        match self.closed {
            true => Err(StreamError::Closed),
            false => Ok(()),
        }
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        match self.closed {
            true => Err(StreamError::Closed),
            false => Ok(CHUNK),
        }
    }
}
