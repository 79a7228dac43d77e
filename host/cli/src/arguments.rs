//! From words on the command line to typed arguments.

use crate::cli::flags_of;
use crate::error::CliError;
use crate::signature;
use std::ffi::OsString;
use std::io::Read as _;
use vox_model::{Function, Param, Type, Value, json, wave};

/// Arguments given by name, as `--name value` or `--name=value`.
pub type Parameters = Vec<(String, String)>;

/// Takes the flags out that belong to the function and not to vox: with `call`, whatever long flag vox does not
/// have. A parameter that shares its name with a flag of vox is given by `--json`.
pub fn take_parameters(words: &mut Vec<OsString>) -> Parameters {
    let Some(verb) = verb_at(words).filter(|at| words[*at] == "call") else {
        return Vec::new();
    };
    let known = flags_of("call");
    let mut taken = Vec::new();
    let mut kept: Vec<OsString> = words.drain(..=verb).collect();
    let mut rest = words.drain(..).peekable();
    while let Some(word) = rest.next() {
        let text = word.to_string_lossy();
        if text == "--" {
            kept.push(word);
            kept.extend(rest.by_ref());
            break;
        }
        let Some(flag) = text.strip_prefix("--") else {
            kept.push(word);
            continue;
        };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (flag.to_owned(), None),
        };
        if known.contains(&name) {
            kept.push(word);
            continue;
        }
        let value = value.or_else(|| rest.next().map(|next| next.to_string_lossy().into_owned()));
        taken.push((name, value.unwrap_or_default()));
    }
    drop(rest);
    *words = kept;
    taken
}

/// Where the verb stands: behind flags of vox itself, two of which have a value.
fn verb_at(words: &[OsString]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = words.get(at) {
        match word.to_str() {
            Some("--format" | "--color") => at += 2,
            Some(flag) if flag.starts_with('-') => at += 1,
            _ => return Some(at),
        }
    }
    None
}

/// Reads arguments in the order of the parameters, then those by name.
///
/// # Errors
/// Too many or too few, unknown names, or text that is not of the parameter's type: the signature with the
/// parameter marked.
pub fn read(function: &Function, words: &[String], named: &Parameters) -> Result<Vec<Value>, CliError> {
    let params = &function.params;
    if words.len() > params.len() {
        return Err(signature::whole(
            function,
            format!("{} arguments were given, it takes {}", words.len(), params.len()),
        ));
    }
    let mut values: Vec<Option<Value>> = Vec::with_capacity(params.len());
    let mut input = None;
    for (word, param) in words.iter().zip(params) {
        values.push(Some(argument(function, param, word, &mut input)?));
    }
    values.resize(params.len(), None);
    for (name, word) in named {
        let Some(index) = params.iter().position(|param| param.name == *name) else {
            return Err(signature::whole(function, format!("it has no parameter `{name}`")));
        };
        if values[index].is_some() {
            return Err(signature::marked(function, &params[index].name, "given twice"));
        }
        values[index] = Some(argument(function, &params[index], word, &mut input)?);
    }
    let complete = |(param, value): (&Param, Option<Value>)| match value {
        Some(value) => Ok(value),
        None if param.ty.is_option() => Ok(Value::Option(None)),
        None => Err(signature::marked(function, &param.name, "this argument is missing")),
    };
    params.iter().zip(values).map(complete).collect()
}

/// Reads arguments from one JSON object.
///
/// # Errors
/// Text that is not JSON, or does not fit the parameters: the signature with the parameter marked.
pub fn read_json(function: &Function, text: &str) -> Result<Vec<Value>, CliError> {
    let text = match file_or_input(text, &mut None)? {
        Some(bytes) => text_of(bytes, text)?,
        None => text.to_owned(),
    };
    let document = json::parse(&text).map_err(|error| CliError::usage(format!("--json: {}", error.message)))?;
    json::arguments(&document, &function.params).map_err(|error| {
        let top = error.path.trim_start_matches("$.").split(['.', '[']).next().unwrap_or_default().to_owned();
        match function.params.iter().any(|param| param.name == top) {
            true => signature::marked(function, &top, &format!("at {}: {}", error.path, error.message)),
            false => signature::whole(function, format!("--json {}: {}", error.path, error.message)),
        }
    })
}

/// One argument: `@FILE`, `-`, text for a string, else WAVE.
fn argument(function: &Function, param: &Param, word: &str, input: &mut Option<()>) -> Result<Value, CliError> {
    if let Some(bytes) = file_or_input(word, input)? {
        return from_bytes(function, param, bytes, word);
    }
    // `@@` stands for an argument that itself begins with `@`.
    let word = word.strip_prefix('@').unwrap_or(word);
    from_text(function, param, word)
}

/// The content of `@FILE` or standard input; none when the word is neither.
fn file_or_input(word: &str, input: &mut Option<()>) -> Result<Option<Vec<u8>>, CliError> {
    if word == "-" {
        if input.replace(()).is_some() {
            return Err(CliError::usage("standard input can be read for one argument only"));
        }
        return standard_input().map(Some);
    }
    match word.strip_prefix('@') {
        Some(path) if !path.starts_with('@') => {
            let wrong = |error| {
                CliError::usage(format!("{path} cannot be read: {error}"))
                    .help(format!("for an argument that begins with @ write it twice: @{word}"))
            };
            std::fs::read(path).map(Some).map_err(wrong)
        }
        _ => Ok(None),
    }
}

/// All of standard input.
pub fn standard_input() -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|error| CliError::usage(format!("standard input cannot be read: {error}")))?;
    Ok(bytes)
}

/// Bytes as text.
pub fn text_of(bytes: Vec<u8>, from: &str) -> Result<String, CliError> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        CliError::usage(format!("{from} is not UTF-8 text: byte {at} is the first that does not fit"))
            .help("a parameter of type list<u8> takes any bytes; this one is a string")
    })
}

fn from_bytes(function: &Function, param: &Param, bytes: Vec<u8>, from: &str) -> Result<Value, CliError> {
    if let Some(wrap) = accepts(&param.ty, Type::is_bytes) {
        return Ok(wrap(Value::Bytes(bytes)));
    }
    let text = text_of(bytes, from)?;
    match accepts(&param.ty, |ty| *ty == Type::String) {
        Some(wrap) => Ok(wrap(Value::String(text))),
        None => from_text(function, param, text.trim()),
    }
}

/// How a value becomes one of this type, when the type or what it makes optional is the wanted one.
fn accepts(ty: &Type, wanted: impl Fn(&Type) -> bool) -> Option<fn(Value) -> Value> {
    match ty {
        ty if wanted(ty) => Some(|value| value),
        Type::Option(inner) if wanted(inner) => Some(|value| Value::Option(Some(Box::new(value)))),
        _ => None,
    }
}

fn from_text(function: &Function, param: &Param, word: &str) -> Result<Value, CliError> {
    let read = wave::read(word, &param.ty);
    if let (Err(_), Some(wrap)) = (&read, accepts(&param.ty, |ty| *ty == Type::String)) {
        // A bare word is a string. So is text that merely looks like WAVE and is none.
        return Ok(wrap(Value::String(word.to_owned())));
    }
    read.map_err(|error| {
        let shown: String = word.chars().take(40).collect();
        signature::marked(function, &param.name, &format!("{} in {shown:?}", error.message))
    })
}
