//! The parts of `skill.toml` that belong to no capability.

use schemars::JsonSchema;
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;
use vox_model::Capability;

/// `[skill]`: what the skill is.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct About {
    /// The package's name, `name` or `namespace:name`; the folder's name where there is none.
    #[schemars(with = "Option<String>")]
    pub(crate) name: Option<Spanned<String>>,
    /// The version.
    pub(crate) version: Option<String>,
    /// What the skill does, one or two sentences.
    #[schemars(with = "Option<String>")]
    pub(crate) description: Option<Spanned<String>>,
    /// The component, relative to this file; the only .wasm file in the folder where it is left out.
    #[schemars(with = "Option<String>")]
    pub(crate) component: Option<Spanned<String>>,
}

/// `[runtime]`: the words of what the skill needs.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Runtime {
    /// What the skill needs to do its work.
    #[schemars(with = "Vec<Word>")]
    pub(crate) required: Vec<Spanned<String>>,
    /// What it promises never to use.
    #[schemars(with = "Vec<Word>")]
    pub(crate) forbidden: Vec<Spanned<String>>,
}

/// `[limits]`: limits in place of the defaults, with units.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// All memories together, such as `"128MiB"`.
    #[schemars(with = "Option<String>")]
    pub(crate) memory: Option<Spanned<String>>,
    /// Wall-clock time of a call, such as `"30s"`.
    #[schemars(with = "Option<String>")]
    pub(crate) time: Option<Spanned<String>>,
    /// Processor time of a call, such as `"10s"`.
    #[schemars(with = "Option<String>")]
    pub(crate) cpu: Option<Spanned<String>>,
    /// Standard output and the result, such as `"4MiB"`.
    #[schemars(with = "Option<String>")]
    pub(crate) output: Option<Spanned<String>>,
}

/// `[[script]]`: a script of the skill, for skills that are folders of scripts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// The script, relative to this file.
    #[schemars(with = "String")]
    pub(crate) path: Spanned<String>,
    /// The program that runs it, such as `python3`; none for a component, which is a .wasm file.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) interpreter: Option<Spanned<String>>,
    /// What it needs of what the skill requires; all of it where it is left out.
    #[serde(default)]
    #[schemars(with = "Option<Vec<Word>>")]
    pub(crate) required: Option<Vec<Spanned<String>>>,
}

/// The closed set of words, for the schema.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code, reason = "it describes the format and is never made; a test compares it with `Capability`")]
pub(crate) enum Word {
    FilesystemRo,
    FilesystemRw,
    HttpOut,
    Kv,
    Config,
    Log,
    Clock,
    Random,
    Subprocess,
    Gpu,
}

/// A section that was written.
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) serves: &'static [Capability],
    pub(crate) span: Range<usize>,
}
