//! What may stand in an argument list: checked once, in types, so that no text of a skill becomes an option.

use std::fmt;
use std::path::Path;

/// Characters that engines give a meaning of their own in mounts and labels, or that end texts early.
fn plain(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || matches!(c, ':' | ',' | '"' | '\\'))
}

/// A path in the container, absolute and without detours, that nothing of ours stands at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GuestPath(String);

/// Where the system of the container, the agent, or what programs have to trust is.
const TAKEN: [&str; 5] = ["/proc", "/sys", "/dev", "/.vox", "/run/vox"];

impl GuestPath {
    /// Checks a path.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let why = |what: &str| Err(format!("the folder {text:?} in the container {what}"));
        let Some(rest) = text.strip_prefix('/') else {
            return why("does not begin with `/`");
        };
        if !plain(text) {
            return why("contains a control character, `:`, `,`, `\"` or `\\`, which engines cannot be given");
        }
        if rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return why("has an empty part, `.` or `..` in it");
        }
        if text.len() > 1024 {
            return why("is longer than 1,024 bytes");
        }
        if TAKEN.iter().any(|taken| Path::new(text).starts_with(taken)) {
            return why("lies where the system of the container is");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a path of the host may stand in a mount of an engine. Only folders of ours ever do.
pub(crate) fn host_path(path: &Path) -> Result<&str, String> {
    match path.to_str() {
        Some(text) if plain(text) && text.starts_with('/') => Ok(text),
        _ => Err(format!(
            "the path {path:?} contains `:`, `,`, `\"`, `\\`, a control character or no UTF-8, or is not absolute, and engines \
             cannot be given it: choose another state folder"
        )),
    }
}

/// An image by its content: `sha256:` and 64 digits, with or without a name and `@` before it.
pub(crate) fn image(text: &str) -> Result<&str, String> {
    let (name, digest) = match text.rsplit_once('@') {
        Some((name, digest)) => (Some(name), digest),
        None => (None, text),
    };
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    let digits = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let named = name.is_none_or(|name| {
        name.len() <= 255
            && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/' | b':'))
    });
    if digits && named {
        Ok(text)
    } else {
        Err(format!(
            "{text:?} does not name an image by its content: give `sha256:…` or `name@sha256:…` with 64 digits; \
             `podman image inspect --format '{{{{.Digest}}}}' NAME` prints it"
        ))
    }
}

/// A word of ours in a label or a name, such as the id of a call.
pub(crate) fn word(text: &str) -> Result<&str, String> {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if !text.is_empty() && text.len() <= 128 && text.bytes().all(good) && !text.starts_with('-') {
        Ok(text)
    } else {
        Err(format!("{text:?} is no word of at most 128 letters, digits, `.`, `_` and `-`"))
    }
}

/// The name of an environment variable.
pub(crate) fn variable(name: &str) -> Result<&str, String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(format!("{name:?} is no name of a variable: it is empty, or contains `=` or NUL"));
    }
    Ok(name)
}

/// A text that a program gets.
pub(crate) fn text<'t>(what: &str, text: &'t str) -> Result<&'t str, String> {
    if text.contains('\0') {
        return Err(format!("{what} {text:?} contains a NUL character, which no program can be given"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_paths_are_plain_and_away_from_the_system() {
        for good in ["/work", "/home/me/docs", "/work/with space", "/-rf", "/ä"] {
            assert!(GuestPath::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "work",
            "/a/../b",
            "/a//b",
            "/a/",
            "/.",
            "/a:ro",
            "/a,ro",
            "/a\"b",
            "/a\\b",
            "/a\nb",
            "/a\0b",
            "/proc",
            "/proc/1",
            "/sys/fs",
            "/dev/shm",
            "/.vox",
            "/run/vox",
            "--privileged",
        ] {
            assert!(GuestPath::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn images_are_named_by_content_alone() {
        let hex = "0123456789abcdef".repeat(4);
        for good in
            [format!("sha256:{hex}"), format!("debian@sha256:{hex}"), format!("r.example:5000/a/b@sha256:{hex}")]
        {
            assert!(image(&good).is_ok(), "{good}");
        }
        for bad in [
            "debian".to_owned(),
            "debian:12".to_owned(),
            format!("sha256:{}", &hex[1..]),
            format!("sha256:{}", hex.to_uppercase()),
            format!("--privileged@sha256:{hex}"),
            format!("-v/:/host@sha256:{hex}"),
            format!("@sha256:{hex}"),
            format!("a b@sha256:{hex}"),
            format!("sha512:{hex}"),
            format!("debian@sha256:{hex} --privileged"),
        ] {
            assert!(image(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn words_and_variables() {
        assert!(word("call-1.2_x").is_ok());
        for bad in ["", "-x", "a=b", "a b", "a,b", "ä"] {
            assert!(word(bad).is_err(), "{bad:?}");
        }
        assert!(variable("--privileged").is_ok(), "it never becomes an argument of an engine");
        for bad in ["", "A=B", "A\0"] {
            assert!(variable(bad).is_err(), "{bad:?}");
        }
    }
}
