//! Text of a skill on its way to a person.

/// Escaped text, bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escaped {
    /// The text, fit to be shown on one line.
    pub text: String,
    /// Bytes of the original that are not in it.
    pub cut: u64,
}

/// Makes text of a skill fit to be shown on one line.
///
/// Control characters, characters that reorder what a person reads, and characters that nobody sees become `\n`, `\t`,
/// `\r` or `\u{…}`. All else stays as it is, backslashes too: this is for reading, not for reversing.
///
/// ```
/// assert_eq!(vox_cap_log::escape("a\x1b[31mb\n"), r"a\u{1b}[31mb\n");
/// ```
pub fn escape(text: &str) -> String {
    escape_within(text, usize::MAX).text
}

/// [`escape`], of as much of the text as fits into `max` bytes once it is escaped. Never ends within an escape.
pub fn escape_within(text: &str, max: usize) -> Escaped {
    let mut shown = String::with_capacity(text.len().min(max));
    for (at, c) in text.char_indices() {
        let before = shown.len();
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if c.is_control() || misleads(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
        if shown.len() > max {
            shown.truncate(before);
            return Escaped { text: shown, cut: (text.len() - at) as u64 };
        }
    }
    Escaped { text: shown, cut: 0 }
}

/// Whether a character changes what a person sees without being seen itself. The joiners U+200C and U+200D are not
/// among them: Persian, the scripts of India and emoji need them.
fn misleads(c: char) -> bool {
    matches!(c,
        // Directions: Unicode UAX #9 §2, and the marks of §2.6.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
        // Line and paragraph separators, which some viewers break lines at.
        | '\u{2028}' | '\u{2029}'
        // No width and no effect on their neighbours' shape: only good for hiding differences.
        | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        // Tags: a whole invisible alphabet.
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_misleads_is_shown() {
        for (text, shown) in [
            ("plain ünïcödé \\ text", "plain ünïcödé \\ text"),
            ("\x1b]0;title\x07", r"\u{1b}]0;title\u{7}"),
            ("two\r\nlines\t", r"two\r\nlines\t"),
            ("user\u{202e}txt.exe", r"user\u{202e}txt.exe"),
            ("a\u{2066}b\u{2069}\u{200f}\u{61c}", r"a\u{2066}b\u{2069}\u{200f}\u{61c}"),
            ("c1 \u{9b}31m nel \u{85}", r"c1 \u{9b}31m nel \u{85}"),
            ("nul \0 del \u{7f}", r"nul \u{0} del \u{7f}"),
            ("\u{2028}\u{2029}\u{feff}\u{200b}", r"\u{2028}\u{2029}\u{feff}\u{200b}"),
            ("\u{e0041}\u{e0042}", r"\u{e0041}\u{e0042}"),
            ("👩\u{200d}🚀 می\u{200c}خواهم", "👩\u{200d}🚀 می\u{200c}خواهم"),
        ] {
            assert_eq!(escape(text), shown);
        }
    }

    #[test]
    fn a_cut_never_splits_an_escape() {
        let escaped = escape_within("abc\u{202e}def", 8);
        assert_eq!(escaped, Escaped { text: "abc".into(), cut: 6 });
        assert_eq!(escape_within("äöü", 3), Escaped { text: "ä".into(), cut: 4 });
        assert_eq!(escape_within("ab", 2), Escaped { text: "ab".into(), cut: 0 });
        assert_eq!(escape_within("ab", 0), Escaped { text: String::new(), cut: 2 });
    }

    proptest! {
        #[test]
        fn nothing_dangerous_is_left(text in any::<String>(), max in 0usize..200) {
            let whole = escape(&text);
            prop_assert!(!whole.chars().any(|c| c.is_control() || misleads(c)));
            let part = escape_within(&text, max);
            prop_assert!(part.text.len() <= max && whole.starts_with(&part.text));
            let kept = text.len() - part.cut as usize;
            prop_assert_eq!(escape(&text[..kept]), part.text);
        }
    }
}
