//! A file that a guest has opened.

use super::ErrorCode;
use super::bindings::wasi::filesystem::types::DescriptorFlags;
use super::fault::Outcome;
use super::stream::{FileInput, FileOutput, Position};
use crate::tree::OpenFile;
use std::sync::Arc;
use std::time::SystemTime;

/// Bytes that one `read` gives at most: host memory that a guest can claim with one number.
pub(super) const MAX_READ: u64 = 1 << 20;

/// Beyond this no file can reach: offsets of file systems are signed.
const MAX_OFFSET: u64 = i64::MAX as u64;

/// A file, and what this handle may do with it.
pub(super) struct File {
    pub(super) file: Arc<dyn OpenFile>,
    /// The number of its folder.
    pub(super) folder: u32,
    /// The handle was opened for reading.
    pub(super) read: bool,
    /// The handle was opened for writing.
    pub(super) write: bool,
}

impl File {
    pub(super) fn flags(&self) -> DescriptorFlags {
        let none = DescriptorFlags::empty();
        let read = if self.read { DescriptorFlags::READ } else { none };
        let write = if self.write { DescriptorFlags::WRITE } else { none };
        read | write
    }

    /// As in POSIX, a handle that was not opened for it is a bad one for reading or writing.
    fn readable(&self) -> Result<&Arc<dyn OpenFile>, ErrorCode> {
        if self.read { Ok(&self.file) } else { Err(ErrorCode::BadDescriptor) }
    }

    fn writable(&self) -> Result<&Arc<dyn OpenFile>, ErrorCode> {
        if self.write { Ok(&self.file) } else { Err(ErrorCode::BadDescriptor) }
    }

    /// Some bytes, and whether the end of the file was reached. Asking for none reaches it, too: the adapter that
    /// language runtimes bring takes nothing read and no end for an interruption, and its callers would try for ever.
    pub(super) fn read(&self, length: u64, offset: u64) -> Outcome<(Vec<u8>, bool)> {
        let file = self.readable()?;
        if offset > MAX_OFFSET {
            return Err(ErrorCode::Invalid.into());
        }
        let length = usize::try_from(length.min(MAX_READ)).map_err(|_| ErrorCode::Overflow)?;
        if length == 0 {
            return Ok((Vec::new(), true));
        }
        let mut bytes = file.read_at(offset, length)?;
        bytes.truncate(length);
        let end = bytes.len() < length;
        Ok((bytes, end))
    }

    /// Writes all of the bytes and says how many they were.
    pub(super) fn write(&self, bytes: &[u8], offset: u64) -> Outcome<u64> {
        let file = self.writable()?;
        end(offset, bytes.len())?;
        file.write_at(offset, bytes)?;
        Ok(bytes.len() as u64)
    }

    pub(super) fn set_size(&self, size: u64) -> Outcome<()> {
        let file = self.writable()?;
        if size > MAX_OFFSET {
            return Err(ErrorCode::FileTooLarge.into());
        }
        Ok(file.set_size(size)?)
    }

    /// Sets the time of the last change. A handle for reading may not: what a guest hands out for reading stays as it is.
    pub(super) fn set_modified(&self, time: Option<SystemTime>) -> Outcome<()> {
        if !self.write {
            return Err(ErrorCode::NotPermitted.into());
        }
        match time {
            Some(time) => Ok(self.file.set_modified(time)?),
            None => Ok(()),
        }
    }

    pub(super) fn input(&self, offset: u64) -> Outcome<FileInput> {
        let file = self.readable()?;
        if offset > MAX_OFFSET {
            return Err(ErrorCode::Invalid.into());
        }
        Ok(FileInput::new(Arc::clone(file), offset))
    }

    pub(super) fn output(&self, position: Position) -> Outcome<FileOutput> {
        let file = self.writable()?;
        if let Position::At(offset) = position {
            end(offset, 0)?;
        }
        Ok(FileOutput::new(Arc::clone(file), position))
    }
}

/// Where a write ends.
pub(super) fn end(offset: u64, length: usize) -> Result<u64, ErrorCode> {
    let end = offset.checked_add(length as u64).filter(|end| *end <= MAX_OFFSET);
    end.ok_or(ErrorCode::FileTooLarge)
}
