//! `to-text`: what a reader sees, without markup.

use pulldown_cmark::{Event, TagEnd};

/// What keeps the next text apart from the last one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Line,
    Block,
}

struct Writer {
    out: String,
    gap: Gap,
    /// How many lists are open.
    lists: usize,
    /// Whether the next cell is the first of its row.
    row_starts: bool,
}

/// Writes the body of a document as plain text. Blocks are kept apart by an empty line, items of a list and rows of a
/// table stand on lines of their own, cells are kept apart by tabs, an image is its description, and HTML is left out.
pub(crate) fn write(document: &str) -> String {
    let mut writer = Writer { out: String::with_capacity(document.len()), gap: Gap::None, lists: 0, row_starts: true };
    for event in crate::parse(document) {
        writer.event(event);
    }
    let kept = writer.out.trim_end().len();
    writer.out.truncate(kept);
    writer.out
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        use pulldown_cmark::Tag;
        match event {
            Event::Text(text) | Event::Code(text) => self.text(&text),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.text("\n"),
            Event::Rule => self.apart(Gap::Block),
            Event::Start(Tag::List(_)) => {
                // A list inside an item starts on a line of its own.
                self.apart(if self.lists > 0 { Gap::Line } else { Gap::Block });
                self.lists += 1;
            }
            Event::Start(Tag::TableHead | Tag::TableRow) => self.row_starts = true,
            Event::Start(Tag::TableCell) => {
                if !self.row_starts {
                    // Written at once: an empty cell keeps its column.
                    self.flush();
                    self.out.push('\t');
                }
                self.row_starts = false;
            }
            Event::Start(Tag::CodeBlock(_) | Tag::BlockQuote(_)) => self.apart(Gap::Block),
            Event::End(TagEnd::List(_)) => {
                self.lists = self.lists.saturating_sub(1);
                self.apart(if self.lists > 0 { Gap::Line } else { Gap::Block });
            }
            Event::End(TagEnd::Item | TagEnd::TableHead | TagEnd::TableRow) => self.apart(Gap::Line),
            Event::End(TagEnd::CodeBlock) => {
                if self.out.ends_with('\n') {
                    self.out.pop();
                }
                self.apart(Gap::Block);
            }
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::BlockQuote(_)
                | TagEnd::Table
                | TagEnd::HtmlBlock
                | TagEnd::FootnoteDefinition,
            ) => self.apart(Gap::Block),
            _ => {}
        }
    }

    fn apart(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.flush();
            self.out.push_str(text);
        }
    }

    fn flush(&mut self) {
        let gap = std::mem::replace(&mut self.gap, Gap::None);
        if self.out.is_empty() {
            return;
        }
        self.out.push_str(match gap {
            Gap::None => "",
            Gap::Line => "\n",
            Gap::Block => "\n\n",
        });
    }
}
