//! The text of a pipeline.

use super::{Fault, PipelineError};
use std::ops::Range;

/// One function with its arguments, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The skill: a bundle name or a path.
    pub skill: String,
    /// The function.
    pub function: String,
    /// Where skill and function stand.
    pub name_span: Range<usize>,
    /// The arguments after the piped one.
    pub arguments: Vec<Argument>,
    /// Where the whole stage stands.
    pub span: Range<usize>,
}

/// One argument, as written: a WAVE literal, or text in single quotes for a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub span: Range<usize>,
}

/// Reads a pipeline.
///
/// # Errors
/// The first place that does not fit `SKILL.FUNCTION(ARGUMENTS) | …`.
pub fn parse(text: &str) -> Result<Vec<Stage>, PipelineError> {
    if text.trim().is_empty() {
        return Err(error("the pipeline is empty", 0..0, "nothing here"));
    }
    let pieces = split(text, 0..text.len(), b'|')?;
    pieces.into_iter().map(|span| stage(text, span)).collect()
}

fn error(message: &str, span: Range<usize>, label: &str) -> PipelineError {
    PipelineError {
        fault: Fault::Text,
        message: message.to_owned(),
        span,
        label: label.to_owned(),
        help: Some("the form is: SKILL.FUNCTION(ARGUMENTS) | SKILL.FUNCTION(ARGUMENTS)".to_owned()),
    }
}

/// Splits at a byte outside of quotes and brackets, and trims the pieces.
fn split(text: &str, within: Range<usize>, at: u8) -> Result<Vec<Range<usize>>, PipelineError> {
    let mut pieces = Vec::new();
    let mut scan = Scanner::default();
    let mut start = within.start;
    for index in within.clone() {
        let byte = text.as_bytes()[index];
        if scan.is_outside() && byte == at {
            pieces.push(trim(text, start..index));
            start = index + 1;
        } else if !scan.take(index, byte) {
            return Err(error("a closing bracket without an opening one", index..index + 1, "here"));
        }
    }
    if let Some((open, what)) = scan.unfinished() {
        return Err(error(what, open..open + 1, "opened here"));
    }
    pieces.push(trim(text, start..within.end));
    Ok(pieces)
}

/// Knows whether a byte stands inside quotes or brackets.
#[derive(Default)]
struct Scanner {
    quote: Option<(u8, usize)>,
    escaped: bool,
    open: Vec<(u8, usize)>,
}

impl Scanner {
    fn is_outside(&self) -> bool {
        self.quote.is_none() && self.open.is_empty()
    }

    /// Goes over one byte; false for a bracket that closes nothing.
    fn take(&mut self, index: usize, byte: u8) -> bool {
        match (self.quote, byte) {
            _ if self.escaped => self.escaped = false,
            // Text in single quotes is taken as it is, so that filters need no second layer of escapes.
            (Some((b'"', _)), b'\\') => self.escaped = true,
            (Some((open, _)), _) if open == byte => self.quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => self.quote = Some((byte, index)),
            (None, b'(') => self.open.push((b')', index)),
            (None, b'[') => self.open.push((b']', index)),
            (None, b'{') => self.open.push((b'}', index)),
            (None, b')' | b']' | b'}') => {
                return self.open.pop().is_some_and(|(close, _)| close == byte);
            }
            _ => {}
        }
        true
    }

    fn unfinished(&self) -> Option<(usize, &'static str)> {
        match (self.quote, self.open.last()) {
            (Some((_, at)), _) => Some((at, "a quote that is not closed")),
            (None, Some((_, at))) => Some((*at, "a bracket that is not closed")),
            _ => None,
        }
    }
}

fn trim(text: &str, span: Range<usize>) -> Range<usize> {
    let piece = &text[span.clone()];
    let start = span.start + (piece.len() - piece.trim_start().len());
    let end = span.end - (piece.len() - piece.trim_end().len());
    start..end.max(start)
}

fn stage(text: &str, span: Range<usize>) -> Result<Stage, PipelineError> {
    let piece = &text[span.clone()];
    if piece.is_empty() {
        let end = span.end.min(text.len());
        return Err(error("an empty stage", end.saturating_sub(1)..end, "nothing here"));
    }
    let (name, arguments) = match piece.find('(') {
        None => (piece, Vec::new()),
        Some(open) if piece.ends_with(')') => {
            let inside = span.start + open + 1..span.end - 1;
            (&piece[..open], arguments(text, inside)?)
        }
        Some(_) => {
            let close = piece.rfind(')').map_or(span.end, |at| span.start + at + 1);
            return Err(error("text behind the arguments", close..span.end, "not expected here"));
        }
    };
    let name_span = span.start..span.start + name.trim_end().len();
    let name = name.trim_end();
    let cut = name.find('#').or_else(|| name.rfind('.').filter(|at| !name[*at..].contains('/')));
    let (skill, function) = match cut {
        Some(at) => (&name[..at], &name[at + 1..]),
        None => return Err(error("a stage needs a skill and a function", name_span, "which function?")),
    };
    let odd = |c: char| c.is_whitespace() || c.is_control();
    if skill.is_empty() || function.is_empty() || name.chars().any(odd) {
        return Err(error("not the name of a function", name_span, "here"));
    }
    Ok(Stage { skill: skill.to_owned(), function: function.to_owned(), name_span, arguments, span })
}

fn arguments(text: &str, inside: Range<usize>) -> Result<Vec<Argument>, PipelineError> {
    if text[inside.clone()].trim().is_empty() {
        return Ok(Vec::new());
    }
    let argument = |span: Range<usize>| match span.is_empty() {
        true => Err(error("an empty argument", span.start..span.start + 1, "here")),
        false => Ok(Argument { text: text[span.clone()].to_owned(), span }),
    };
    split(text, inside, b',')?.into_iter().map(argument).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, String, Vec<String>)> {
        let stages = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let names = |s: Stage| (s.skill, s.function, s.arguments.into_iter().map(|a| a.text).collect());
        stages.into_iter().map(names).collect()
    }

    #[test]
    fn reads_stages_and_arguments() {
        let stage = |skill: &str, function: &str, args: &[&str]| {
            (skill.to_owned(), function.to_owned(), args.iter().map(|a| (*a).to_owned()).collect())
        };
        for (text, expected) in [
            ("json.query('.a')", vec![stage("json", "query", &["'.a'"])]),
            (
                "json.query('.a | .b') | markdown.to-html",
                vec![stage("json", "query", &["'.a | .b'"]), stage("markdown", "to-html", &[])],
            ),
            ("regex.replace(\"a,b\\\"|\", 'x')", vec![stage("regex", "replace", &["\"a,b\\\"|\"", "'x'"])]),
            (
                "./dir.x/mine.wasm.greet({a: [1, 2]}, 3)",
                vec![stage("./dir.x/mine.wasm", "greet", &["{a: [1, 2]}", "3"])],
            ),
            ("./m.wasm#acme:a/b@0.1.0#f()", vec![stage("./m.wasm", "acme:a/b@0.1.0#f", &[])]),
            (" json.query ( '.' ) ", vec![stage("json", "query", &["'.'"])]),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
    }

    #[test]
    fn broken_text_says_where() {
        for (text, at) in [
            ("", 0),
            ("json.query('.a'", 10),
            ("json.query('.a)", 11),
            ("json.query('.a') |", 17),
            ("| json.query('.a')", 0),
            ("json.query('.a'))", 16),
            ("json.query('.a') x", 16),
            ("json.query(,)", 11),
            ("query('.a')", 0),
            ("./json/query", 0),
            (".query('.a')", 0),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.span.start, at, "{text}: {error:?}");
        }
    }
}
