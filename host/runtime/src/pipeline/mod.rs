//! Pipelines: `json.extract('.items[].body') | markdown.to-html`.
//!
//! The value on the left becomes the first parameter of the function on the right; where the left function returns
//! a `result`, its ok side is passed on and an err ends the pipeline. [`parse`] reads the text, [`check`] proves
//! that all types fit before anything runs, [`Checked::run`] runs it: every stage in a fresh sandbox of its own.

mod check;
mod parse;
mod run;

pub use check::{Checked, Input, Resolve, check};
pub use parse::{Argument, Stage, parse};
pub use run::{Stages, Unattended};

use std::ops::Range;

/// What a [`PipelineError`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The text, an argument or a type.
    Text,
    /// A function that is not there, or cannot be called.
    Function,
    /// A skill that could not be opened; whoever opened it knows more.
    Skill,
}

/// A pipeline that cannot run, with the place in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PipelineError {
    /// What it is about.
    pub fault: Fault,
    /// What is wrong.
    pub message: String,
    /// The bytes of the text it speaks of.
    pub span: Range<usize>,
    /// What a label under those bytes says.
    pub label: String,
    /// How to mend it.
    pub help: Option<String>,
}
