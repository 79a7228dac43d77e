//! `outline`: the headings as a tree, with anchors.

use crate::bindings::exports::vox::bundle::markdown::Heading;
use pulldown_cmark::{Event, Tag, TagEnd};
use std::collections::{BTreeMap, BTreeSet};

/// The anchor of a heading that has no letters.
const NAMELESS: &str = "section";

/// Reads the headings in order.
pub(crate) fn read(document: &str) -> Vec<Heading> {
    let mut headings: Vec<Heading> = Vec::new();
    let mut anchors = Anchors::default();
    // Places of the headings that the next one can stand under: their levels rise.
    let mut above: Vec<usize> = Vec::new();
    let mut open: Option<(u8, String)> = None;
    for event in crate::parse(document) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => open = Some((level as u8, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                let Some((level, text)) = open.take() else { continue };
                while above.last().is_some_and(|last| headings[*last].level >= level) {
                    above.pop();
                }
                let parent = above.last().and_then(|last| u32::try_from(*last).ok());
                above.push(headings.len());
                let text = text.trim().to_owned();
                headings.push(Heading { level, anchor: anchors.take(&text), text, parent });
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, heading)) = &mut open {
                    heading.push_str(&text);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some((_, heading)) = &mut open {
                    heading.push(' ');
                }
            }
            _ => {}
        }
    }
    headings
}

/// Anchors given out so far.
#[derive(Default)]
struct Anchors {
    taken: BTreeSet<String>,
    /// The next number to try for each anchor that came more than once.
    next: BTreeMap<String, usize>,
}

impl Anchors {
    /// An anchor for a heading, as GitHub makes them: lower case, `-` for spaces, a number for the second and further
    /// ones of the same text.
    fn take(&mut self, text: &str) -> String {
        let letters = |c: char| match c {
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            c if c.is_whitespace() => Some('-'),
            _ => None,
        };
        let mut base: String = text.chars().flat_map(char::to_lowercase).filter_map(letters).collect();
        if base.is_empty() {
            base.push_str(NAMELESS);
        }
        if self.taken.insert(base.clone()) {
            return base;
        }
        let next = self.next.entry(base.clone()).or_insert(1);
        loop {
            let anchor = format!("{base}-{next}");
            *next += 1;
            if self.taken.insert(anchor.clone()) {
                return anchor;
            }
        }
    }
}
