//! Fields that a record does not have: the crate's reader passes over them, and what somebody wrote would be lost.

use super::WaveError;
use crate::Type;
use crate::facts::nearest;
use wasm_wave::ast::Node;

/// Walks the text's tree beside the type and stops at the first field that the type does not have. Whatever else
/// does not fit is left to the reader, which says it better.
pub(super) fn fields(node: &Node, ty: &Type, text: &str) -> Result<(), WaveError> {
    match ty {
        Type::Record(record) => {
            let Ok(given) = node.as_record(text) else { return Ok(()) };
            for (name, value) in given {
                match record.fields.iter().find(|field| field.name == name) {
                    Some(field) => fields(value, &field.ty, text)?,
                    None => return Err(unknown(name, record, node)),
                }
            }
        }
        Type::List(t) | Type::FixedList(t, _) => {
            if let Ok(mut items) = node.as_list() {
                items.try_for_each(|item| fields(item, t, text))?;
            }
        }
        Type::Tuple(types) => {
            if let Ok(items) = node.as_tuple() {
                items.zip(types.iter()).try_for_each(|(item, t)| fields(item, t, text))?;
            }
        }
        Type::Variant(variant) => {
            if let Ok((case, Some(payload))) = node.as_variant(text)
                && let Some(t) = variant.cases.iter().find(|c| c.name == case).and_then(|c| c.ty.as_ref())
            {
                fields(payload, t, text)?;
            }
        }
        // `some(x)` and `ok(x)` may be written as `x`.
        Type::Option(t) => match node.as_option() {
            Ok(Some(payload)) => fields(payload, t, text)?,
            Ok(None) => {}
            Err(_) => fields(node, t, text)?,
        },
        Type::Result(ok, err) => match (node.as_result(), ok, err) {
            (Ok(Ok(Some(payload))), Some(t), _) | (Ok(Err(Some(payload))), _, Some(t)) => fields(payload, t, text)?,
            (Err(_), Some(t), _) => fields(node, t, text)?,
            _ => {}
        },
        _ => {}
    }
    Ok(())
}

fn unknown(name: &str, record: &crate::Record, node: &Node) -> WaveError {
    let known = record.fields.iter().map(|field| field.name.as_str());
    let hint = match nearest(name, known.clone()).first() {
        Some(near) => format!("; did you mean `{near}`?"),
        None => format!("; there are: {}", known.collect::<Vec<_>>().join(", ")),
    };
    WaveError {
        message: format!("the record {} has no field {name:?}{hint}", record.name.name),
        span: Some(node.span()),
    }
}
