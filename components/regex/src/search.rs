//! Searching with `regex-automata`, the inside of the crate `regex`, which can be told how much to prepare.

use crate::bindings::exports::vox::bundle::regex::{Capture, Error, PatternError, Span};
use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::util::{captures::Captures, interpolate, syntax};
use regex_automata::{Match, PatternID};

/// Largest compiled pattern, as the interface promises.
const SIZE_LIMIT: usize = 1 << 20;

/// How deep groups may nest: parser and compiler recurse.
const NEST_LIMIT: u32 = 100;

/// From this length of a text on, preparing the fast engines takes less time than they save. A pattern lives for one
/// call, and `\w` alone takes half a millisecond to prepare with them.
const LONG_TEXT: usize = 16 * 1024;

pub(crate) fn is_match(text: &str, pattern: &str) -> Result<bool, Error> {
    Ok(compile(pattern, text)?.is_match(text))
}

pub(crate) fn find_all(text: &str, pattern: &str) -> Result<Vec<Span>, Error> {
    Ok(compile(pattern, text)?.find_iter(text).map(|found| span(text, found)).collect())
}

pub(crate) fn captures(text: &str, pattern: &str) -> Result<Vec<Vec<Capture>>, Error> {
    let regex = compile(pattern, text)?;
    let groups = |found: Captures| {
        let group = |(index, name): (usize, Option<&str>)| Capture {
            name: name.map(str::to_owned),
            matched: found.get_group(index).map(|at| span(text, Match::new(PatternID::ZERO, at))),
        };
        regex.group_info().pattern_names(PatternID::ZERO).enumerate().map(group).collect()
    };
    Ok(regex.captures_iter(text).map(groups).collect())
}

pub(crate) fn replace(text: &str, pattern: &str, replacement: &str) -> Result<String, Error> {
    let regex = compile(pattern, text)?;
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for found in regex.captures_iter(text) {
        let Some(whole) = found.get_match() else { continue };
        out.push_str(&text[copied..whole.start()]);
        copied = whole.end();
        interpolate::string(
            replacement,
            |group, out| {
                if let Some(at) = found.get_group(group) {
                    out.push_str(&text[at]);
                }
            },
            |name| regex.group_info().to_index(PatternID::ZERO, name),
            &mut out,
        );
    }
    out.push_str(&text[copied..]);
    Ok(out)
}

pub(crate) fn split(text: &str, pattern: &str) -> Result<Vec<String>, Error> {
    Ok(compile(pattern, text)?.split(text).map(|at| text[at].to_owned()).collect())
}

fn compile(pattern: &str, text: &str) -> Result<Regex, Error> {
    let long = text.len() >= LONG_TEXT;
    let config = Config::new().nfa_size_limit(Some(SIZE_LIMIT)).hybrid(long).onepass(long);
    Regex::builder()
        .configure(config)
        .syntax(syntax::Config::new().nest_limit(NEST_LIMIT))
        .build(pattern)
        .map_err(|error| refused(pattern, &error))
}

#[cold]
fn refused(pattern: &str, error: &BuildError) -> Error {
    if let Some(limit) = error.size_limit() {
        return Error::PatternTooLarge(limit as u64);
    }
    let place = |span: &regex_syntax::ast::Span, message: String| PatternError {
        start: offset(span.start.offset),
        end: offset(span.end.offset),
        message,
    };
    Error::InvalidPattern(match error.syntax_error() {
        Some(regex_syntax::Error::Parse(error)) => place(error.span(), error.kind().to_string()),
        Some(regex_syntax::Error::Translate(error)) => place(error.span(), error.kind().to_string()),
        _ => PatternError { start: 0, end: offset(pattern.len()), message: error.to_string() },
    })
}

fn span(text: &str, found: Match) -> Span {
    Span { start: offset(found.start()), end: offset(found.end()), text: text[found.range()].to_owned() }
}

/// Texts in a 32-bit memory are shorter than 4 GiB.
fn offset(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
