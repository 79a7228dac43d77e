//! Copying files, with the digest of what was copied.

use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use vox_model::Digest;

/// Bytes that are copied at a time.
const STEP: usize = 256 << 10;

/// Bytes of one extended attribute that is carried over; the kernel allows no more.
const MAX_ATTRIBUTE: usize = 64 << 10;

/// Takes bytes in and gives their SHA-256 digest.
#[derive(Default)]
pub(crate) struct Hasher(Sha256);

impl Hasher {
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn digest(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// Copies exactly `size` bytes into an empty file and gives their digest. Where the file system can share the blocks
/// of both files, nothing is written.
///
/// # Errors
/// Reading or writing fails, or the source ends early.
pub(crate) fn copy_and_hash(from: &File, to: &File, size: u64) -> io::Result<Digest> {
    if rustix::fs::ioctl_ficlone(to, from).is_ok() {
        // The clone stands still, whatever happens to its source.
        to.set_len(size)?;
        let (digest, length) = hash(to)?;
        return if length == size { Ok(digest) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
    }
    let mut reader = from.take(size);
    let mut writer = to;
    let (digest, copied) = drain(&mut reader, |bytes| writer.write_all(bytes))?;
    if copied < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(digest)
}

/// The digest of a whole file and its length, read by position: where the file stands does not matter.
///
/// # Errors
/// Reading fails.
pub(crate) fn hash(file: &File) -> io::Result<(Digest, u64)> {
    let mut reader = ByPosition { file, at: 0 };
    drain(&mut reader, |_| Ok(()))
}

fn drain(reader: &mut impl io::Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<(Digest, u64)> {
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; STEP];
    let mut total = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok((hasher.digest(), total)),
            Ok(count) => {
                hasher.take(&buffer[..count]);
                each(&buffer[..count])?;
                total += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

struct ByPosition<'f> {
    file: &'f File,
    at: u64,
}

impl io::Read for ByPosition<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = std::os::unix::fs::FileExt::read_at(self.file, buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Gives a new file what its predecessor had and content does not say: owner, group, access control list and the
/// user's attributes. Capabilities and set-id bits are left behind.
///
/// # Errors
/// It cannot be carried over; then the predecessor must stay.
pub(crate) fn carry_over(from: &File, owner: (u32, u32), to: &File) -> io::Result<()> {
    let now = rustix::fs::fstat(to)?;
    if (now.st_uid, now.st_gid) != owner {
        let user = (now.st_uid != owner.0).then(|| rustix::fs::Uid::from_raw(owner.0));
        let group = (now.st_gid != owner.1).then(|| rustix::fs::Gid::from_raw(owner.1));
        rustix::fs::fchown(to, user, group)?;
    }
    let mut names = vec![0; MAX_ATTRIBUTE];
    let length = match rustix::fs::flistxattr(from, &mut names[..]) {
        Ok(length) => length,
        // No attributes on this file system.
        Err(Errno::OPNOTSUPP) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        if !(name.starts_with(b"user.") || name == b"system.posix_acl_access") {
            continue;
        }
        let mut value = vec![0; MAX_ATTRIBUTE];
        let length = rustix::fs::fgetxattr(from, name, &mut value[..])?;
        rustix::fs::fsetxattr(to, name, &value[..length], rustix::fs::XattrFlags::empty())?;
    }
    Ok(())
}
