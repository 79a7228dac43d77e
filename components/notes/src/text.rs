//! What is done to the text of a note. Nothing here touches a file.

use crate::bindings::exports::example::notes::notes::{Error, Hit};

/// Hits of a search: what somebody reads.
const MAX_HITS: usize = 100;

/// Characters of a line that a hit shows.
const MAX_SHOWN: usize = 200;

/// Characters that stand before the place where a long line is cut.
const BEFORE: usize = 60;

/// The text of the first heading of the first level.
pub fn title(head: &str) -> Option<String> {
    let heading = head.lines().find_map(|line| line.strip_prefix("# "))?;
    // Closing signs are no part of it (CommonMark, section 4.2).
    let text = heading.trim().trim_end_matches('#').trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// What has to be put behind a note so that the text stands on lines of its own.
pub fn appended(before: &str, text: &str) -> String {
    let start = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{start}{text}{end}")
}

/// The note with `old` replaced.
///
/// # Errors
/// `old` is empty, is not there, or is there more than once.
pub fn edited(note: &str, old: &str, new: &str) -> Result<String, Error> {
    if old.is_empty() {
        return Err(Error::EmptyText);
    }
    match occurrences(note, old) {
        0 => Err(Error::NoMatch),
        1 => Ok(note.replacen(old, new, 1)),
        many => Err(Error::Ambiguous(many)),
    }
}

/// How often a text occurs, overlaps counted: `aa` is twice in `aaa`, and which one is meant nobody knows.
fn occurrences(note: &str, old: &str) -> u32 {
    let mut count = 0;
    let mut rest = note;
    while let Some(at) = rest.find(old) {
        count += 1;
        let next = rest[at..].chars().next().map_or(1, char::len_utf8);
        rest = &rest[at + next..];
    }
    count
}

/// A search through notes, one after the other.
pub struct Search {
    /// In small letters.
    wanted: String,
    hits: Vec<Hit>,
    more: bool,
}

impl Search {
    /// A search for a text.
    pub fn of(text: &str) -> Self {
        Self { wanted: text.to_lowercase(), hits: Vec::new(), more: false }
    }

    /// Looks through one note.
    pub fn look(&mut self, path: &str, note: &str) {
        for (number, line) in note.lines().enumerate() {
            let Some(at) = place(line, &self.wanted) else { continue };
            if self.hits.len() == MAX_HITS {
                self.more = true;
                return;
            }
            let line_number = u32::try_from(number + 1).unwrap_or(u32::MAX);
            self.hits.push(Hit { path: path.to_owned(), line: line_number, text: shown(line, at) });
        }
    }

    /// Whether nothing more is taken up.
    pub fn is_full(&self) -> bool {
        self.more
    }

    /// The hits, and whether there are more.
    pub fn end(self) -> (Vec<Hit>, bool) {
        (self.hits, self.more)
    }
}

/// The character of the line at which the wanted text begins.
fn place(line: &str, wanted: &str) -> Option<usize> {
    let small = line.to_lowercase();
    let at = small.find(wanted)?;
    // Small letters may be more characters than the capital one, so this is near the place and not always on it.
    Some(small[..at].chars().count())
}

/// The line, or the part of it around a character.
fn shown(line: &str, at: usize) -> String {
    let count = line.chars().count();
    if count <= MAX_SHOWN {
        return line.to_owned();
    }
    let start = at.saturating_sub(BEFORE).min(count - MAX_SHOWN);
    let part: String = line.chars().skip(start).take(MAX_SHOWN).collect();
    let (left, right) = (if start > 0 { "…" } else { "" }, if start + MAX_SHOWN < count { "…" } else { "" });
    format!("{left}{part}{right}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        for (note, expected) in [
            ("# Garden\n\ntext", Some("Garden")),
            ("---\na: b\n---\n# Über #uns ##\n", Some("Über #uns")),
            ("text\n## second\n# first", Some("first")),
            ("#no\n", None),
            ("# \n", None),
            ("# ##\n", None),
            ("", None),
        ] {
            assert_eq!(title(note).as_deref(), expected, "{note:?}");
        }
    }

    #[test]
    fn what_is_appended_stands_on_lines_of_its_own() {
        for (before, text, expected) in
            [("", "a", "a\n"), ("x\n", "a", "a\n"), ("x", "a\n", "\na\n"), ("x", "a\nb", "\na\nb\n"), ("", "\n", "\n")]
        {
            assert_eq!(appended(before, text), expected, "{before:?} {text:?}");
        }
    }

    #[test]
    fn edits_are_exact() {
        assert_eq!(edited("a b c", "b", "x").unwrap(), "a x c");
        assert_eq!(edited("one\ntwo\nthree", "two\n", "").unwrap(), "one\nthree");
        assert_eq!(edited("€uro", "€", "E").unwrap(), "Euro");
        assert!(matches!(edited("a", "", "x"), Err(Error::EmptyText)));
        assert!(matches!(edited("a", "b", "x"), Err(Error::NoMatch)));
        assert!(matches!(edited("A", "a", "x"), Err(Error::NoMatch)));
        assert!(matches!(edited("a a a", "a", "x"), Err(Error::Ambiguous(3))));
        assert!(matches!(edited("aaa", "aa", "x"), Err(Error::Ambiguous(2))));
        assert!(matches!(edited("ééé", "éé", "x"), Err(Error::Ambiguous(2))));
    }

    fn found(text: &str, note: &str) -> Vec<(u32, String)> {
        let mut search = Search::of(text);
        search.look("n.md", note);
        search.end().0.into_iter().map(|hit| (hit.line, hit.text)).collect()
    }

    #[test]
    fn capitals_do_not_matter() {
        let note = "Tomatoes\nno\r\nÄPFEL und tomatoES\n";
        assert_eq!(found("TOMATOES", note), [(1, "Tomatoes".to_owned()), (3, "ÄPFEL und tomatoES".to_owned())]);
        assert_eq!(found("äpfel", note), [(3, "ÄPFEL und tomatoES".to_owned())]);
        assert!(found("pears", note).is_empty());
        // The capital I with a dot becomes two characters.
        assert_eq!(found("x", "İİİx").len(), 1);
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let line = format!("{}needle{}", "é".repeat(500), "ü".repeat(500));
        let (_, text) = found("needle", &line).remove(0);
        assert!(text.contains("needle") && text.starts_with('…') && text.ends_with('…'), "{text}");
        assert_eq!(text.chars().count(), MAX_SHOWN + 2);
        let (_, start) = found("needle", &format!("needle{}", "é".repeat(500))).remove(0);
        assert!(start.starts_with("needle") && start.ends_with('…'), "{start}");
        let (_, end) = found("needle", &format!("{}needle", "é".repeat(500))).remove(0);
        assert!(end.starts_with('…') && end.ends_with("needle"), "{end}");
    }

    #[test]
    fn hits_have_a_limit() {
        let mut search = Search::of("x");
        search.look("a.md", &"x\n".repeat(MAX_HITS));
        assert!(!search.is_full());
        search.look("b.md", "y\n");
        assert!(!search.is_full());
        search.look("c.md", "x\n");
        assert!(search.is_full());
        let (hits, more) = search.end();
        assert_eq!((hits.len(), more), (MAX_HITS, true));
    }
}
