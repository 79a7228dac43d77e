//! The form of an entry: header, content, MAC.
//!
//! ```text
//! "voxcache" | version u32 | key 32 | length u64 | content | MAC 32
//! ```
//! The MAC is keyed BLAKE3 over everything before it. BLAKE3 is used as its authors mean it to be, see
//! docs/adr/0003-cache.md; the comparison takes constant time.

use super::Key;
use std::io::{self, Read};

const MAGIC: &[u8; 8] = b"voxcache";
const VERSION: u32 = 1;
pub(super) const HEADER: usize = 8 + 4 + 32 + 8;
const MAC: usize = 32;

/// Why an envelope was not opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("it is not an entry of this version")]
    Header,
    #[error("it is the entry of another key")]
    Key,
    #[error("its length is not the one it states")]
    Length,
    #[error("its authentication code is wrong")]
    Mac,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The whole entry for some content.
pub(super) fn seal(secret: &[u8; 32], key: &Key, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + content.len() + MAC);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&key.hash);
    bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
    bytes.extend_from_slice(content);
    let mac = blake3::keyed_hash(secret, &bytes);
    bytes.extend_from_slice(mac.as_bytes());
    bytes
}

/// Bytes that are read and checked at a time: they fit into the second-level cache of any processor of the last ten
/// years.
pub(super) const PIECE: usize = 128 << 10;

/// What stands around the content of an entry.
pub(super) struct Around {
    header: [u8; HEADER],
    length: usize,
}

impl Around {
    /// Reads the header of an entry of this many bytes.
    pub(super) fn read(entry: &mut impl Read, length: u64) -> Result<Self, Broken> {
        let length = length.checked_sub((HEADER + MAC) as u64).ok_or(Broken::Length)?;
        let mut header = [0; HEADER];
        entry.read_exact(&mut header)?;
        if header[..8] != *MAGIC || header[8..12] != VERSION.to_le_bytes() {
            return Err(Broken::Header);
        }
        match (header[44..52] == length.to_le_bytes(), usize::try_from(length)) {
            (true, Ok(length)) => Ok(Self { header, length }),
            _ => Err(Broken::Length),
        }
    }

    /// Bytes of the content, which follows the header.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Reads the content into memory of its length, and checks that it, with the code that follows it, was sealed here
    /// under this key. Each piece is checked while it is still in the processor's cache.
    pub(super) fn fill(
        &self,
        (secret, key): (&[u8; 32], &Key),
        entry: &mut impl Read,
        mut content: &mut [u8],
    ) -> Result<(), Broken> {
        let mut hasher = blake3::Hasher::new_keyed(secret);
        hasher.update(&self.header);
        // BLAKE3 is fastest where pieces start at multiples of their size, and the header was the first bytes of it.
        let mut room = PIECE - HEADER;
        while !content.is_empty() {
            let (piece, behind) = content.split_at_mut(room.min(content.len()));
            entry.read_exact(piece)?;
            hasher.update(piece);
            (content, room) = (behind, PIECE);
        }
        let mut mac = [0; MAC];
        entry.read_exact(&mut mac)?;
        if hasher.finalize() != blake3::Hash::from_bytes(mac) {
            return Err(Broken::Mac);
        }
        match self.header[12..44] == key.hash {
            true => Ok(()),
            false => Err(Broken::Key),
        }
    }
}

/// The content of an entry of this many bytes.
pub(super) fn open(secret: &[u8; 32], key: &Key, entry: &mut impl Read, length: u64) -> Result<Vec<u8>, Broken> {
    let around = Around::read(entry, length)?;
    let mut content = vec![0; around.length()];
    around.fill((secret, key), entry, &mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Kind;

    const SECRET: [u8; 32] = [7; 32];

    fn key(byte: u8) -> Key {
        Key { kind: Kind::Code, hash: [byte; 32] }
    }

    fn opened(secret: &[u8; 32], key: &Key, mut bytes: &[u8]) -> Result<Vec<u8>, Broken> {
        let length = bytes.len() as u64;
        open(secret, key, &mut bytes, length)
    }

    #[test]
    fn opens_what_it_sealed() {
        for content in [0, 1, 4096, 300_007].map(|size| (0..size).map(|at| at as u8).collect::<Vec<u8>>()) {
            let bytes = seal(&SECRET, &key(1), &content);
            assert_eq!(opened(&SECRET, &key(1), &bytes).ok(), Some(content));
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let sealed = seal(&SECRET, &key(1), b"some machine code");
        for bit in 0..sealed.len() * 8 {
            let mut bytes = sealed.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&SECRET, &key(1), &bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_cut_and_any_addition_is_found() {
        let sealed = seal(&SECRET, &key(1), b"some machine code");
        for length in 0..sealed.len() {
            assert!(opened(&SECRET, &key(1), &sealed[..length]).is_err(), "length {length}");
        }
        let longer = [&sealed[..], b"x"].concat();
        assert!(opened(&SECRET, &key(1), &longer).is_err());
    }

    /// A file that another process cuts while it is read.
    #[test]
    fn an_entry_shorter_than_announced_is_found() {
        let sealed = seal(&SECRET, &key(1), b"some machine code");
        let cut = open(&SECRET, &key(1), &mut &sealed[..60], sealed.len() as u64);
        assert!(matches!(cut, Err(Broken::Io(_))), "{cut:?}");
    }

    #[test]
    fn another_key_or_secret_does_not_open_it() {
        let sealed = seal(&SECRET, &key(1), b"some machine code");
        assert!(matches!(opened(&SECRET, &key(2), &sealed), Err(Broken::Key)));
        assert!(matches!(opened(&[8; 32], &key(1), &sealed), Err(Broken::Mac)));
    }
}
