//! What a secret is called: one rule for whoever keeps secrets and whoever binds them to requests.

/// Bytes of a name: people type it, and it is the name of a file.
pub const MAX_SECRET_NAME: usize = 64;

/// A text that is not the name of a secret; holds it escaped and cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be the name of a secret: 1 to {MAX_SECRET_NAME} of a to z, 0 to 9 and -")]
pub struct BadSecretName(String);

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
}
