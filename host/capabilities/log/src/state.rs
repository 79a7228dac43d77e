//! The log of one call.

use crate::escape::escape_within;
use crate::sink::{Level, Line, LogSink};
use std::sync::{Arc, OnceLock};
use vox_model::{CallScope, Capability, Effect, Verdict};

/// Bytes of a line once it is escaped. A person reads it, or a log file keeps it.
pub const MAX_LINE: usize = 16 << 10;

/// Bytes of a context once it is escaped: it is a name.
pub const MAX_CONTEXT: usize = 128;

/// Bytes of all lines of a call, each counted with [`LINE_COST`]. They fill the disk or the memory of whoever keeps
/// the log.
pub const MAX_CALL: usize = 1 << 20;

/// What a line costs besides its text. Without it a million empty lines would be free.
pub const LINE_COST: usize = 64;

/// The log of one call: counts, cuts, escapes, and passes on.
pub struct LogState {
    scope: CallScope,
    /// The skill's name, escaped: a publisher chose it. Made for the first line; most calls have none.
    skill: OnceLock<String>,
    sink: Arc<dyn LogSink>,
    left: usize,
    written: Count,
    lost: Count,
    refused: bool,
}

/// Lines, and bytes as the skill gave them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    lines: u64,
    bytes: u64,
}

impl LogState {
    /// The log of a fresh call.
    pub fn new(scope: CallScope, sink: Arc<dyn LogSink>) -> Self {
        let (written, lost) = (Count::default(), Count::default());
        Self { scope, skill: OnceLock::new(), sink, left: MAX_CALL, written, lost, refused: false }
    }

    fn skill(&self) -> &str {
        self.skill.get_or_init(|| escape_within(&self.scope.skill, MAX_CONTEXT).text)
    }

    /// Takes one line of the skill.
    pub fn write(&mut self, level: Level, context: &str, message: &str) {
        let given = (context.len() + message.len()) as u64;
        // Nothing fits any more: a flood is not worth escaping.
        if self.left < LINE_COST || !self.allowed() {
            self.lose(1, given);
            return;
        }
        let context = escape_within(context, MAX_CONTEXT);
        let message_given = message.len();
        let message = escape_within(message, MAX_LINE);
        let cost = LINE_COST + context.text.len() + message.text.len();
        if cost > self.left {
            // Later lines are lost too, shorter ones as well: a log with holes in it misleads.
            self.left = 0;
            self.lose(1, given);
            return;
        }
        self.left -= cost;
        let cut = context.cut + message.cut;
        if cut > 0 {
            self.lose(0, cut);
        }
        self.written.lines += 1;
        self.written.bytes = self.written.bytes.saturating_add(message_given as u64 - message.cut);
        let line = Line { level, skill: self.skill(), context: &context.text, message: &message.text, cut };
        self.sink.line(&line);
    }

    /// Whether the log was not taken back; the first refusal is taken down, not each line of a flood.
    fn allowed(&mut self) -> bool {
        if self.refused {
            return false;
        }
        self.refused = !self.scope.allows(Capability::Log, "write", "a line");
        !self.refused
    }

    fn lose(&mut self, lines: u64, bytes: u64) {
        self.lost.lines += lines;
        self.lost.bytes = self.lost.bytes.saturating_add(bytes);
    }

    /// Reports what was written and what was lost. Called when the state is dropped, or earlier by an embedder that
    /// closes its books before; a second time reports only what came since.
    pub fn finish(&mut self) {
        let (written, lost) = (std::mem::take(&mut self.written), std::mem::take(&mut self.lost));
        if lost != Count::default() {
            self.sink.dropped(self.skill(), lost.lines, lost.bytes);
        }
        if written.lines > 0 {
            let lines = if written.lines == 1 { "line" } else { "lines" };
            self.scope.recorder.record(Effect {
                capability: Capability::Log,
                action: "write".to_owned(),
                target: format!("{} {lines}", written.lines),
                verdict: Verdict::Allowed,
                rule: "logging needs no grant".to_owned(),
                received: 0,
                sent: written.bytes,
            });
        }
    }
}

impl Drop for LogState {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
