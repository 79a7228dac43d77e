//! How a call ended.

use crate::{Digest, Effect, Limit, Value};
use std::time::Duration;

/// How a call ended, on whatever tier it ran.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The value, none for functions without a result; or why there is none. An `err` of the skill's own is a
    /// value: see [`Outcome::skill_error`].
    pub result: Result<Option<Value>, Failure>,
    /// What the call used.
    pub usage: Usage,
    /// What the guest printed.
    pub output: Output,
    /// What it did to files and was refused.
    pub effects: Effects,
}

impl Outcome {
    /// A call that has not given anything, and has used and left nothing.
    pub fn nothing() -> Self {
        Self { result: Ok(None), usage: Usage::default(), output: Output::default(), effects: Effects::default() }
    }

    /// The same for a call that failed.
    pub fn failed(failure: Failure) -> Self {
        Self { result: Err(failure), ..Self::nothing() }
    }
}

/// What is left of a call outside its sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The change sets that wait for approval, one for each folder that was written to.
    pub changes: Vec<Digest>,
    /// Why something that was staged could not be kept.
    pub lost: Vec<String>,
    /// What was refused, at most 16; the audit has all of it.
    pub denied: Vec<Effect>,
    /// Requests that were granted and failed, at most 16; the audit has all of them.
    pub failed: Vec<Effect>,
    /// Whether the skill asked for its folders and none is granted. Language runtimes ask before they use the first path.
    pub no_folder: bool,
    /// What a person has to be told besides: what a change set cannot hold, limits that were weaker than the strict ones.
    pub notes: Vec<String>,
}

impl Effects {
    /// Adds what an earlier stage left behind.
    pub fn gather(&mut self, earlier: Self) {
        self.changes.splice(0..0, earlier.changes);
        self.lost.splice(0..0, earlier.lost);
        self.denied.splice(0..0, earlier.denied);
        self.failed.splice(0..0, earlier.failed);
        self.no_folder |= earlier.no_folder;
        self.notes.splice(0..0, earlier.notes);
    }
}

impl Outcome {
    /// Whether the function returned the `err` side of a `result`, and its payload.
    pub fn skill_error(&self) -> Option<Option<&Value>> {
        match &self.result {
            Ok(Some(Value::Result(Err(payload)))) => Some(payload.as_deref()),
            _ => None,
        }
    }
}

/// Why a call gave no value. The sandbox is gone in every case.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The guest trapped.
    #[error(transparent)]
    Trap(Trap),
    /// A limit ended it.
    #[error("the {limit} limit was reached: {detail}")]
    Limit {
        /// Which one.
        limit: Limit,
        /// Used and allowed, in words.
        detail: String,
    },
    /// Whoever made the call ended it.
    #[error("the call was cancelled")]
    Cancelled,
    /// The guest called `exit`: with this status, 0 for success.
    #[error("the skill exited with status {0}")]
    Exit(u8),
    /// A command that serves an import of the skill crashed, or gave an answer that is none.
    #[error(transparent)]
    Worker(WorkerFault),
    /// What was granted cannot be served: a folder is gone, the network cannot be set up.
    #[error("{0}")]
    Setup(String),
    /// A fault of vox itself, never of the guest.
    #[error("a fault of vox itself: {0}")]
    Host(String),
}

/// A function that a command serves was not answered, or wrongly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{function} was not answered: {what}")]
pub struct WorkerFault {
    /// The function in full: `acme:frames/describe@0.1.0#describe`.
    pub function: String,
    /// What happened; where an answer has the wrong type, with the place in it. Texts of the command are escaped and cut.
    pub what: String,
    /// The end of what the command wrote to standard error, escaped; empty when it wrote nothing.
    pub stderr: String,
}

/// A trap: the guest did something that WebAssembly forbids, most often a panic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the skill trapped: {}", self.panic.as_deref().unwrap_or(&self.message))]
pub struct Trap {
    /// What the engine says, such as `wasm unreachable instruction executed`.
    pub message: String,
    /// The panic message that the guest wrote to standard error, if it wrote one. Untrusted text, escaped.
    pub panic: Option<String>,
    /// Where it happened, innermost first, at most 20. Names are the guest's own: untrusted, escaped, cut.
    pub frames: Vec<Frame>,
}

/// One frame of a backtrace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The function's name from the name section, or its index.
    pub function: String,
    /// Its core module, where it has a name.
    pub module: Option<String>,
}

/// What a call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Wall-clock time.
    pub time: Duration,
    /// The largest sum of all linear memories, in bytes.
    pub memory: u64,
}

/// What the guest printed, cut at the output limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// Bytes that were cut from both together.
    pub lost: u64,
}
