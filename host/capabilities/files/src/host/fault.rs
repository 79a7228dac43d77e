//! What becomes of an error: a code that the guest sees, or a trap.

use super::ErrorCode;
use crate::tree::FsError;
use std::io;
use wasmtime::component::ResourceTableError;

/// What an operation of a guest ends with instead of its result.
#[derive(Debug)]
pub enum Fault {
    /// The guest is told, and goes on.
    Code(ErrorCode),
    /// The guest is ended: it used a handle that it does not have, or has more of them than it may.
    Trap(wasmtime::Error),
}

/// The result of an operation of a guest.
pub(super) type Outcome<T> = Result<T, Fault>;

impl From<ErrorCode> for Fault {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<FsError> for Fault {
    fn from(error: FsError) -> Self {
        Self::Code(code(&error))
    }
}

impl From<ResourceTableError> for Fault {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

/// The code for an error of a tree.
///
/// Nothing else of the error reaches the guest: texts of the host can hold its paths. Two pairs of errors share a code.
/// `wasi:filesystem` has none for too many open files; `quota` comes closest, since closing some helps. A grant that was
/// taken back and a file whose permissions on the host are too narrow both give `access`: neither will get better
/// by trying again, and a guest need not tell them apart.
pub(super) fn code(error: &FsError) -> ErrorCode {
    match error {
        FsError::NotFound => ErrorCode::NoEntry,
        FsError::Exists => ErrorCode::Exist,
        FsError::NotDirectory => ErrorCode::NotDirectory,
        FsError::IsDirectory => ErrorCode::IsDirectory,
        FsError::NotEmpty => ErrorCode::NotEmpty,
        FsError::ReadOnly => ErrorCode::ReadOnly,
        FsError::NotPermitted => ErrorCode::NotPermitted,
        FsError::Access => ErrorCode::Access,
        FsError::Loop => ErrorCode::Loop,
        FsError::NameTooLong => ErrorCode::NameTooLong,
        FsError::Invalid => ErrorCode::Invalid,
        FsError::CrossDevice => ErrorCode::CrossDevice,
        FsError::Quota | FsError::TooManyOpen => ErrorCode::Quota,
        FsError::Unsupported => ErrorCode::Unsupported,
        FsError::Io(error) => io_code(error.kind()),
    }
}

/// The code for an error of the host's file system; `io` where there is no better one.
fn io_code(kind: io::ErrorKind) -> ErrorCode {
    use io::ErrorKind as Kind;
    match kind {
        Kind::NotFound => ErrorCode::NoEntry,
        Kind::PermissionDenied => ErrorCode::Access,
        Kind::AlreadyExists => ErrorCode::Exist,
        Kind::InvalidInput => ErrorCode::Invalid,
        Kind::InvalidFilename => ErrorCode::NameTooLong,
        Kind::NotADirectory => ErrorCode::NotDirectory,
        Kind::IsADirectory => ErrorCode::IsDirectory,
        Kind::DirectoryNotEmpty => ErrorCode::NotEmpty,
        Kind::ReadOnlyFilesystem => ErrorCode::ReadOnly,
        Kind::StorageFull => ErrorCode::InsufficientSpace,
        Kind::QuotaExceeded => ErrorCode::Quota,
        Kind::FileTooLarge => ErrorCode::FileTooLarge,
        Kind::ResourceBusy => ErrorCode::Busy,
        Kind::ExecutableFileBusy => ErrorCode::TextFileBusy,
        Kind::Deadlock => ErrorCode::Deadlock,
        Kind::CrossesDevices => ErrorCode::CrossDevice,
        Kind::TooManyLinks => ErrorCode::TooManyLinks,
        Kind::OutOfMemory => ErrorCode::InsufficientMemory,
        Kind::Interrupted => ErrorCode::Interrupted,
        Kind::WouldBlock => ErrorCode::WouldBlock,
        Kind::Unsupported => ErrorCode::Unsupported,
        Kind::NotSeekable => ErrorCode::InvalidSeek,
        Kind::BrokenPipe => ErrorCode::Pipe,
        _ => ErrorCode::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every error has the code that its documentation promises. The `match` above has no wildcard, so a new error does
    /// not compile without one; this says that it is the right one.
    #[test]
    fn every_error_has_its_code() {
        let cases = [
            (FsError::NotFound, ErrorCode::NoEntry),
            (FsError::Exists, ErrorCode::Exist),
            (FsError::NotDirectory, ErrorCode::NotDirectory),
            (FsError::IsDirectory, ErrorCode::IsDirectory),
            (FsError::NotEmpty, ErrorCode::NotEmpty),
            (FsError::ReadOnly, ErrorCode::ReadOnly),
            (FsError::NotPermitted, ErrorCode::NotPermitted),
            (FsError::Access, ErrorCode::Access),
            (FsError::Loop, ErrorCode::Loop),
            (FsError::NameTooLong, ErrorCode::NameTooLong),
            (FsError::Invalid, ErrorCode::Invalid),
            (FsError::CrossDevice, ErrorCode::CrossDevice),
            (FsError::Quota, ErrorCode::Quota),
            (FsError::TooManyOpen, ErrorCode::Quota),
            (FsError::Unsupported, ErrorCode::Unsupported),
            (FsError::Io(io::Error::other("disk on fire")), ErrorCode::Io),
        ];
        for (error, expected) in cases {
            assert_eq!(code(&error), expected, "{error:?}");
        }
    }

    /// The numbers of Linux, by way of the standard library.
    #[cfg(target_os = "linux")]
    #[test]
    fn errors_of_the_system_have_their_codes() {
        let cases = [
            (1, ErrorCode::Access),
            (2, ErrorCode::NoEntry),
            (4, ErrorCode::Interrupted),
            (5, ErrorCode::Io),
            (11, ErrorCode::WouldBlock),
            (12, ErrorCode::InsufficientMemory),
            (13, ErrorCode::Access),
            (16, ErrorCode::Busy),
            (17, ErrorCode::Exist),
            (18, ErrorCode::CrossDevice),
            (20, ErrorCode::NotDirectory),
            (21, ErrorCode::IsDirectory),
            (22, ErrorCode::Invalid),
            (26, ErrorCode::TextFileBusy),
            (27, ErrorCode::FileTooLarge),
            (28, ErrorCode::InsufficientSpace),
            (29, ErrorCode::InvalidSeek),
            (30, ErrorCode::ReadOnly),
            (31, ErrorCode::TooManyLinks),
            (32, ErrorCode::Pipe),
            (35, ErrorCode::Deadlock),
            (36, ErrorCode::NameTooLong),
            (39, ErrorCode::NotEmpty),
            (95, ErrorCode::Unsupported),
            (122, ErrorCode::Quota),
            (9999, ErrorCode::Io),
        ];
        for (number, expected) in cases {
            let error = FsError::Io(io::Error::from_raw_os_error(number));
            assert_eq!(code(&error), expected, "{error:?}");
        }
    }
}
