//! A function's signature with one part of it marked.

use crate::error::{CliError, Excerpt, Kind};
use vox_model::{Function, Type};

/// The signature as a whole is what a person has to look at.
pub fn whole(function: &Function, message: String) -> CliError {
    let text = text(function);
    let end = text.lines().next().map_or(0, str::len);
    made(function, message, text, 0..end, "the signature")
}

/// One parameter is what is wrong.
pub fn marked(function: &Function, param: &str, label: &str) -> CliError {
    let text = text(function);
    let wanted = function.params.iter().find(|p| p.name == param).map(|p| format!("{}: {}", p.name, p.ty));
    let found = wanted.and_then(|wanted| text.find(&wanted).map(|at| at..at + wanted.len()));
    let span = found.unwrap_or(0..function.id.name.len());
    made(function, format!("the argument `{param}` does not fit"), text, span, label)
}

fn made(function: &Function, message: String, text: String, span: std::ops::Range<usize>, label: &str) -> CliError {
    let mut error = CliError::new(Kind::Usage, format!("`{}`: {message}", function.id.name));
    error.excerpt = Some(Excerpt { name: "signature".to_owned(), text, span, label: label.to_owned() });
    error
}

/// The signature, and below it the definitions of the types that its parameters name.
fn text(function: &Function) -> String {
    let mut text = function.to_string();
    for param in &function.params {
        definitions(&param.ty, &mut Vec::new(), &mut text);
    }
    text
}

/// The definitions of all types that some functions name, each once, a line each.
pub fn types<'f>(functions: impl Iterator<Item = &'f Function>) -> String {
    let (mut known, mut text) = (Vec::new(), String::new());
    for function in functions {
        for ty in function.params.iter().map(|p| &p.ty).chain(&function.result) {
            definitions(ty, &mut known, &mut text);
        }
    }
    text
}

/// Adds the definitions of named types that are not there yet, the outer before the inner.
fn definitions(ty: &Type, known: &mut Vec<String>, out: &mut String) {
    let mut define = |name: &str, body: String| {
        let new = !known.iter().any(|k| k == name);
        if new {
            known.push(name.to_owned());
            out.push('\n');
            out.push_str(&body);
        }
        new
    };
    match ty {
        Type::Record(r) => {
            let fields: Vec<_> = r.fields.iter().map(|f| format!("{}: {}", f.name, f.ty)).collect();
            if define(&r.name.name, format!("record {} {{ {} }}", r.name.name, fields.join(", "))) {
                r.fields.iter().for_each(|f| definitions(&f.ty, known, out));
            }
        }
        Type::Variant(v) => {
            let case = |c: &vox_model::Case| match &c.ty {
                Some(ty) => format!("{}({ty})", c.name),
                None => c.name.clone(),
            };
            let cases: Vec<_> = v.cases.iter().map(case).collect();
            if define(&v.name.name, format!("variant {} {{ {} }}", v.name.name, cases.join(", "))) {
                v.cases.iter().filter_map(|c| c.ty.as_ref()).for_each(|t| definitions(t, known, out));
            }
        }
        Type::Enum(e) => {
            let cases: Vec<_> = e.cases.iter().map(|c| c.name.as_str()).collect();
            define(&e.name.name, format!("enum {} {{ {} }}", e.name.name, cases.join(", ")));
        }
        Type::Flags(x) => {
            let flags: Vec<_> = x.flags.iter().map(|f| f.name.as_str()).collect();
            define(&x.name.name, format!("flags {} {{ {} }}", x.name.name, flags.join(", ")));
        }
        Type::List(t) | Type::FixedList(t, _) | Type::Option(t) => definitions(t, known, out),
        Type::Map(k, v) => {
            definitions(k, known, out);
            definitions(v, known, out);
        }
        Type::Tuple(ts) => ts.iter().for_each(|t| definitions(t, known, out)),
        Type::Result(ok, err) => {
            [ok, err].into_iter().flatten().for_each(|t| definitions(t, known, out));
        }
        _ => {}
    }
}
