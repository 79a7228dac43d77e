//! The functions that a filter can call: those of jaq, and `extra.jq`.
//!
//! Parsing and compiling all of them takes half a millisecond, forty times as long as a small filter itself. So they
//! are parsed once, when the component is built ([`prepare`]), and a call takes only those that its filter names, with
//! all that these call in turn. Names are looked for in the text of the filter, which finds too many at worst: a word
//! in a string, or a name that the filter defines itself. The compiler still decides by its own rules.

use crate::query::Data;
use crate::{read, write};
use foldhash::fast::FixedState;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::native::{Filter, Fun, bome, run, v};
use jaq_core::path::Part;
use jaq_core::{Native, RunPtr};
use jaq_json::Val;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Functions that jaq brings and that a call does not get: the clock, the environment, the time zone of the machine,
/// its error stream; and those that are replaced here or in `extra.jq`.
const LEFT_OUT: &[&str] = &[
    "now",
    "env",
    "localtime",
    "strflocaltime",
    "debug_empty",
    "stderr_empty",
    "debug",
    "stderr",
    "halt_error",
    "fromjson",
    "tojson",
    "tobytes",
    "ltrimstr",
    "rtrimstr",
];

/// A set of numbers below 256.
#[derive(Clone, Copy, Default)]
struct Set([u64; 4]);

impl Set {
    fn add(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

    fn join(&mut self, other: &Set) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(index, mut word)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros();
                word &= word.checked_sub(1)?;
                Some(index * 64 + bit as usize)
            })
        })
    }
}

/// What a name stands for, with all that this needs.
#[derive(Clone, Copy, Default)]
struct Needs {
    definitions: Set,
    natives: Set,
}

/// Everything that filters can call.
pub(crate) struct Library {
    definitions: Vec<Def<&'static str>>,
    natives: Vec<Fun<Data>>,
    /// The state of the hasher is fixed: the map is made when the component is built, and its keys are ours.
    names: HashMap<&'static str, Needs, FixedState>,
}

/// The part of the library that a filter needs.
pub(crate) struct Selection {
    library: &'static Library,
    needs: Needs,
}

impl Selection {
    pub(crate) fn definitions(&self) -> impl Iterator<Item = Def<&'static str>> {
        self.needs.definitions.iter().map(|index| self.library.definitions[index].clone())
    }

    pub(crate) fn natives(&self) -> impl Iterator<Item = Fun<Data>> {
        self.needs.natives.iter().map(|index| {
            let (name, arguments, native) = &self.library.natives[index];
            (*name, arguments.clone(), twin(native))
        })
    }
}

/// A second copy of a native function, whose type is not `Clone`.
fn twin(native: &Native<Data>) -> Native<Data> {
    const { assert!(!std::mem::needs_drop::<Native<Data>>()) };
    // SAFETY: the type consists of plain function pointers, owns nothing and has nothing to drop, as just checked.
    unsafe { std::ptr::read(native) }
}

static LIBRARY: OnceLock<Library> = OnceLock::new();

/// Parses the library. Without it, the first call does.
#[cfg(target_family = "wasm")]
pub(crate) fn prepare() {
    LIBRARY.get_or_init(Library::parse);
}

/// What of the library a filter needs.
pub(crate) fn select(filter: &str) -> Selection {
    let library = LIBRARY.get_or_init(Library::parse);
    let mut needs = Needs::default();
    let bytes = filter.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let first = bytes[at];
        at += 1;
        if !(first.is_ascii_alphabetic() || first == b'_' || first == b'@') {
            continue;
        }
        while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
            at += 1;
        }
        // `.name` and `$name` are no calls.
        let before = start.checked_sub(1).map(|before| bytes[before]);
        if !matches!(before, Some(b'.' | b'$'))
            && let Some(found) = library.names.get(&filter[start..at])
        {
            needs.definitions.join(&found.definitions);
            needs.natives.join(&found.natives);
        }
    }
    Selection { library, needs }
}

impl Library {
    fn parse() -> Library {
        let kept = |name: &str| !LEFT_OUT.contains(&name);
        let extra = jaq_core::load::parse(include_str!("extra.jq"), |parser| parser.defs()).unwrap_or_default();
        let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let definitions: Vec<_> = definitions.filter(|def| kept(def.name)).chain(extra).collect();
        let natives = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let natives: Vec<_> = natives.filter(|(name, ..)| kept(name)).chain(own()).collect();

        let library = Library { definitions, natives, names: HashMap::default() };
        let named = library.definitions.iter().map(|def| def.name);
        let names = named.chain(library.natives.iter().map(|(name, ..)| *name));
        let names = names.map(|name| (name, library.needs(name))).collect();
        Library { names, ..library }
    }

    /// All that a call of `name` can lead to.
    fn needs(&self, name: &'static str) -> Needs {
        let mut needs = Needs::default();
        let mut open = vec![name];
        let mut seen = vec![name];
        while let Some(name) = open.pop() {
            for (index, (native, ..)) in self.natives.iter().enumerate() {
                if *native == name {
                    needs.natives.add(index);
                }
            }
            for (index, def) in self.definitions.iter().enumerate().filter(|(_, def)| def.name == name) {
                needs.definitions.add(index);
                calls(&def.body, &mut |called| {
                    if !seen.contains(&called) {
                        seen.push(called);
                        open.push(called);
                    }
                });
            }
        }
        needs
    }
}

/// Calls `found` with the name of everything that a term calls.
fn calls<'s>(term: &Term<&'s str>, found: &mut impl FnMut(&'s str)) {
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) | Term::Arr(None) => {}
        Term::Str(format, parts) => {
            if let Some(format) = format {
                found(format);
            }
            for part in parts {
                if let jaq_core::load::lex::StrPart::Term(term) = part {
                    calls(term, found);
                }
            }
        }
        Term::Arr(Some(term)) | Term::Neg(term) | Term::Label(_, term) => calls(term, found),
        Term::Obj(fields) => fields.iter().for_each(|(key, value)| {
            calls(key, found);
            value.iter().for_each(|value| calls(value, found));
        }),
        Term::BinOp(left, operator, right) => {
            calls(left, found);
            if let BinaryOp::Pipe(Some(pattern)) = operator {
                calls_of_pattern(pattern, found);
            }
            calls(right, found);
        }
        Term::Fold(_, source, pattern, parts) => {
            calls(source, found);
            calls_of_pattern(pattern, found);
            parts.iter().for_each(|part| calls(part, found));
        }
        Term::TryCatch(term, catch) => {
            calls(term, found);
            catch.iter().for_each(|catch| calls(catch, found));
        }
        Term::IfThenElse(branches, otherwise) => {
            for (condition, then) in branches {
                calls(condition, found);
                calls(then, found);
            }
            otherwise.iter().for_each(|otherwise| calls(otherwise, found));
        }
        Term::Def(definitions, term) => {
            definitions.iter().for_each(|def| calls(&def.body, found));
            calls(term, found);
        }
        Term::Call(name, arguments) => {
            found(name);
            arguments.iter().for_each(|argument| calls(argument, found));
        }
        Term::Path(term, path) => {
            calls(term, found);
            for (part, _) in &path.0 {
                match part {
                    Part::Index(term) => calls(term, found),
                    Part::Range(from, to) => from.iter().chain(to).for_each(|term| calls(term, found)),
                }
            }
        }
    }
}

fn calls_of_pattern<'s>(pattern: &Pattern<&'s str>, found: &mut impl FnMut(&'s str)) {
    match pattern {
        Pattern::Var(_) => {}
        Pattern::Arr(parts) => parts.iter().for_each(|part| calls_of_pattern(part, found)),
        Pattern::Obj(parts) => parts.iter().for_each(|(key, part)| {
            calls(key, found);
            calls_of_pattern(part, found);
        }),
    }
}

/// Functions in place of jaq's: the strict reader, with its depth limit, and the writer of results.
fn own() -> impl Iterator<Item = Fun<Data>> {
    let functions: [Filter<RunPtr<Data>>; 2] = [
        ("fromjson", v(0), |cv| {
            bome(cv.1.try_as_utf8_bytes_owned().and_then(|text| {
                read_value(&text).map_err(|message| jaq_core::Error::str(format_args!("{} ({message})", cv.1)))
            }))
        }),
        ("tojson", v(0), |cv| bome(write::json(&cv.1).map(Val::utf8_str).map_err(jaq_core::Error::str))),
    ];
    functions.into_iter().map(run::<Data>)
}

fn read_value(text: &bytes::Bytes) -> Result<Val, String> {
    let document = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    let shape = crate::query::Values { document: text.clone() };
    read::one(document, shape).map_err(|complaint| complaint.message)
}

/// Name and arity of everything that filters can call.
#[cfg(test)]
pub(crate) fn signatures() -> impl Iterator<Item = (&'static str, usize)> {
    let library = LIBRARY.get_or_init(Library::parse);
    let definitions = library.definitions.iter().map(|def| (def.name, def.args.len()));
    definitions.chain(library.natives.iter().map(|(name, arguments, _)| (*name, arguments.len())))
}
