//! What goes over the socket between a session and its agent. Both sides compile this file.
//!
//! Same machine, same processor: numbers are little-endian as the processor has them. A request is a header, its
//! descriptors with the first byte, and a body of texts, each ended by a NUL.

/// Runs a program. Body: working folder, program, arguments (the program's own name first), variables.
/// Descriptors: input, output, error, status.
pub const RUN: u32 = 1;
/// Ends the command with this number, and its children. No body, no descriptors, no answer but the status.
pub const KILL: u32 = 2;
/// Measures what holds in this container and writes a report to the output. Descriptors as for [`RUN`].
pub const PROBE: u32 = 3;
/// Listens on a port of 127.0.0.1 in the container, the number of the header. No body, no descriptors. The answer is
/// [`LISTENS`] on the socket, and from then on [`CONNECTED`] for each connection; nothing else is ever answered there.
pub const LISTEN: u32 = 4;

/// The agent listens. One byte on the socket.
pub const LISTENS: u8 = 1;
/// Somebody connected. One byte on the socket, with the descriptor of the connection.
pub const CONNECTED: u8 = 2;
/// Connections that wait until the agent takes them.
pub const BACKLOG: usize = 64;

/// Bytes of a header.
pub const HEADER: usize = 48;
/// Bytes of a status.
pub const STATUS: usize = 24;
/// The longest body: 128 KiB of arguments, as much of variables, and the paths.
pub const BODY: usize = 320 << 10;
/// The most arguments, the program's own name not counted.
pub const ARGUMENTS: usize = 1024;
/// The most variables.
pub const VARIABLES: usize = 256;
/// The most commands at once in one container.
pub const COMMANDS: usize = 64;

/// How a command ended: it exited, the value is the code.
pub const EXITED: u32 = 1;
/// A signal ended it, the value is the number.
pub const SIGNALLED: u32 = 2;
/// It could not be started, the value is the error number of the system.
pub const NOT_STARTED: u32 = 3;

/// The step that failed: looking the program up or executing it.
pub const AT_EXEC: u32 = 0;
/// The step that failed: entering the working folder.
pub const AT_FOLDER: u32 = 1;
/// The step that failed: making the process.
pub const AT_FORK: u32 = 2;

/// The fixed part of a request.
#[derive(Clone, Copy, Default, Debug)]
pub struct Header {
    /// [`RUN`], [`KILL`], [`PROBE`] or [`LISTEN`].
    pub kind: u32,
    /// The number of the command; for [`LISTEN`] the port.
    pub id: u32,
    /// Bytes of the body.
    pub body: u32,
    /// Arguments in the body, the program's own name counted.
    pub arguments: u32,
    /// Variables in the body.
    pub variables: u32,
    /// For [`PROBE`]: processes to try.
    pub processes: u32,
    /// Address space of each process in bytes, 0 for none.
    pub address_space: u64,
    /// The largest file that may be written, 0 for none. For [`PROBE`]: bytes of memory to try.
    pub file_size: u64,
    /// Processor time of each process in seconds, 0 for none.
    pub cpu_seconds: u64,
}

impl Header {
    /// As bytes.
    pub fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let words = [self.kind, self.id, self.body, self.arguments, self.variables, self.processes];
        for (at, word) in words.iter().enumerate() {
            bytes[at * 4..at * 4 + 4].copy_from_slice(&word.to_le_bytes());
        }
        for (at, long) in [self.address_space, self.file_size, self.cpu_seconds].iter().enumerate() {
            bytes[24 + at * 8..32 + at * 8].copy_from_slice(&long.to_le_bytes());
        }
        bytes
    }

    /// From bytes.
    pub fn decode(bytes: &[u8; HEADER]) -> Self {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        Self {
            kind: word(0),
            id: word(4),
            body: word(8),
            arguments: word(12),
            variables: word(16),
            processes: word(20),
            address_space: long(24),
            file_size: long(32),
            cpu_seconds: long(40),
        }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Status {
    /// [`EXITED`], [`SIGNALLED`] or [`NOT_STARTED`].
    pub kind: u32,
    /// Code, signal or error number.
    pub value: u32,
    /// Which step failed, for [`NOT_STARTED`].
    pub step: u32,
    /// Processor time in microseconds, of the command and of children that it waited for.
    pub cpu_micros: u64,
}

impl Status {
    /// As bytes.
    pub fn encode(&self) -> [u8; STATUS] {
        let mut bytes = [0; STATUS];
        bytes[0..4].copy_from_slice(&self.kind.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.value.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.step.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.cpu_micros.to_le_bytes());
        bytes
    }

    /// From bytes.
    pub fn decode(bytes: &[u8; STATUS]) -> Self {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self {
            kind: word(0),
            value: word(4),
            step: word(8),
            cpu_micros: u64::from(word(16)) | u64::from(word(20)) << 32,
        }
    }
}
