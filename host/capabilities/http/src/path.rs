//! Paths against prefixes.

/// Whether a path means the same to every server that reads it: no segment that a server could resolve, no escape
/// that stands for something with a meaning or for a letter that needs none, no empty segments.
///
/// Only such a path can be held against a prefix. Another one is granted where the whole host is, and denied where
/// anything of the host is.
pub(crate) fn is_plain(path: &str) -> bool {
    let segments = path.strip_prefix('/').unwrap_or(path);
    let count = segments.split('/').count();
    segments.split('/').enumerate().all(|(index, segment)| {
        // `..;x` is `..` to servers that know path parameters.
        let name = segment.split(';').next().unwrap_or_default();
        let empty = segment.is_empty() && index + 1 != count;
        name != "." && name != ".." && !empty && escapes_are_plain(segment)
    })
}

/// Whether each `%XX` is one and stands for a byte that has to be escaped, and not for `/`, `\`, `%` or a control
/// character, which mean something once a server has decoded them.
fn escapes_are_plain(segment: &str) -> bool {
    segment.split('%').skip(1).all(|rest| {
        let Some(byte) = rest.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) else { return false };
        let signed = rest.starts_with('+');
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !signed && !unreserved && !byte.is_ascii_control() && !b"/\\%;".contains(&byte)
    })
}

/// Whether a prefix covers a path, whole segments only. A prefix without a slash at its end covers itself and what
/// lies below, one with a slash only what lies below. The empty prefix covers everything.
pub(crate) fn covers(prefix: &str, path: &str) -> bool {
    match path.strip_prefix(prefix) {
        None => false,
        Some(rest) => prefix.is_empty() || prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_at_segments() {
        for (prefix, path, covered) in [
            ("", "/", true),
            ("", "/a", true),
            ("/v1", "/v1", true),
            ("/v1", "/v1/", true),
            ("/v1", "/v1/x", true),
            ("/v1", "/v10", false),
            ("/v1", "/v1.5", false),
            ("/v1", "/V1", false),
            ("/v1", "/", false),
            ("/v1/", "/v1", false),
            ("/v1/", "/v1/", true),
            ("/v1/", "/v1/x", true),
        ] {
            assert_eq!(covers(prefix, path), covered, "{prefix} {path}");
        }
    }

    #[test]
    fn paths_that_mean_other_things_to_others_are_not_plain() {
        for plain in ["/", "/a", "/a/", "/a/b.c", "/a%20b", "/a;v=1/b", "/%C3%A9", "/...", "/a..b"] {
            assert!(is_plain(plain), "{plain}");
        }
        for odd in [
            "//a",
            "/a//b",
            "/./a",
            "/a/..",
            "/..;/a",
            "/.;x/a",
            "/%2e%2e/a",
            "/%2E/a",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%5Cb",
            "/%252e",
            "/%61dmin",
            "/a%",
            "/a%zz",
            "/a%2",
            "/a%00",
            "/a%0a",
            "/a%+1",
            "/a%3b",
        ] {
            assert!(!is_plain(odd), "{odd}");
        }
    }
}
