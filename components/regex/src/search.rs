//! Searching with the crate `regex`, and its refusals with their place in the pattern.

use crate::bindings::exports::vox::bundle::regex::{Capture, Error, PatternError, Span};
use regex::{Match, Regex, RegexBuilder};

/// Largest compiled pattern, as the interface promises.
const SIZE_LIMIT: usize = 1 << 20;

/// How deep groups may nest: parser and compiler recurse.
const NEST_LIMIT: u32 = 100;

pub(crate) fn is_match(text: &str, pattern: &str) -> Result<bool, Error> {
    Ok(compile(pattern)?.is_match(text))
}

pub(crate) fn find_all(text: &str, pattern: &str) -> Result<Vec<Span>, Error> {
    Ok(compile(pattern)?.find_iter(text).map(span).collect())
}

pub(crate) fn captures(text: &str, pattern: &str) -> Result<Vec<Vec<Capture>>, Error> {
    let regex = compile(pattern)?;
    let groups = |found: regex::Captures<'_>| {
        let group = |(name, matched): (Option<&str>, Option<Match<'_>>)| Capture {
            name: name.map(str::to_owned),
            matched: matched.map(span),
        };
        regex.capture_names().zip(found.iter()).map(group).collect()
    };
    Ok(regex.captures_iter(text).map(groups).collect())
}

pub(crate) fn replace(text: &str, pattern: &str, replacement: &str) -> Result<String, Error> {
    Ok(compile(pattern)?.replace_all(text, replacement).into_owned())
}

pub(crate) fn split(text: &str, pattern: &str) -> Result<Vec<String>, Error> {
    Ok(compile(pattern)?.split(text).map(str::to_owned).collect())
}

fn compile(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(pattern).size_limit(SIZE_LIMIT).nest_limit(NEST_LIMIT).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => Error::PatternTooLarge(limit as u64),
        error => Error::InvalidPattern(fault(pattern, &error)),
    })
}

/// Parses the pattern once more, because the error of `regex` holds a drawing of the place instead of the place.
#[cold]
fn fault(pattern: &str, error: &regex::Error) -> PatternError {
    let place = |span: &regex_syntax::ast::Span, message: String| PatternError {
        start: offset(span.start.offset),
        end: offset(span.end.offset),
        message,
    };
    match regex_syntax::ParserBuilder::new().nest_limit(NEST_LIMIT).build().parse(pattern) {
        Err(regex_syntax::Error::Parse(error)) => place(error.span(), error.kind().to_string()),
        Err(regex_syntax::Error::Translate(error)) => place(error.span(), error.kind().to_string()),
        _ => PatternError { start: 0, end: offset(pattern.len()), message: error.to_string() },
    }
}

fn span(found: Match<'_>) -> Span {
    Span { start: offset(found.start()), end: offset(found.end()), text: found.as_str().to_owned() }
}

/// Texts in a 32-bit memory are shorter than 4 GiB.
fn offset(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
