//! The form of an entry: header, content, MAC.
//!
//! ```text
//! "voxcache" | version u32 | key 32 | length u64 | content | MAC 32
//! ```
//! The MAC is keyed BLAKE3 over everything before it. BLAKE3 is used as its authors mean it to be, see
//! docs/adr/0003-cache.md; the comparison takes constant time.

use super::Key;

const MAGIC: &[u8; 8] = b"voxcache";
const VERSION: u32 = 1;
const HEADER: usize = 8 + 4 + 32 + 8;
const MAC: usize = 32;

/// Why an envelope was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("it is not an entry of this version")]
    Header,
    #[error("it is the entry of another key")]
    Key,
    #[error("its length is not the one it states")]
    Length,
    #[error("its authentication code is wrong")]
    Mac,
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

/// The content of an entry, if it is what it claims to be.
pub(super) fn open<'e>(secret: &[u8; 32], key: &Key, bytes: &'e [u8]) -> Result<&'e [u8], Broken> {
    if bytes.len() < HEADER + MAC {
        return Err(Broken::Length);
    }
    let (sealed, mac) = bytes.split_at(bytes.len() - MAC);
    let (header, content) = sealed.split_at(HEADER);
    if header[..8] != *MAGIC || header[8..12] != VERSION.to_le_bytes() {
        return Err(Broken::Header);
    }
    if header[44..52] != (content.len() as u64).to_le_bytes() {
        return Err(Broken::Length);
    }
    let mut claimed = [0; MAC];
    claimed.copy_from_slice(mac);
    if blake3::keyed_hash(secret, sealed) != blake3::Hash::from_bytes(claimed) {
        return Err(Broken::Mac);
    }
    match header[12..44] == key.hash {
        true => Ok(content),
        false => Err(Broken::Key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Kind;

    const SECRET: [u8; 32] = [7; 32];

    fn key(byte: u8) -> Key {
        Key { kind: Kind::Code, hash: [byte; 32] }
    }

    #[test]
    fn opens_what_it_sealed() {
        for content in [&b""[..], b"x", &[9; 10_000]] {
            let bytes = seal(&SECRET, &key(1), content);
            assert_eq!(open(&SECRET, &key(1), &bytes), Ok(content));
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let sealed = seal(&SECRET, &key(1), b"some machine code");
        for bit in 0..sealed.len() * 8 {
            let mut bytes = sealed.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&SECRET, &key(1), &bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_cut_and_any_addition_is_found() {
        let sealed = seal(&SECRET, &key(1), b"some machine code");
        for length in 0..sealed.len() {
            assert!(open(&SECRET, &key(1), &sealed[..length]).is_err(), "length {length}");
        }
        let longer = [&sealed[..], b"x"].concat();
        assert!(open(&SECRET, &key(1), &longer).is_err());
    }

    #[test]
    fn another_key_or_secret_does_not_open_it() {
        let sealed = seal(&SECRET, &key(1), b"some machine code");
        assert_eq!(open(&SECRET, &key(2), &sealed), Err(Broken::Key));
        assert_eq!(open(&[8; 32], &key(1), &sealed), Err(Broken::Mac));
    }
}
