//! Values as text, JSON or WAVE.

use crate::error::{CliError, Kind};
use crate::folders;
use crate::ui::{Format, Ui};
use std::io::Write as _;
use std::path::Path;
use vox_model::{Effect, Effects, Function, Outcome, Type, Value, json, wave};

/// What was called, in the words of the command line.
#[derive(Clone, Copy)]
pub struct Called<'a> {
    /// The skill as it was named.
    pub skill: &'a str,
    /// The arguments that could be paths.
    pub arguments: &'a [String],
}

/// Says what a call left behind: changes that wait, refusals with the line that would allow them.
pub fn effects(effects: &Effects, ui: &Ui) {
    left_behind(effects, ui);
    for effect in &effects.denied {
        ui.note(&told(effect));
    }
}

fn left_behind(effects: &Effects, ui: &Ui) {
    for id in &effects.changes {
        ui.note(&format!(
            "note: changes wait as {}; look with `vox diff`, then `vox approve` or `vox discard`",
            id.short()
        ));
    }
    for lost in &effects.lost {
        ui.note(&format!("warning: what was staged is lost: {lost}"));
    }
    for note in &effects.notes {
        ui.note(&format!("note: {}", vox_capabilities::log::escape(note)));
    }
}

/// A refusal, or a failure, on one line.
fn told(effect: &Effect) -> String {
    let Effect { capability, action, verdict, rule, .. } = effect;
    let target = vox_capabilities::log::escape(&effect.target);
    format!("{verdict}: {capability} {action} {target}: {rule}")
}

/// Writes what a call gave: the value to standard output or to a file, the guest's standard error beside it.
pub fn outcome(
    mut outcome: Outcome,
    function: &Function,
    called: &Called<'_>,
    to: Option<&Path>,
    ui: &Ui,
) -> Result<(), CliError> {
    let effects = std::mem::take(&mut outcome.effects);
    left_behind(&effects, ui);
    let what = format!("{}.{}", called.skill, function.id.name);
    given(outcome, function, &what, to, ui).map_err(|error| blamed(error, &effects, called))
}

/// A skill that failed after it was refused something failed for that reason, as far as anybody can tell; one whose
/// requests failed, or that found no folders, may have.
fn blamed(mut error: CliError, effects: &Effects, called: &Called<'_>) -> CliError {
    if !matches!(error.kind, Kind::Skill | Kind::Trap) {
        return error;
    }
    error.notes.extend(effects.denied.iter().chain(&effects.failed).map(told));
    if !effects.denied.is_empty() {
        error.kind = Kind::Denied;
    } else if let Some(help) = folders::hint(effects, called.skill, called.arguments, &error.message) {
        error.notes.push(folders::NOTE.to_owned());
        error.help.get_or_insert(help);
    }
    error
}

/// Says what may have been the reason why a program failed.
pub fn reasons(effects: &Effects, called: &Called<'_>, ui: &Ui) {
    for effect in &effects.failed {
        ui.note(&told(effect));
    }
    // What the program said went past.
    if let Some(help) = folders::hint(effects, called.skill, called.arguments, "").filter(|_| effects.denied.is_empty())
    {
        ui.note(&format!("note: {}\nhelp: {help}", folders::NOTE));
    }
}

fn given(outcome: Outcome, function: &Function, what: &str, to: Option<&Path>, ui: &Ui) -> Result<(), CliError> {
    if !outcome.output.stdout.is_empty() {
        ui.guest_error(&outcome.output.stdout);
    }
    let failed = outcome.result.is_err();
    // A panic is part of the error that follows.
    if !failed && !outcome.output.stderr.is_empty() {
        ui.guest_error(&outcome.output.stderr);
    }
    if outcome.output.lost > 0 {
        ui.note(&format!(
            "warning: {} bytes of what the skill printed were cut; raise --limit-output",
            outcome.output.lost
        ));
    }
    let value = outcome.result.map_err(|failure| CliError::failure(failure, what))?;
    let (Some(value), Some(ty)) = (value, &function.result) else {
        return match ui.format() {
            Format::Json => ui.line("{}"),
            Format::Text | Format::Wave => Ok(()),
        };
    };
    let (value, ty) = match unwrapped(value, ty, what, ui.format())? {
        Some(found) => found,
        None => return if ui.format() == Format::Json { ui.line("{}") } else { Ok(()) },
    };
    match to {
        Some(path) => file(path, &bytes(value, &ty, ui.format())?),
        None => {
            let raw = ui.format() == Format::Text && matches!(value, Value::Bytes(_));
            let bytes = bytes(value, &ty, ui.format())?;
            ui.skill_data(&bytes)?;
            match raw || bytes.ends_with(b"\n") {
                true => Ok(()),
                false => ui.data(b"\n"),
            }
        }
    }
}

/// Takes a `result` apart: its err is an error of the skill. WAVE shows an ok as it is.
fn unwrapped(value: Value, ty: &Type, what: &str, format: Format) -> Result<Option<(Value, Type)>, CliError> {
    match (value, ty) {
        (Value::Result(Err(payload)), Type::Result(_, err)) => {
            let detail = payload.as_deref().zip(err.as_deref());
            Err(skill_error(detail, what))
        }
        (value, ty) if format == Format::Wave => Ok(Some((value, ty.clone()))),
        (Value::Result(Ok(payload)), Type::Result(ok, _)) => {
            Ok(payload.map(|value| *value).zip(ok.as_deref().cloned()))
        }
        (value, ty) => Ok(Some((value, ty.clone()))),
    }
}

/// The err of a skill: its text where it carries one, its case and docs where it is a variant.
fn skill_error(detail: Option<(&Value, &Type)>, what: &str) -> CliError {
    let Some((value, ty)) = detail else {
        return CliError::new(Kind::Skill, format!("{what} returned an error without details"));
    };
    let text = json::to_string(value, ty);
    let message = match value {
        Value::String(text) => format!("{what}: {}", vox_inspect::docs::clean(text)),
        Value::Variant(case, payload) => {
            let inner = payload.as_deref().map(plain).unwrap_or_default();
            format!("{what}: {case}{}{inner}", if inner.is_empty() { "" } else { ": " })
        }
        Value::Enum(case) => format!("{what}: {case}"),
        _ => format!("{what}: {}", vox_inspect::docs::clean(&text)),
    };
    let mut error = CliError::new(Kind::Skill, message);
    error.payload = Some(text);
    error
}

/// The payload of an error case on one line: texts as they are, a record's `message` first and its other fields
/// behind it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => vox_inspect::docs::clean(text).replace('\n', "\\n"),
        Value::Option(None) => String::new(),
        Value::Option(Some(inner)) => plain(inner),
        Value::Record(fields) => {
            let shown = |(name, value): &(String, Value)| match plain(value) {
                text if text.is_empty() => None,
                text => Some(format!("{name} {text}")),
            };
            let rest = fields.iter().filter(|(name, _)| name != "message").filter_map(shown);
            let rest = rest.collect::<Vec<_>>().join(", ");
            match fields.iter().find(|(name, _)| name == "message") {
                None => rest,
                Some((_, message)) if rest.is_empty() => plain(message),
                Some((_, message)) => format!("{} ({rest})", plain(message)),
            }
        }
        other => json_of_scalar(other),
    }
}

fn json_of_scalar(value: &Value) -> String {
    match value {
        Value::Bool(v) => v.to_string(),
        Value::U8(v) => v.to_string(),
        Value::U16(v) => v.to_string(),
        Value::U32(v) => v.to_string(),
        Value::U64(v) => v.to_string(),
        Value::S8(v) => v.to_string(),
        Value::S16(v) => v.to_string(),
        Value::S32(v) => v.to_string(),
        Value::S64(v) => v.to_string(),
        Value::F32(v) => v.to_string(),
        Value::F64(v) => v.to_string(),
        Value::Char(v) => v.to_string(),
        Value::Enum(name) => name.clone(),
        _ => "…".to_owned(),
    }
}

/// A value in a format.
pub fn bytes(value: Value, ty: &Type, format: Format) -> Result<Vec<u8>, CliError> {
    match (format, value) {
        (Format::Text, Value::String(text)) => Ok(text.into_bytes()),
        (Format::Text, Value::Bytes(bytes)) => Ok(bytes),
        (Format::Text, value @ (Value::Char(_) | Value::Enum(_))) => Ok(json_of_scalar(&value).into_bytes()),
        (Format::Text, value) => Ok(json::to_string_pretty(&value, ty).into_bytes()),
        (Format::Json, value) => Ok(json::to_string(&value, ty).into_bytes()),
        (Format::Wave, value) => wave::to_string(&value, ty)
            .map(String::into_bytes)
            .map_err(|error| CliError::usage(error.to_string()).help("use --format json")),
    }
}

/// Writes a file whole or not at all.
fn file(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut temp = tempfile::NamedTempFile::new_in(folder)?;
        temp.write_all(bytes)?;
        temp.as_file().sync_all()?;
        let permissions = std::fs::metadata(path)
            .map_or_else(|_| std::os::unix::fs::PermissionsExt::from_mode(0o644), |about| about.permissions());
        temp.as_file().set_permissions(permissions)?;
        temp.persist(path).map_err(|error| error.error)
    };
    write().map(|_| ()).map_err(|error| CliError::usage(format!("{} cannot be written: {error}", path.display())))
}
