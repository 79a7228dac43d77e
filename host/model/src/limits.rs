//! How much a call may use.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The limits of one call. Always armed; there is no "unlimited".
///
/// The defaults are starting values for tools that people and agents wait for; `docs/limits.md` gives the reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of all linear memories of the call together.
    pub memory: u64,
    /// Wall-clock time from before the sandbox is made until after the result is read.
    pub time: Duration,
    /// Processor time of the guest, counted in ticks of the epoch ticker.
    pub cpu: Duration,
    /// Bytes of standard output and of standard error, each, and of the result when it is larger than 4 MiB.
    pub output: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 64 << 20, time: Duration::from_secs(10), cpu: Duration::from_secs(5), output: 1 << 20 }
    }
}

impl Limits {
    /// Bytes that one crossing of the sandbox border may make the host allocate: 4 MiB, or the output limit
    /// where that is larger, so that small settings still let typed results through.
    pub fn crossing(&self) -> u64 {
        self.output.max(4 << 20)
    }
}

/// A limit that ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// [`Limits::memory`].
    Memory,
    /// [`Limits::time`].
    Time,
    /// [`Limits::cpu`].
    Cpu,
    /// [`Limits::output`].
    Output,
    /// Resource handles, instances, memories, tables: fixed numbers, see `docs/limits.md`.
    Handles,
    /// The stack of the guest: 512 KiB.
    Stack,
    /// All sandboxes of this host are in use.
    Sandboxes,
}

impl Limit {
    /// The flag that raises it, where one does.
    pub fn flag(self) -> Option<&'static str> {
        match self {
            Self::Memory => Some("--limit-memory"),
            Self::Time => Some("--limit-time"),
            Self::Cpu => Some("--limit-cpu"),
            Self::Output => Some("--limit-output"),
            Self::Handles | Self::Stack | Self::Sandboxes => None,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Time => "time",
            Self::Cpu => "CPU time",
            Self::Output => "output",
            Self::Handles => "handle",
            Self::Stack => "stack",
            Self::Sandboxes => "sandbox",
        })
    }
}
