//! Text of others, made fit to be kept and shown.

/// Escapes control and direction characters and cuts what is longer than `max` bytes, which the last character shows.
///
/// Line breaks are escaped too: a target that goes over two lines could pass for two.
pub(crate) fn line(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for c in text.chars() {
        let start = out.len();
        if misleads(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        if out.len() > max {
            out.truncate(start);
            while out.len() + '…'.len_utf8() > max && out.pop().is_some() {}
            out.push('…');
            break;
        }
    }
    out
}

/// Control characters, and those that reorder, hide or break what a person reads (Unicode UAX #9 §2, UTR #36 §2.1).
pub(crate) fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::line;
    use proptest::prelude::*;

    #[test]
    fn what_misleads_is_escaped_and_what_is_long_is_cut() {
        assert_eq!(line("a\nb\u{202e}c\u{1b}", 99), "a\\u{a}b\\u{202e}c\\u{1b}");
        assert_eq!(line("abcdef", 6), "abcdef");
        assert_eq!(line("abcdefg", 6), "abc…");
    }

    proptest! {
        #[test]
        fn the_bound_holds(text in ".{0,80}", max in 3_usize..60) {
            let out = line(&text, max);
            prop_assert!(out.len() <= max);
            prop_assert!(!out.chars().any(super::misleads));
        }
    }
}
