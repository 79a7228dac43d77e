//! Where lines go.

use std::fmt;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Detail that only the author of the skill wants.
    Trace,
    /// Detail for finding a fault.
    Debug,
    /// What a person may want to know.
    Info,
    /// Something unexpected that the skill dealt with.
    Warn,
    /// Something that kept the skill from doing what it was asked.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// One line of a skill: escaped, cut, fit to be shown as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// How much it matters, by the skill's own account.
    pub level: Level,
    /// The skill's name.
    pub skill: &'a str,
    /// The part of the skill that speaks; often empty.
    pub context: &'a str,
    /// The text.
    pub message: &'a str,
    /// Bytes of the context and the message that were cut.
    pub cut: u64,
}

/// Takes lines. Called from within calls, so it must neither block for long nor panic.
pub trait LogSink: Send + Sync {
    /// Takes one line.
    fn line(&self, line: &Line<'_>);

    /// Told once, at the end of a call that lost something: whole lines, and bytes of them and of lines that were cut.
    fn dropped(&self, skill: &str, lines: u64, bytes: u64);
}

/// Gives lines to `tracing`, under the target `skill`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

impl LogSink for TracingSink {
    fn line(&self, line: &Line<'_>) {
        let Line { skill, context, message, cut, .. } = *line;
        // The level of an event has to be known when vox is compiled.
        match line.level {
            Level::Trace => tracing::trace!(target: "skill", skill, context, cut, "{message}"),
            Level::Debug => tracing::debug!(target: "skill", skill, context, cut, "{message}"),
            Level::Info => tracing::info!(target: "skill", skill, context, cut, "{message}"),
            Level::Warn => tracing::warn!(target: "skill", skill, context, cut, "{message}"),
            Level::Error => tracing::error!(target: "skill", skill, context, cut, "{message}"),
        }
    }

    fn dropped(&self, skill: &str, lines: u64, bytes: u64) {
        tracing::warn!(target: "skill", skill, lines, bytes, "the skill logged more than a call may");
    }
}
