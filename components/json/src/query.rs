//! `query` and `extract`: the jq language, as jaq runs it.

use crate::bindings::exports::vox::bundle::json::{Complaint, Error};
use crate::read::{Build, Reader, Text};
use crate::{complain, library, write};
use bytes::Bytes;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, compile, data};
use jaq_json::{Map, Num, Rc, Val};
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::vec::Drain;

/// The values that filters work on.
pub(crate) type Data = data::JustLut<Val>;

type Filter = jaq_core::Filter<Data>;

/// How results that are strings are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strings {
    /// As JSON.
    Quoted,
    /// As they are.
    Raw,
}

/// How deep the brackets of a filter may nest: parser, compiler and interpreter recurse along them.
const FILTER_DEPTH: usize = 100;

/// How long the chains of a filter may be, `1+1+1+…` or `try try try …`, along which the same three recurse. A chain
/// is what stands in one pair of brackets up to the next `;`, with the chains that it stands in; a sign counts as one,
/// a word as two, because words open larger terms, and so does `-`.
const CHAIN: usize = 1000;

/// Integers with more digits stay text: turning digits into a number takes time by the square of their count.
const MOST_DIGITS: usize = 400;

/// Room for results that is taken at the start, at most.
const FIRST_ROOM: usize = 1 << 20;

/// Runs a filter over each value of a document.
pub(crate) fn run(document: String, filter: &str, strings: Strings) -> Result<String, Error> {
    let program = compile(filter).map_err(Error::InvalidFilter)?;
    let document = Bytes::from(document);
    // SAFETY: the bytes were a `String` just above and `Bytes` never changes them.
    let text = unsafe { std::str::from_utf8_unchecked(&document) };
    let mut out = Vec::with_capacity(text.len().min(FIRST_ROOM) + 16);
    let mut reader = Reader::new(text, Values { document: document.clone() });
    while let Some(value) = reader.next() {
        let value = value.map_err(Error::InvalidDocument)?;
        if each(&program, value, strings, &mut out)? == Flow::Halt {
            break;
        }
    }
    if first_call() {
        std::mem::forget(program);
    }
    // Strings of results may hold bytes that are no text, as after `@base64d`.
    Ok(String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Whether this is the first call of this instance, and so most often its last: what it made need not be taken apart. A
/// second call finds that little less memory, and every later one cleans up behind itself.
fn first_call() -> bool {
    static CALLED: AtomicBool = AtomicBool::new(false);
    !CALLED.swap(true, Ordering::Relaxed)
}

#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Halt,
}

/// Runs a filter over one value.
fn each(program: &Filter, value: Val, strings: Strings, out: &mut Vec<u8>) -> Result<Flow, Error> {
    let context = Ctx::<Data>::new(&program.lut, Vars::new([]));
    for result in program.id.run((context, value)) {
        let result = match result {
            Ok(result) => result,
            Err(exception) => return ended(exception),
        };
        match &result {
            Val::TStr(text) | Val::BStr(text) if strings == Strings::Raw => out.extend_from_slice(text),
            value => {
                if let Err(reason) = write::value_to(value, out) {
                    // Freeing what nests too deep to write could overflow the stack.
                    std::mem::forget(result);
                    return Err(Error::Failed(reason.to_owned()));
                }
            }
        }
        out.push(b'\n');
    }
    Ok(Flow::On)
}

#[cold]
fn ended(exception: jaq_core::Exn<'_, Val>) -> Result<Flow, Error> {
    match exception.get_err() {
        Ok(error) => Err(Error::Failed(match error.into_val() {
            Val::TStr(text) => String::from_utf8_lossy(&text).into_owned(),
            value => match write::json(&value) {
                Ok(json) => String::from_utf8_lossy(&json).into_owned(),
                Err(reason) => reason.to_owned(),
            },
        })),
        Err(exception) => match exception.get_halt() {
            Ok(0) => Ok(Flow::Halt),
            Ok(code) => Err(Error::Failed(format!("the filter halted with code {code}"))),
            Err(_) => Err(Error::Failed("the filter broke out of a label that is not there".to_owned())),
        },
    }
}

/// Makes a filter ready to run, with what it needs of the library.
pub(crate) fn compile(filter: &str) -> Result<Filter, Complaint> {
    refuse_excess(filter)?;
    let selection = library::select(filter);
    let arena = Arena::default();
    let loader = Loader::new(selection.definitions());
    let modules = loader.load(&arena, File { code: filter, path: () }).map_err(|errors| unreadable(filter, errors))?;
    Compiler::default().with_funs(selection.natives()).compile(modules).map_err(|errors| undefined(filter, errors))
}

/// An open bracket or string, and the length of the chain in it so far.
struct Open {
    byte: u8,
    chain: usize,
}

/// Refuses filters whose brackets nest too deep or whose chains are too long.
fn refuse_excess(filter: &str) -> Result<(), Complaint> {
    // No byte opens more than one bracket, or makes a chain longer by more than two.
    if filter.len() <= FILTER_DEPTH.min(CHAIN / 2) {
        return Ok(());
    }
    let mut open = vec![Open { byte: b'(', chain: 0 }];
    // The sum over all that is open.
    let mut chain = 0;
    let mut bytes = filter.bytes().enumerate();
    let mut last = b' ';
    while let Some((at, byte)) = bytes.next() {
        let nested = open.len() > 1;
        let Some(inner) = open.last_mut() else { return Ok(()) };
        let in_string = inner.byte == b'"';
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let weight = match byte {
            _ if in_string || byte.is_ascii_whitespace() => 0,
            b'-' => 2,
            _ if !word(byte) => 1,
            _ if word(last) || matches!(last, b'.' | b'$') => 0,
            b'0'..=b'9' => 1,
            _ => 2,
        };
        inner.chain += weight;
        chain += weight;
        match byte {
            b'\\' if in_string => {
                if let Some((_, b'(')) = bytes.next() {
                    open.push(Open { byte: b'(', chain: 0 });
                }
            }
            b'"' if !in_string => open.push(Open { byte, chain: 0 }),
            b'(' | b'[' | b'{' if !in_string => open.push(Open { byte, chain: 0 }),
            b'"' | b')' | b']' | b'}' if in_string == (byte == b'"') && nested => {
                chain -= open.pop().map_or(0, |closed| closed.chain);
            }
            b';' if !in_string => chain -= std::mem::take(&mut inner.chain),
            b',' if inner.byte == b'{' => chain -= std::mem::take(&mut inner.chain),
            b'#' if !in_string => {
                bytes.find(|(_, byte)| *byte == b'\n');
            }
            _ => {}
        }
        last = byte;
        if open.len() > FILTER_DEPTH + 1 {
            return Err(complain::at(filter, at, format!("the filter nests deeper than {FILTER_DEPTH} levels")));
        }
        if chain > CHAIN {
            return Err(complain::at(filter, at, "the filter is too long a chain; functions make it shorter"));
        }
    }
    Ok(())
}

/// Where a piece of the filter starts, if it is one.
fn place(filter: &str, piece: &str) -> Option<usize> {
    let offset = (piece.as_ptr() as usize).wrapping_sub(filter.as_ptr() as usize);
    (offset <= filter.len()).then_some(offset)
}

fn complaint(filter: &str, piece: &str, message: String) -> Complaint {
    match place(filter, piece) {
        Some(offset) => complain::at(filter, offset, message),
        None => complain::whole(message),
    }
}

#[cold]
fn unreadable(filter: &str, errors: load::Errors<&str, ()>) -> Complaint {
    let found = |piece: &str| match piece.chars().next() {
        None => "the filter ends".to_owned(),
        Some(_) => format!("found `{}`", piece.chars().take(20).collect::<String>()),
    };
    match errors.into_iter().next() {
        Some((_, load::Error::Lex(errors))) => errors.into_iter().next().map(|(expected, piece)| {
            let first: String = piece.chars().take(1).collect();
            complaint(filter, piece, format!("expected {}, {}", expected.as_str(), found(&first)))
        }),
        Some((_, load::Error::Parse(errors))) => errors.into_iter().next().map(|(expected, piece)| {
            complaint(filter, piece, format!("expected {}, {}", expected.as_str(), found(piece)))
        }),
        Some((_, load::Error::Io(errors))) => errors
            .into_iter()
            .next()
            .map(|(path, _)| complaint(filter, path, format!("modules cannot be loaded: `{path}`"))),
        None => None,
    }
    .unwrap_or_else(|| complain::whole("the filter does not parse"))
}

#[cold]
fn undefined(filter: &str, errors: compile::Errors<&str, ()>) -> Complaint {
    let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
    let Some((name, kind)) = first else { return complain::whole("the filter does not compile") };
    let message = match kind {
        compile::Undefined::Filter(arity) => format!("unknown function `{name}/{arity}`"),
        kind => format!("unknown {} `{name}`", kind.as_str()),
    };
    complaint(filter, name, message)
}

/// Documents as values of jaq. Strings without escapes are parts of the document, not copies.
pub(crate) struct Values {
    pub(crate) document: Bytes,
}

impl<'d> Build<'d> for Values {
    type Value = Val;
    type Key = Val;

    #[inline]
    fn null(&mut self) -> Val {
        Val::Null
    }

    #[inline]
    fn bool(&mut self, value: bool) -> Val {
        Val::Bool(value)
    }

    #[inline]
    fn number(&mut self, text: &'d str, integer: bool) -> Val {
        let int = text.len() < 10 && integer && text != "-0";
        Val::Num(match text.parse() {
            Ok(number) if int => Num::Int(number),
            _ => long_number(text, integer),
        })
    }

    #[inline]
    fn string(&mut self, text: Text<'d>) -> Val {
        Val::TStr(Box::new(match text.text {
            Cow::Borrowed(_) => self.document.slice(text.start..text.end),
            Cow::Owned(text) => Bytes::from(text),
        }))
    }

    #[inline]
    fn key(&mut self, text: Text<'d>) -> Val {
        self.string(text)
    }

    fn array(&mut self, items: Drain<'_, Val>) -> Val {
        Val::Arr(Rc::new(items.collect()))
    }

    fn object(&mut self, fields: Drain<'_, (Val, Val)>) -> Val {
        let mut map = Map::with_capacity_and_hasher(fields.len(), foldhash::fast::RandomState::default());
        map.extend(fields);
        Val::Obj(Rc::new(map))
    }
}

fn long_number(text: &str, integer: bool) -> Num {
    match text {
        "-0" => Num::Float(-0.0),
        _ if integer && text.len() <= MOST_DIGITS => {
            Num::from_str_radix(text, 10).unwrap_or_else(|| Num::Dec(Rc::new(text.to_owned())))
        }
        _ => Num::Dec(Rc::new(text.to_owned())),
    }
}
