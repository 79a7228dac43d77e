//! What a secret is called, and what can be one: one rule for whoever keeps secrets and whoever adds them to requests.

/// Bytes of a name: people type it, and it is the name of a file.
pub const MAX_SECRET_NAME: usize = 64;

/// Bytes of the shortest secret. A shorter one turns up in answers by chance.
pub const MIN_SECRET: usize = 8;

/// Bytes of the longest secret: what a header can hold.
pub const MAX_SECRET: usize = 4 << 10;

/// A text that is not the name of a secret; holds it escaped and cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be the name of a secret: 1 to {MAX_SECRET_NAME} of a to z, 0 to 9 and -")]
pub struct BadSecretName(String);

/// Why a value can be no secret. Holds no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// Whoever looks for it in an answer would find it everywhere.
    #[error("it is shorter than {MIN_SECRET} bytes, so it cannot be told from other text in the answer")]
    Short,
    /// No header takes it.
    #[error("it is longer than {MAX_SECRET} bytes")]
    Long,
    /// It would end a header, or mean something else to each side.
    #[error("it holds line ends, control characters or characters outside ASCII; encode it, as base64 for instance")]
    Characters,
}

/// Checks what is to be a secret: visible ASCII and spaces, so that it can be sent, and long enough to be looked for.
///
/// # Errors
/// It is not.
pub fn check_secret(value: &[u8]) -> Result<(), BadSecret> {
    match value {
        _ if value.len() < MIN_SECRET => Err(BadSecret::Short),
        _ if value.len() > MAX_SECRET => Err(BadSecret::Long),
        _ if !value.iter().all(|b| *b == b' ' || b.is_ascii_graphic()) => Err(BadSecret::Characters),
        _ => Ok(()),
    }
}

/// Checks the name of a secret. Capitals, dots, underscores and separators are left out, so that no two names are one
/// file on any system, and no name is a path.
///
/// # Errors
/// It is empty, too long, or holds another character.
pub fn check_secret_name(text: &str) -> Result<(), BadSecretName> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=MAX_SECRET_NAME).contains(&text.len()) && text.bytes().all(fits) {
        return Ok(());
    }
    Err(BadSecretName(text.escape_default().take(MAX_SECRET_NAME).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_of_few_characters() {
        for good in ["a", "0", "github-token", "-", &"a".repeat(MAX_SECRET_NAME)] {
            assert_eq!(check_secret_name(good), Ok(()), "{good}");
        }
        for bad in
            ["", "A", "a_b", "a.b", "a/b", "..", "a b", "ä", "a\n", "a\0", "a=b", &"a".repeat(MAX_SECRET_NAME + 1)]
        {
            let error = check_secret_name(bad).unwrap_err().to_string();
            assert!(error.contains("1 to 64 of a to z") && !error.contains(char::is_control), "{error}");
        }
    }

    #[test]
    fn secrets_can_be_sent_and_looked_for() {
        for good in ["8 bytes!", "~!\"#$%&'", &"x".repeat(MAX_SECRET)] {
            assert_eq!(check_secret(good.as_bytes()), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", BadSecret::Short),
            ("7 bytes", BadSecret::Short),
            (&"x".repeat(MAX_SECRET + 1), BadSecret::Long),
            ("line\nend-secret", BadSecret::Characters),
            ("a-tab\tin-it", BadSecret::Characters),
            ("a-nul\0in-it", BadSecret::Characters),
            ("secret-with-ü", BadSecret::Characters),
            ("delete-\x7f", BadSecret::Characters),
        ] {
            assert_eq!(check_secret(bad.as_bytes()), Err(why), "{bad}");
        }
        assert_eq!(check_secret(b"not-utf8\xff"), Err(BadSecret::Characters));
    }
}
