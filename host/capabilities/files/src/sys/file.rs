//! Reading and writing open files.

use super::root::fs_error;
use crate::tree::{FsError, FsResult};
use rustix::fs::Timestamps;
use rustix::io::ReadWriteFlags;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of one read: as much as all memory of a guest may hold.
const MAX_READ: usize = 64 << 20;

/// Bytes that memory is taken for at a time: what a guest asks for is no measure for what is there.
const STEP: usize = 1 << 20;

/// Reads up to `length` bytes; fewer only at the end of the file, or beyond [`MAX_READ`].
pub(crate) fn read_at(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let length = length.min(MAX_READ);
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let start = bytes.len();
        bytes.resize(length.min(start + STEP), 0);
        let Some(at) = offset.checked_add(start as u64) else {
            bytes.truncate(start);
            break;
        };
        match file.read_at(&mut bytes[start..], at) {
            Ok(0) => {
                bytes.truncate(start);
                break;
            }
            Ok(count) => bytes.truncate(start + count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => bytes.truncate(start),
            // An offset that the system has no number for lies behind every end.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput && i64::try_from(at).is_err() => {
                bytes.truncate(start);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// Writes all bytes.
pub(crate) fn write_at(file: &File, offset: u64, bytes: &[u8]) -> FsResult<()> {
    file.write_all_at(bytes, offset).map_err(FsError::Io)
}

/// Writes all bytes at the end, wherever other processes move it.
pub(crate) fn append_at_end(file: &File, mut bytes: &[u8]) -> FsResult<()> {
    while !bytes.is_empty() {
        let written =
            rustix::io::retry_on_intr(|| rustix::io::pwritev2(file, &[IoSlice::new(bytes)], 0, ReadWriteFlags::APPEND))
                .map_err(fs_error)?;
        if written == 0 {
            return Err(io::Error::from(io::ErrorKind::WriteZero).into());
        }
        bytes = &bytes[written..];
    }
    Ok(())
}

/// Sets the time of the last change.
pub(crate) fn set_modified(file: &File, time: SystemTime) -> FsResult<()> {
    rustix::fs::futimens(file, &modified(time)?).map_err(fs_error)
}

/// Sets the permission bits.
pub(crate) fn set_mode(file: &File, mode: u32) -> FsResult<()> {
    rustix::fs::fchmod(file, rustix::fs::Mode::from_raw_mode(mode & 0o777)).map_err(fs_error)
}

/// A time of the last change; that of the last access stays.
pub(super) fn modified(time: SystemTime) -> FsResult<Timestamps> {
    let (seconds, nanoseconds) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()), after.subsec_nanos()),
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).map(|s| -s - i64::from(before.subsec_nanos() > 0));
            (whole, (1_000_000_000 - before.subsec_nanos()) % 1_000_000_000)
        }
    };
    let seconds = seconds.map_err(|_| FsError::Invalid)?;
    Ok(Timestamps {
        last_access: rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        last_modification: rustix::fs::Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() },
    })
}
