//! Which settings a skill asks for.

use crate::grant::{Invalid, MAX_SETTINGS, check_name, check_value};
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The section `[config]` of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The settings that the skill reads.
    #[serde(default, deserialize_with = "settings")]
    #[schemars(with = "Vec<Written>")]
    pub settings: Vec<Setting>,
}

/// One setting that a skill asks for: its name, or a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The name that the skill reads it by.
    pub name: String,
    /// The value where none was granted. Without one, the skill does not run before somebody gives the setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What it is for, shown to the person who is asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a setting is written in a manifest.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes the format and is never made")]
enum Written {
    /// A setting by its name.
    Name(String),
    /// A setting with more to say.
    Table(Table),
}

/// A setting with more to say than its name.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The name that the skill reads it by.
    name: String,
    /// The value where none was granted.
    #[serde(default)]
    default: Option<String>,
    /// What it is for, shown to the person who is asked for it.
    #[serde(default)]
    reason: Option<String>,
}

/// By hand, because the error of an untagged enum says nothing about what is wrong.
impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Setting;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a setting, or a table with `name`, `default` and `reason`")
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Setting, E> {
                Ok(Setting { name: name.to_owned(), default: None, reason: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Setting, A::Error> {
                let Table { name, default, reason } = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Setting { name, default, reason })
            }
        }
        let setting = from.deserialize_any(Either)?;
        check_name(&setting.name).map_err(D::Error::custom)?;
        if let Some(default) = &setting.default {
            check_value(&setting.name, default).map_err(D::Error::custom)?;
        }
        Ok(setting)
    }
}

/// A list of settings: not too many, none twice.
fn settings<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Setting>, D::Error> {
    let settings = Vec::<Setting>::deserialize(from)?;
    if settings.len() > MAX_SETTINGS {
        return Err(D::Error::custom(Invalid::Count(settings.len())));
    }
    let mut seen = BTreeSet::new();
    match settings.iter().find(|setting| !seen.insert(&setting.name)) {
        Some(twice) => Err(D::Error::custom(format!("the setting `{}` is listed twice", twice.name))),
        None => Ok(settings),
    }
}
