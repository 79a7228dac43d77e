//! Which paths name a note.

use crate::bindings::exports::example::notes::notes::Error;

/// What a note's name ends in.
pub const SUFFIX: &str = ".md";

/// Levels of folders that are looked into, and that a path may have.
pub const MAX_DEPTH: usize = 8;

/// Bytes of a path.
const MAX_PATH: usize = 512;

/// Whether a path names a note. The host keeps every path inside the granted folder, whatever it says; this is for
/// messages that help, and so that a note that was written is one that is found.
///
/// # Errors
/// [`Error::InvalidPath`] with the first rule that it breaks.
pub fn checked(path: &str) -> Result<(), Error> {
    match broken(path) {
        Some(why) => Err(Error::InvalidPath(why)),
        None => Ok(()),
    }
}

fn broken(path: &str) -> Option<String> {
    if path.is_empty() {
        return Some("it is empty; a note is named such as `ideas/garden.md`".to_owned());
    }
    if path.len() > MAX_PATH {
        return Some(format!("it has {} bytes, at most {MAX_PATH} fit", path.len()));
    }
    if let Some(odd) = path.chars().find(|c| c.is_control() || *c == '\\') {
        return Some(format!("it holds {odd:?}; folders are parted by `/`"));
    }
    if path.starts_with('/') {
        return Some("it is absolute; notes are named by their path in the folder of the notes".to_owned());
    }
    for part in path.split('/') {
        match part {
            "" => return Some("a name in it is empty".to_owned()),
            "." | ".." => return Some(format!("`{part}` cannot stand in it")),
            hidden if hidden.starts_with('.') => return Some(format!("`{hidden}` begins with `.`, so it is no note")),
            _ => {}
        }
    }
    if path.split('/').count() > MAX_DEPTH {
        return Some(format!("it has more than {MAX_DEPTH} levels"));
    }
    (!path.ends_with(SUFFIX)).then(|| format!("it does not end in `{SUFFIX}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_notes() {
        for good in ["a.md", "ideas/garden.md", "Über uns/Café 2.md", "1/2/3/4/5/6/7/8.md", "a..md", "a b.md"] {
            assert_eq!(broken(good), None, "{good}");
        }
    }

    #[test]
    fn what_names_no_note_is_said_so() {
        for (bad, why) in [
            ("", "empty"),
            ("/etc/passwd", "absolute"),
            ("../x.md", "`..`"),
            ("a/../b.md", "`..`"),
            ("./a.md", "`.`"),
            ("a//b.md", "empty"),
            ("a/", "empty"),
            (".git/x.md", "`.git`"),
            (".md", "`.md`"),
            ("a.txt", "`.md`"),
            ("a.MD", "`.md`"),
            ("a\\b.md", "'\\\\'"),
            ("a\n.md", "'\\n'"),
            ("1/2/3/4/5/6/7/8/9.md", "8 levels"),
            (&format!("{}.md", "x".repeat(510)), "513 bytes"),
        ] {
            let said = broken(bad).unwrap_or_else(|| panic!("{bad:?} should be no name"));
            assert!(said.contains(why), "{bad:?}: {said}");
        }
    }
}
