//! What stands in the frames: greetings, calls, answers.

use vox_model::json::{self, Json};
use vox_model::{Function, Type, Value};

/// The version of the protocol. Both sides say it, and nothing is asked where they differ.
pub const PROTOCOL: u32 = 1;

/// Bytes that are shown of a text of the command.
const MAX_SHOWN: usize = 2048;

fn text(object: Vec<(&str, Json)>) -> Vec<u8> {
    let fields = object.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    // It fails for maps with keys that are no strings alone, and these keys are.
    serde_json::to_vec(&Json::Object(fields)).unwrap_or_default()
}

/// The first frame to a command.
pub(crate) fn greeting(interface: &str) -> Vec<u8> {
    text(vec![("protocol", Json::Number(PROTOCOL.into())), ("interface", Json::String(interface.to_owned()))])
}

/// Reads the first frame of a command.
pub(crate) fn greeted(bytes: &[u8]) -> Result<(), String> {
    let what = |why: String| format!("its greeting is {why}");
    match object(bytes, 0).map_err(what)?.as_slice() {
        [(name, Json::Number(version))] if name == "protocol" => match version.as_u64() {
            Some(version) if version == u64::from(PROTOCOL) => Ok(()),
            _ => Err(format!("it speaks version {version} of the protocol, and this vox version {PROTOCOL}")),
        },
        _ => Err(format!("its greeting is not {{\"protocol\":{PROTOCOL}}}")),
    }
}

/// A call: the function, whether it may answer with an error of its own, and the arguments by name.
pub(crate) fn request(id: u64, function: &Function, arguments: &[Value]) -> Vec<u8> {
    let arguments = arguments.iter().zip(&function.params);
    let arguments = arguments.map(|(value, param)| (param.name.clone(), json::write(value, &param.ty)));
    let fallible = matches!(function.result, Some(Type::Result(..)));
    text(vec![
        ("id", Json::Number(id.into())),
        ("call", Json::String(function.id.name.clone())),
        ("fallible", Json::Bool(fallible)),
        ("arguments", Json::Object(arguments.collect())),
    ])
}

/// Reads an answer by the type of the function's result.
///
/// # Errors
/// What is wrong with it, in a sentence without the function; or what the command says that went wrong.
pub(crate) fn answer(bytes: &[u8], id: u64, function: &Function) -> Result<Option<Value>, String> {
    let fields = object(bytes, 1).map_err(|why| format!("its answer is {why}"))?;
    let (mut answered, mut value, mut error) = (None, None, None);
    for (name, field) in fields {
        match name.as_str() {
            "id" => answered = Some(field),
            "value" => value = Some(field),
            "error" => error = Some(field),
            _ => return Err(format!("its answer has a field {}, which is none of id, value and error", quoted(&name))),
        }
    }
    match answered {
        Some(Json::Number(number)) if number.as_u64() == Some(id) => {}
        Some(Json::Number(number)) => return Err(format!("it answered call {number}, and call {id} was asked")),
        _ => return Err("its answer has no number `id`".to_owned()),
    }
    match (value, error) {
        (None, Some(Json::String(said))) => Err(format!("the command says: {}", shown(&said))),
        (Some(value), None) => typed(&value, function),
        (None, None) => typed(&Json::Null, function),
        _ => Err("its answer has to have either a `value` or a text `error`".to_owned()),
    }
}

fn typed(value: &Json, function: &Function) -> Result<Option<Value>, String> {
    match &function.result {
        Some(ty) => {
            let wrong =
                |error: json::JsonError| format!("its answer is not of the type {ty}: {}", shown(&error.to_string()));
            json::read(value, ty).map(Some).map_err(wrong)
        }
        None if *value == Json::Null => Ok(None),
        None => Err(format!("the function has no result, and its answer has one: {}", shown(&value.kind()))),
    }
}

/// Reads a JSON object; the text of the error begins with what it is instead.
fn object(bytes: &[u8], levels: usize) -> Result<Vec<(String, Json)>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "no text in UTF-8".to_owned())?;
    match json::parse_wrapped(text, levels) {
        Ok(Json::Object(fields)) => Ok(fields),
        Ok(other) => Err(format!("no JSON object, but {}", shown(&other.kind()))),
        Err(error) => Err(format!("no JSON that is accepted: {}", shown(&error.message))),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", vox_cap_log::escape_within(name, 64).text)
}

/// A text of the command on one line, cut.
pub(crate) fn shown(text: &str) -> String {
    let escaped = vox_cap_log::escape_within(text, MAX_SHOWN);
    if escaped.cut > 0 { format!("{}…", escaped.text) } else { escaped.text }
}
