//! What a skill may spend on programs, and of whose.

use std::time::Duration;

/// Arguments of one program, as the WIT says.
pub const MAX_ARGUMENTS: usize = 1024;

/// Variables of one program.
pub const MAX_VARIABLES: usize = 64;

/// Bytes of the program's name, arguments and variables together, as the WIT says: a page of the kernel's 32 for the
/// arguments of a program, and the host's memory.
pub const MAX_COMMAND: usize = 128 << 10;

/// Programs of one call: each makes an entry in the audit.
pub const MAX_PROGRAMS: u32 = 1000;

/// Programs that run side by side: each has four pipes and a thread of the host.
pub const MAX_RUNNING: u32 = 8;

/// Bytes of a command in the audit.
pub(crate) const MAX_SHOWN: usize = 1024;

/// How often the disk is looked at while programs write. At 1 GB/s, 200 MB more than allowed.
pub(crate) const WATCH: Duration = Duration::from_millis(200);

/// How often a spawned program is looked at for its end and for being killed.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// How long the end of a killed program is waited for.
pub(crate) const KILLING: Duration = Duration::from_secs(5);

/// How long programs that were killed may take before their session is ended around them.
pub(crate) const ENDING: Duration = Duration::from_secs(1);

/// Bytes that a skill may write to a program's standard input before the program has read them.
pub(crate) const STDIN: usize = 64 << 10;

/// Notes for people that are kept of one call.
pub(crate) const MAX_NOTES: usize = 32;

/// How long before the end of the call a command that has not answered is given up: time to say what it wrote.
pub(crate) const SERVE_MARGIN: Duration = Duration::from_millis(100);

/// How long bytes of a program that has ended may take to arrive.
pub(crate) const GRACE: Duration = Duration::from_millis(200);

/// How long the end of a command that closed its output is waited for.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(1000);

/// Bytes and lines that are kept of what a command writes to standard error, from the end.
pub(crate) const STDERR_KEPT: usize = 2048;
pub(crate) const STDERR_LINES: usize = 16;
