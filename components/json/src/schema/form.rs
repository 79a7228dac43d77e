//! What the keywords of a schema look like.

use super::decimal::Decimal;
use serde_json::Value;

/// The draft that a schema is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    Four,
    Six,
    Seven,
    Of2019,
    Of2020,
}

/// The draft that `$schema` names.
pub(super) fn draft(schema: &Value) -> Result<Draft, String> {
    let Some(name) = schema.get("$schema") else { return Ok(Draft::Of2020) };
    let Some(name) = name.as_str() else { return Err("`$schema` has to be a string".to_owned()) };
    let draft = name.trim_end_matches('#').trim_start_matches("https://").trim_start_matches("http://");
    Ok(match draft {
        "json-schema.org/draft-04/schema" => Draft::Four,
        "json-schema.org/draft-06/schema" => Draft::Six,
        "json-schema.org/draft-07/schema" => Draft::Seven,
        "json-schema.org/draft/2019-09/schema" => Draft::Of2019,
        "json-schema.org/draft/2020-12/schema" | "json-schema.org/schema" => Draft::Of2020,
        _ => return Err(format!("unknown draft `{name}` in `$schema`")),
    })
}

/// Where schemas stand below a keyword.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Below {
    /// The value is a schema.
    One,
    /// The value is a list of schemas.
    List,
    /// The value is an object of schemas.
    Map,
    /// The value is a schema or a list of schemas.
    OneOrList,
    /// The value is an object of schemas and lists of names.
    Dependencies,
}

/// Where schemas stand below a keyword; none when it holds no schemas.
pub(super) fn below(keyword: &str, draft: Draft) -> Option<Below> {
    Some(match keyword {
        "not" | "additionalProperties" | "additionalItems" => Below::One,
        "contains" | "propertyNames" if draft >= Draft::Six => Below::One,
        "if" | "then" | "else" if draft >= Draft::Seven => Below::One,
        "unevaluatedItems" | "unevaluatedProperties" | "contentSchema" if draft >= Draft::Of2019 => Below::One,
        "allOf" | "anyOf" | "oneOf" => Below::List,
        "prefixItems" if draft >= Draft::Of2020 => Below::List,
        "properties" | "patternProperties" | "definitions" => Below::Map,
        "$defs" | "dependentSchemas" if draft >= Draft::Of2019 => Below::Map,
        "items" if draft >= Draft::Of2020 => Below::One,
        "items" => Below::OneOrList,
        "dependencies" => Below::Dependencies,
        _ => return None,
    })
}

const TYPES: &[&str] = &["null", "boolean", "object", "array", "number", "string", "integer"];

/// Says what is wrong with the value of a keyword that holds no schemas.
pub(super) fn fault(keyword: &str, value: &Value, draft: Draft) -> Option<String> {
    let names = |value: &Value| value.as_array().is_some_and(|names| names.iter().all(Value::is_string));
    let wrong = |expected: &str| Some(format!("`{keyword}` has to be {expected}"));
    match keyword {
        "type" => {
            let known = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
            match value {
                Value::Array(list) if !list.is_empty() && list.iter().all(known) => None,
                value if known(value) => None,
                _ => wrong("the name of a type or a list of such names"),
            }
        }
        "required" if draft == Draft::Four && value.as_array().is_some_and(Vec::is_empty) => {
            wrong("a list that is not empty")
        }
        "required" if !names(value) => wrong("a list of names"),
        "enum" if !value.is_array() => wrong("a list"),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" | "minContains"
        | "maxContains" => match value {
            Value::Number(number) if Decimal::of(number).is_integer() && !number.as_str().starts_with('-') => None,
            _ => wrong("a whole number that is not negative"),
        },
        "exclusiveMinimum" | "exclusiveMaximum" if draft == Draft::Four => {
            if value.is_boolean() {
                None
            } else {
                wrong("true or false")
            }
        }
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" if !value.is_number() => wrong("a number"),
        "multipleOf" => match value {
            Value::Number(number) if number.as_f64().is_some_and(|number| number > 0.0) => None,
            _ => wrong("a number above zero"),
        },
        "uniqueItems" if !value.is_boolean() => wrong("true or false"),
        "pattern" | "$ref" | "$dynamicRef" | "$anchor" | "$dynamicAnchor" | "$id" | "format" | "title"
        | "description" | "$comment"
            if !value.is_string() =>
        {
            wrong("a string")
        }
        "dependentRequired" if draft >= Draft::Of2019 => match value {
            Value::Object(lists) if lists.values().all(names) => None,
            _ => wrong("an object of lists of names"),
        },
        _ => None,
    }
}
