//! Secrets that must not be written.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// Bytes of a text that are looked through: our time. Far more than the KiB that is written of it, so that no secret
/// slips in by its first half: one of eight KiB with every byte escaped three times over has 56 KiB.
const MAX_SCAN: usize = 64 << 10;

/// Shorter values are looked for as they are only: their encodings are too short to tell from other text.
const MIN_ENCODED: usize = 6;

/// Shorter lines of a value that has several are not looked for by themselves.
const MIN_LINE: usize = 16;

/// How often a text is percent-decoded: a URL within a URL within a URL.
const DECODINGS: usize = 3;

/// The forms that secrets could take, in lower case: hosts come in lower case, whatever was written.
#[derive(Default)]
pub(super) struct Scrub {
    needles: Vec<Zeroizing<Vec<u8>>>,
}

impl Scrub {
    pub(super) fn add(&mut self, secret: &SecretString) {
        let value = secret.expose_secret().as_bytes();
        if value.is_empty() {
            return;
        }
        self.push(value);
        if value.len() < MIN_ENCODED {
            return;
        }
        // Of a key over several lines, one line is as secret as the whole.
        value
            .split(|b| matches!(b, b'\n' | b'\r'))
            .filter(|line| line.len() >= MIN_LINE)
            .for_each(|line| self.push(line));
        if let Ok(json) = serde_json::to_string(secret.expose_secret()).map(Zeroizing::new) {
            self.push(json.trim_matches('"').as_bytes());
        }
        self.push(Zeroizing::new(hex::encode(value)).as_bytes());
        // Where it begins in a group of three bytes decides how base64 writes it; characters that also hold bits of the
        // neighbours are left out.
        for before in 0..3 {
            let mut padded = Zeroizing::new(Vec::with_capacity(before + value.len()));
            padded.resize(before, 0);
            padded.extend_from_slice(value);
            let start = [0, 2, 3][before];
            let end = padded.len() / 3 * 4 + [0, 1, 2][padded.len() % 3];
            for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let text = Zeroizing::new(alphabet.encode(&*padded));
                self.push(&text.as_bytes()[start..end]);
            }
        }
    }

    fn push(&mut self, needle: &[u8]) {
        let needle = Zeroizing::new(needle.to_ascii_lowercase());
        if !self.needles.contains(&needle) {
            self.needles.push(needle);
        }
    }

    /// Whether a secret occurs in the text: as it is, as a JSON string, in hexadecimal or base64, and each of these also
    /// behind percent escapes.
    pub(super) fn finds(&self, text: &str) -> bool {
        if self.needles.is_empty() {
            return false;
        }
        let bytes = text.as_bytes();
        let hay = Zeroizing::new(bytes[..bytes.len().min(MAX_SCAN)].to_ascii_lowercase());
        // Forms write a space as a plus.
        let spaced = hay.iter().map(|b| if *b == b'+' { b' ' } else { *b });
        let spaced = Zeroizing::new(spaced.collect::<Vec<u8>>());
        (hay != spaced && self.finds_escaped(spaced)) || self.finds_escaped(hay)
    }

    fn finds_escaped(&self, mut hay: Zeroizing<Vec<u8>>) -> bool {
        for _ in 0..=DECODINGS {
            if self.occurs(&hay) {
                return true;
            }
            match percent_decoded(&hay) {
                Some(decoded) => hay = decoded,
                None => return false,
            }
        }
        // Still escaped after all that: nobody writes so who does not hide something.
        true
    }

    fn occurs(&self, hay: &[u8]) -> bool {
        self.needles.iter().any(|needle| memmem::find(hay, needle).is_some())
    }
}

/// The text with its percent escapes undone once, in lower case; none when there are no escapes.
fn percent_decoded(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut any = false;
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let byte = match tail {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        match byte {
            Some(byte) => {
                any = true;
                out.push(byte.to_ascii_lowercase());
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    any.then_some(out)
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::Scrub;
    use secrecy::SecretString;

    #[test]
    fn lines_strings_and_forms_are_seen_through() {
        let mut scrub = Scrub::default();
        let key = "-----BEGIN KEY-----\nMIIBVgIBADANBgkqhkiG9w0\nshort\n-----END KEY-----";
        for secret in [key, "say \"open sesame\" + \\o/", "ab"] {
            scrub.add(&SecretString::from(secret));
        }
        for holds in [
            key,
            "x=MIIBVgIBADANBgkqhkiG9w0;",
            r#"{"k": "say \"open sesame\" + \\o/"}"#,
            "q=say+%22open+sesame%22+%2B+%5Co%2F",
            "q=say%20%22open%20sesame%22%20%2B%20%5Co/",
            "cab",
        ] {
            assert!(scrub.finds(holds), "{holds}");
        }
        for free in ["short", "say open sesame", "", "a b", "MIIBVgIBADAN"] {
            assert!(!scrub.finds(free), "{free}");
        }
    }
}
