//! Looks for secrets in what a server sends back: as they are, in base64, in hexadecimal, percent-encoded and
//! escaped as in JSON, wherever the pieces of the answer end.
//!
//! A piece is handed on only up to where a secret could be beginning, so a skill never gets the first half of one.
//! This stops servers that echo what they were sent. It cannot stop a server that wants to give a secret away: it may
//! compress, reverse or cut it as it likes.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{AhoCorasick, Anchored};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use vox_model::MAX_SECRET;
use zeroize::Zeroizing;

/// A secret turned up in an answer; holds its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leak(pub(crate) String);

/// What to look for: every form of every secret of one request.
pub(crate) struct Needles {
    nfa: NFA,
    start: StateID,
    /// For each state, how many bytes of a form have been seen; the start is not in it.
    depth: HashMap<StateID, usize>,
    /// Whose form the pattern is.
    owner: Vec<String>,
    /// The bare secrets without regard to case, for the names of fields.
    folded: AhoCorasick,
    /// Their names.
    names: Vec<String>,
}

impl fmt::Debug for Needles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Needles").field("names", &self.names).finish_non_exhaustive()
    }
}

/// The secrets are too large to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl Needles {
    /// Prepares the search for secrets, given as name and value.
    pub(crate) fn new(secrets: &[(&str, &str)]) -> Result<Arc<Self>, TooLarge> {
        let mut forms: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        let mut owner = Vec::new();
        for (name, secret) in secrets {
            for form in forms_of(secret.as_bytes()) {
                if !forms.contains(&form) {
                    forms.push(form);
                    owner.push((*name).to_owned());
                }
            }
        }
        let nfa = NFA::new(forms.iter().map(|form| form.as_slice())).map_err(|_| TooLarge)?;
        let start = nfa.start_state(Anchored::No).map_err(|_| TooLarge)?;
        let mut depth = HashMap::new();
        for form in &forms {
            let mut state = start;
            for (index, byte) in form.iter().enumerate() {
                state = nfa.next_state(Anchored::No, state, *byte);
                depth.insert(state, index + 1);
            }
        }
        let bare = secrets.iter().map(|(_, secret)| secret.as_bytes());
        let folded = AhoCorasick::builder().ascii_case_insensitive(true).build(bare).map_err(|_| TooLarge)?;
        let names = secrets.iter().map(|(name, _)| (*name).to_owned()).collect();
        Ok(Arc::new(Self { nfa, start, depth, owner, folded, names }))
    }

    /// Looks through header fields, names and values.
    pub(crate) fn check_fields(self: &Arc<Self>, fields: &HeaderMap) -> Result<(), Leak> {
        let mut text = Vec::new();
        for (name, value) in fields {
            text.extend_from_slice(name.as_str().as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(value.as_bytes());
            text.push(b'\n');
        }
        self.check(&text)
    }

    /// Looks through a text that is there as a whole.
    pub(crate) fn check(self: &Arc<Self>, text: &[u8]) -> Result<(), Leak> {
        if let Some(found) = self.folded.find(text) {
            return Err(Leak(self.names[found.pattern().as_usize()].clone()));
        }
        let mut scanner = Scanner::new(self.clone());
        scanner.push(text)?;
        Ok(())
    }

    /// One step of the search.
    fn step(&self, state: StateID, byte: u8) -> Result<StateID, Leak> {
        let next = self.nfa.next_state(Anchored::No, state, byte);
        if self.nfa.is_special(next) && self.nfa.is_match(next) {
            let pattern = self.nfa.match_pattern(next, 0).as_usize();
            return Err(Leak(self.owner.get(pattern).cloned().unwrap_or_default()));
        }
        Ok(next)
    }

    fn depth(&self, state: StateID) -> usize {
        self.depth.get(&state).copied().unwrap_or(0)
    }
}

/// The forms in which a secret is looked for. Percent and backslash escapes are undone on the other side, in
/// [`Lens`], because any mix of them is possible.
fn forms_of(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms = vec![Zeroizing::new(secret.to_vec())];
    if secret.contains(&b' ') {
        // As forms are encoded (application/x-www-form-urlencoded).
        forms.push(Zeroizing::new(secret.iter().map(|b| if *b == b' ' { b'+' } else { *b }).collect()));
    }
    let hex = |digits: &[u8; 16]| -> Vec<u8> {
        secret.iter().flat_map(|b| [digits[usize::from(b >> 4)], digits[usize::from(b & 15)]]).collect()
    };
    forms.push(Zeroizing::new(hex(b"0123456789abcdef")));
    forms.push(Zeroizing::new(hex(b"0123456789ABCDEF")));
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for before in 0..3 {
            let mut bytes = Zeroizing::new(vec![0; before]);
            bytes.extend_from_slice(secret);
            let text = Zeroizing::new(engine.encode(bytes.as_slice()).into_bytes());
            // The first and the last character may hold bits of what stands around the secret.
            let known = bytes.len() * 8 / 6;
            let unknown = (before * 8).div_ceil(6);
            forms.push(Zeroizing::new(text[unknown..known].to_vec()));
        }
    }
    forms
}

/// A way of reading the stream: as it is, or with escapes undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lens {
    Plain,
    /// `%41`
    Percent,
    /// `\u0041`, `\/`, as in JSON and in JavaScript
    Backslash,
}

impl Lens {
    fn mark(self) -> Option<u8> {
        match self {
            Self::Plain => None,
            Self::Percent => Some(b'%'),
            Self::Backslash => Some(b'\\'),
        }
    }

    /// What the bytes of an escape so far stand for.
    fn read(self, escape: &[u8]) -> Escape {
        let hex = |digits: &[u8]| {
            std::str::from_utf8(digits)
                .ok()
                .filter(|d| !d.starts_with('+'))
                .and_then(|d| u32::from_str_radix(d, 16).ok())
        };
        let (digits, length) = match (self, escape) {
            (_, [] | [_]) => return Escape::Open,
            (Self::Percent, [_, digits @ ..]) => (digits, 2),
            (Self::Backslash, [_, b'u', digits @ ..]) => (digits, 4),
            (Self::Backslash, [_, b'x', digits @ ..]) => (digits, 2),
            (_, [_, byte, ..]) => return Escape::Byte(*byte),
        };
        match digits.last() {
            Some(last) if !last.is_ascii_hexdigit() => Escape::None,
            _ if digits.len() < length => Escape::Open,
            // Characters outside of one byte are in no secret; any byte that is in none either will do.
            _ => hex(digits).map_or(Escape::None, |value| Escape::Byte(u8::try_from(value).unwrap_or(0))),
        }
    }
}

/// What an escape turns out to be.
enum Escape {
    /// It could still become one.
    Open,
    /// It stands for a byte.
    Byte(u8),
    /// It is none: its bytes stand for themselves.
    None,
}

/// The search through one lens.
struct View {
    lens: Lens,
    state: StateID,
    /// Where in the stream each of the bytes begins that could be the beginning of a form.
    live: Vec<u64>,
    /// An escape that is not complete, and where it begins.
    escape: Vec<u8>,
    escape_at: u64,
}

impl View {
    /// Reads a piece that begins at this place of the stream.
    fn read(&mut self, needles: &Needles, piece: &[u8], at: u64) -> Result<(), Leak> {
        for (byte, place) in piece.iter().copied().zip(at..) {
            if self.escape.is_empty() && Some(byte) != self.lens.mark() {
                self.step(needles, byte, place)?;
                continue;
            }
            if self.escape.is_empty() {
                self.escape_at = place;
            }
            self.escape.push(byte);
            match self.lens.read(&self.escape) {
                Escape::Open => {}
                Escape::Byte(value) => {
                    self.escape.clear();
                    self.step(needles, value, self.escape_at)?;
                }
                Escape::None => self.give_up(needles)?,
            }
        }
        self.trim(needles);
        Ok(())
    }

    /// What looked like an escape is none: its mark stands for itself, and the rest is read again.
    fn give_up(&mut self, needles: &Needles) -> Result<(), Leak> {
        let bytes = std::mem::take(&mut self.escape);
        let at = self.escape_at;
        if let Some((mark, rest)) = bytes.split_first() {
            self.step(needles, *mark, at)?;
            // At most five bytes, and one fewer each time.
            self.read(needles, rest, at + 1)?;
        }
        Ok(())
    }

    fn step(&mut self, needles: &Needles, byte: u8, place: u64) -> Result<(), Leak> {
        self.state = needles.step(self.state, byte)?;
        self.live.push(place);
        // Long runs without a beginning must not pile up; looking often would cost more than the bytes.
        if self.live.len() > 4 * MAX_SECRET {
            self.trim(needles);
        }
        Ok(())
    }

    /// Forgets what can no longer be the beginning of a form.
    fn trim(&mut self, needles: &Needles) {
        let depth = needles.depth(self.state).min(self.live.len());
        self.live.drain(..self.live.len() - depth);
    }

    /// From where on nothing may be handed on.
    fn held(&self) -> Option<u64> {
        let escape = (!self.escape.is_empty()).then_some(self.escape_at);
        self.live.first().copied().or(escape)
    }
}

/// Searches one stream, piece by piece.
pub(crate) struct Scanner {
    needles: Arc<Needles>,
    views: [View; 3],
    /// What is held back, and where in the stream it begins.
    held: BytesMut,
    held_at: u64,
}

impl Scanner {
    pub(crate) fn new(needles: Arc<Needles>) -> Self {
        let start = needles.start;
        let view = |lens| View { lens, state: start, live: Vec::new(), escape: Vec::new(), escape_at: 0 };
        let views = [view(Lens::Plain), view(Lens::Percent), view(Lens::Backslash)];
        Self { needles, views, held: BytesMut::new(), held_at: 0 }
    }

    /// What it looks for.
    pub(crate) fn needles(&self) -> &Arc<Needles> {
        &self.needles
    }

    /// Takes the next piece, and gives what is safe to hand on.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Bytes, Leak> {
        let at = self.held_at + self.held.len() as u64;
        self.held.extend_from_slice(piece);
        let [plain, lenses @ ..] = &mut self.views;
        let before = (plain.state, plain.live.clone());
        plain.read(&self.needles, piece, at)?;
        for view in lenses {
            // A lens that stands where the plain view stood, over a piece without its mark, sees the same again.
            let marked = view.lens.mark().is_some_and(|mark| piece.contains(&mark));
            if !marked && view.escape.is_empty() && view.state == before.0 && view.live == before.1 {
                view.state = plain.state;
                view.live.clone_from(&plain.live);
            } else {
                view.read(&self.needles, piece, at)?;
            }
        }
        let end = at + piece.len() as u64;
        let safe = self.views.iter().filter_map(View::held).min().unwrap_or(end);
        let give = usize::try_from(safe.saturating_sub(self.held_at)).unwrap_or(0).min(self.held.len());
        self.held_at += give as u64;
        Ok(self.held.split_to(give).freeze())
    }

    /// The stream is over: what was held back turned out to be no secret.
    pub(crate) fn finish(&mut self) -> Result<Bytes, Leak> {
        for view in &mut self.views {
            while !view.escape.is_empty() {
                view.give_up(&self.needles)?;
            }
        }
        Ok(self.held.split().freeze())
    }
}

#[cfg(test)]
mod tests;
