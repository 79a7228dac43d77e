//! Documents as pieces of their text: `format` changes white space and order, and nothing else.
//!
//! Numbers and strings stay as written, so no digit of a large number and no escape is lost.

use crate::bindings::exports::vox::bundle::json::{Error, Style};
use crate::read::{self, Build, Text};
use std::borrow::Cow;
use std::vec::Drain;

/// Widest indentation.
const MOST_SPACES: u8 = 16;

enum Node<'d> {
    /// A number, a word or a string with its quotes.
    Leaf(&'d str),
    Array(Vec<Node<'d>>),
    Object(Vec<(Key<'d>, Node<'d>)>),
}

struct Key<'d> {
    written: &'d str,
    meant: Cow<'d, str>,
}

/// Writes a document anew.
pub(crate) fn format(document: &str, style: Style) -> Result<String, Error> {
    let mut tree = read::one(document, Pieces { document }).map_err(Error::InvalidDocument)?;
    if style.sort_keys {
        sort(&mut tree);
    }
    let mut writer =
        Writer { out: String::with_capacity(document.len()), indent: style.indent.min(MOST_SPACES).into() };
    writer.node(&tree, 0);
    Ok(writer.out)
}

/// Sorts by code points, which is the order of the UTF-8 bytes. Equal keys keep their order.
fn sort(node: &mut Node<'_>) {
    match node {
        Node::Leaf(_) => {}
        Node::Array(items) => items.iter_mut().for_each(sort),
        Node::Object(fields) => {
            fields.sort_by(|(a, _), (b, _)| a.meant.cmp(&b.meant));
            fields.iter_mut().for_each(|(_, value)| sort(value));
        }
    }
}

struct Pieces<'d> {
    document: &'d str,
}

impl<'d> Pieces<'d> {
    fn quoted(&self, text: &Text<'d>) -> &'d str {
        &self.document[text.start - 1..text.end + 1]
    }
}

impl<'d> Build<'d> for Pieces<'d> {
    type Value = Node<'d>;
    type Key = Key<'d>;

    fn null(&mut self) -> Node<'d> {
        Node::Leaf("null")
    }

    fn bool(&mut self, value: bool) -> Node<'d> {
        Node::Leaf(if value { "true" } else { "false" })
    }

    fn number(&mut self, text: &'d str, _integer: bool) -> Node<'d> {
        Node::Leaf(text)
    }

    fn string(&mut self, text: Text<'d>) -> Node<'d> {
        Node::Leaf(self.quoted(&text))
    }

    fn key(&mut self, text: Text<'d>) -> Key<'d> {
        Key { written: self.quoted(&text), meant: text.text }
    }

    fn array(&mut self, items: Drain<'_, Node<'d>>) -> Node<'d> {
        Node::Array(items.collect())
    }

    fn object(&mut self, fields: Drain<'_, (Key<'d>, Node<'d>)>) -> Node<'d> {
        Node::Object(fields.collect())
    }
}

struct Writer {
    out: String,
    indent: usize,
}

impl Writer {
    fn node(&mut self, node: &Node<'_>, level: usize) {
        match node {
            Node::Leaf(text) => self.out.push_str(text),
            Node::Array(items) => self.list('[', ']', items, level, |writer, item| writer.node(item, level + 1)),
            Node::Object(fields) => self.list('{', '}', fields, level, |writer, (key, value)| {
                writer.out.push_str(key.written);
                writer.out.push_str(if writer.indent == 0 { ":" } else { ": " });
                writer.node(value, level + 1);
            }),
        }
    }

    fn list<T>(&mut self, open: char, close: char, parts: &[T], level: usize, write: impl Fn(&mut Self, &T)) {
        self.out.push(open);
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.line(level + 1);
            write(self, part);
        }
        if !parts.is_empty() {
            self.line(level);
        }
        self.out.push(close);
    }

    fn line(&mut self, level: usize) {
        if self.indent > 0 {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', level * self.indent));
        }
    }
}
