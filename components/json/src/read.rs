//! The reader of JSON documents (RFC 8259, nothing more): strict, with a depth limit, and one for every shape.
//!
//! A [`Build`] says what becomes of the parts. Texts without escapes are handed on as they stand in the document, with
//! their place, so that a shape can point into the document instead of copying.

use crate::bindings::exports::vox::bundle::json::Complaint;
use crate::complain;
use std::borrow::Cow;

/// How deep arrays and objects may nest. Readers, filters and writers recurse, and a stack that overflows would end
/// the call with a trap instead of an error.
pub(crate) const DEPTH: usize = 512;

/// A string of the document.
pub(crate) struct Text<'d> {
    /// What it says.
    pub(crate) text: Cow<'d, str>,
    /// Where its content starts (behind the quote).
    pub(crate) start: usize,
    /// Where its content ends (at the closing quote).
    pub(crate) end: usize,
}

/// What becomes of the parts of a document.
pub(crate) trait Build<'d> {
    type Value;
    type Key;
    fn null(&mut self) -> Self::Value;
    fn bool(&mut self, value: bool) -> Self::Value;
    /// A number as written; `integer` when it has neither a point nor an exponent.
    fn number(&mut self, text: &'d str, integer: bool) -> Self::Value;
    fn string(&mut self, text: Text<'d>) -> Self::Value;
    fn key(&mut self, text: Text<'d>) -> Self::Key;
    fn array(&mut self, items: std::vec::Drain<'_, Self::Value>) -> Self::Value;
    fn object(&mut self, fields: std::vec::Drain<'_, (Self::Key, Self::Value)>) -> Self::Value;
}

/// Where and why reading stopped.
pub(crate) struct Fault {
    offset: usize,
    message: &'static str,
}

type Read<T> = Result<T, Fault>;

/// A document on its way into another shape.
pub(crate) struct Reader<'d, B: Build<'d>> {
    text: &'d str,
    bytes: &'d [u8],
    at: usize,
    depth: usize,
    build: B,
    /// Items and fields of the arrays and objects that are still open.
    items: Vec<B::Value>,
    fields: Vec<(B::Key, B::Value)>,
}

/// Reads a document that holds exactly one value.
pub(crate) fn one<'d, B: Build<'d>>(text: &'d str, build: B) -> Result<B::Value, Complaint> {
    let mut reader = Reader::new(text, build);
    let value = match reader.next() {
        Some(value) => value?,
        None => return Err(complain::at(text, text.len(), "the document is empty")),
    };
    reader.space();
    if reader.at < text.len() {
        return Err(complain::at(text, reader.at, "something follows the document"));
    }
    Ok(value)
}

impl<'d, B: Build<'d>> Reader<'d, B> {
    pub(crate) fn new(text: &'d str, build: B) -> Self {
        // Text that comes from a file may begin with a byte order mark.
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Reader { text, bytes: text.as_bytes(), at, depth: 0, build, items: Vec::new(), fields: Vec::new() }
    }

    /// The next value of a document that may hold several; none at its end.
    pub(crate) fn next(&mut self) -> Option<Result<B::Value, Complaint>> {
        self.space();
        (self.at < self.bytes.len())
            .then(|| self.value().map_err(|fault| complain::at(self.text, fault.offset, fault.message)))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn fault<T>(&self, message: &'static str) -> Read<T> {
        Err(Fault { offset: self.at, message })
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Read<B::Value> {
        match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                Ok(self.build.string(text))
            }
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => {
                self.word("true")?;
                Ok(self.build.bool(true))
            }
            Some(b'f') => {
                self.word("false")?;
                Ok(self.build.bool(false))
            }
            Some(b'n') => {
                self.word("null")?;
                Ok(self.build.null())
            }
            Some(_) => self.fault("expected a value"),
            None => self.fault("the document ends where a value was expected"),
        }
    }

    fn word(&mut self, word: &str) -> Read<()> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return self.fault("expected a value");
        }
        self.at += word.len();
        match self.peek() {
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_') => self.fault("unexpected character after a value"),
            _ => Ok(()),
        }
    }

    fn open(&mut self) -> Read<()> {
        if self.depth == DEPTH {
            return self.fault("the document nests deeper than 512 levels");
        }
        self.depth += 1;
        self.at += 1;
        self.space();
        Ok(())
    }

    fn array(&mut self) -> Read<B::Value> {
        self.open()?;
        let first = self.items.len();
        if self.peek() != Some(b']') {
            loop {
                let item = self.value()?;
                self.items.push(item);
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break,
                    Some(_) => return self.fault("expected `,` or `]`"),
                    None => return self.fault("the document ends inside an array"),
                }
                self.space();
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(self.build.array(self.items.drain(first..)))
    }

    fn object(&mut self) -> Read<B::Value> {
        self.open()?;
        let first = self.fields.len();
        if self.peek() != Some(b'}') {
            loop {
                match self.peek() {
                    Some(b'"') => {}
                    Some(_) => return self.fault("expected a key in quotes"),
                    None => return self.fault("the document ends inside an object"),
                }
                let key = self.string()?;
                let key = self.build.key(key);
                self.space();
                if self.peek() != Some(b':') {
                    return self.fault("expected `:` after a key");
                }
                self.at += 1;
                self.space();
                let value = self.value()?;
                self.fields.push((key, value));
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    Some(_) => return self.fault("expected `,` or `}`"),
                    None => return self.fault("the document ends inside an object"),
                }
                self.space();
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(self.build.object(self.fields.drain(first..)))
    }

    fn number(&mut self) -> Read<B::Value> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if let Some(b'0'..=b'9') = self.peek() {
                return self.fault("a number does not start with 0");
            }
        } else {
            self.digits()?;
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            integer = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            integer = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        if let Some(b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.' | b'-' | b'+') = self.peek() {
            return self.fault("unexpected character after a number");
        }
        Ok(self.build.number(&self.text[start..self.at], integer))
    }

    fn digits(&mut self) -> Read<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { self.fault("expected a digit") } else { Ok(()) }
    }

    fn string(&mut self) -> Read<Text<'d>> {
        let start = self.at + 1;
        let end = plain_end(self.bytes, start);
        self.at = end;
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                Ok(Text { text: Cow::Borrowed(&self.text[start..end]), start, end })
            }
            Some(b'\\') => self.escaped(start),
            Some(_) => self.fault("a control character in a string has to be written as an escape"),
            None => self.fault("the document ends inside a string"),
        }
    }

    #[cold]
    fn escaped(&mut self, start: usize) -> Read<Text<'d>> {
        let mut out = String::with_capacity(self.at - start + 16);
        let mut copied = start;
        loop {
            out.push_str(&self.text[copied..self.at]);
            match self.peek() {
                Some(b'"') => {
                    let end = self.at;
                    self.at += 1;
                    return Ok(Text { text: Cow::Owned(out), start, end });
                }
                Some(b'\\') => {
                    self.at += 1;
                    let plain = match self.peek() {
                        Some(b'n') => '\n',
                        Some(b't') => '\t',
                        Some(b'r') => '\r',
                        Some(b'b') => '\u{8}',
                        Some(b'f') => '\u{c}',
                        Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
                        Some(b'u') => {
                            self.at += 1;
                            out.push(self.unicode()?);
                            copied = self.at;
                            self.at = plain_end(self.bytes, self.at);
                            continue;
                        }
                        _ => return self.fault("unknown escape in a string"),
                    };
                    out.push(plain);
                    self.at += 1;
                }
                Some(_) => return self.fault("a control character in a string has to be written as an escape"),
                None => return self.fault("the document ends inside a string"),
            }
            copied = self.at;
            self.at = plain_end(self.bytes, self.at);
        }
    }

    /// The character of a `\u` escape, or of two that form a pair. A half pair becomes U+FFFD, as in jq.
    fn unicode(&mut self) -> Read<char> {
        let unit = self.hex()?;
        let high = match unit {
            0xd800..0xdc00 => unit,
            _ => return Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)),
        };
        if !self.bytes[self.at..].starts_with(b"\\u") {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let behind_high = self.at;
        self.at += 2;
        let low = self.hex()?;
        if !(0xdc00..0xe000).contains(&low) {
            // The second escape stands for itself.
            self.at = behind_high;
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let scalar = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        Ok(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Read<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.fault("expected four hexadecimal digits after `\\u`");
            };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }
}

/// Where the first quote, backslash or control character at or after `at` stands.
#[inline]
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const STEP: usize = 16;
    // A fixed step without early exit inside: the compiler makes SIMD of it.
    while let Some(block) = bytes.get(at..at + STEP) {
        if block.iter().fold(false, |found, byte| found | special(*byte)) {
            break;
        }
        at += STEP;
    }
    while at < bytes.len() && !special(bytes[at]) {
        at += 1;
    }
    at
}

#[inline(always)]
fn special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}
