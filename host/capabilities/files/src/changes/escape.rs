//! Text of a skill, made harmless for a person's eyes: what is invisible, moves the cursor or reorders is shown as an
//! escape.

use std::fmt::Write as _;

/// One line: everything that is no plain text is escaped, line breaks too.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' {
            out.push_str("\\n");
        } else if c == '\t' {
            out.push_str("\\t");
        } else {
            push(&mut out, c);
        }
    }
    out
}

/// A line of a file, without its line break: tabs stay.
pub(crate) fn content(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push('\t'),
            c => push(&mut out, c),
        }
    }
    out
}

fn push(out: &mut String, c: char) {
    if c.is_control() || deceives(c) {
        // Writing to a string does not fail.
        let _ = match c {
            '\r' => out.write_str("\\r"),
            c => write!(out, "{}", c.escape_unicode()),
        };
    } else {
        out.push(c);
    }
}

/// Characters that are not seen, or that change how others are seen: default-ignorable code points and those of the
/// bidirectional algorithm (Unicode, DerivedCoreProperties; UAX #9 §2), and line separators.
fn deceives(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_is_shown_as_an_escape() {
        assert_eq!(line("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(line("a\u{1b}[2Jb\r\n\t"), "a\\u{1b}[2Jb\\r\\n\\t");
        assert_eq!(line("zero\u{200b}width\u{feff}"), "zero\\u{200b}width\\u{feff}");
        assert_eq!(content("\tif x {\r"), "\tif x {\\r");
        assert_eq!(line("Grüße, 世界"), "Grüße, 世界");
    }
}
