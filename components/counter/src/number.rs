//! Names of counters, and numbers as the store keeps them.

use crate::bindings::exports::example::counter::counter::Error;

/// Bytes of a name. The store takes 256; names are meant to be read in a list.
const MAX_NAME: usize = 64;

/// Whether a counter can have this name.
///
/// # Errors
/// [`Error::InvalidName`] with the first rule that it breaks.
pub fn checked(name: &str) -> Result<(), Error> {
    let wrong = |why: String| Err(Error::InvalidName(why));
    match name.chars().next() {
        None => return wrong("it is empty".to_owned()),
        Some(first) if !first.is_ascii_alphanumeric() => {
            return wrong("it starts with neither an ASCII letter nor a digit".to_owned());
        }
        Some(_) => {}
    }
    if name.len() > MAX_NAME {
        return wrong(format!("it has {} bytes, at most {MAX_NAME} fit", name.len()));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    match name.chars().find(|c| !plain(*c)) {
        Some(odd) => wrong(format!("it holds {odd:?}; ASCII letters, digits and . _ - / can stand there")),
        None => Ok(()),
    }
}

/// Reads a number as `wasi:keyvalue/atomics` keeps it: decimal digits.
pub fn read(bytes: &[u8]) -> Option<u64> {
    let digits = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    // `parse` would take a sign too.
    if digits { str::from_utf8(bytes).ok()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["a", "7", "visits", "pages/2026-11/home.html", "A_b", &"n".repeat(64)] {
            assert!(checked(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", "empty"),
            (".hidden", "neither"),
            ("é", "neither"),
            ("a b", "' '"),
            ("a\u{202e}", "202e"),
            ("a\n", "\\n"),
            (&*"n".repeat(65), "65 bytes"),
        ] {
            match checked(bad) {
                Err(Error::InvalidName(said)) => assert!(said.contains(why), "{bad:?}: {said}"),
                other => panic!("{bad:?} should be no name: {other:?}"),
            }
        }
    }

    #[test]
    fn numbers_are_digits() {
        assert_eq!(read(b"0"), Some(0));
        assert_eq!(read(b"18446744073709551615"), Some(u64::MAX));
        for bad in [&b""[..], b"+1", b"-1", b" 1", b"1\n", b"18446744073709551616", b"x", b"\xff", "١".as_bytes()] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
