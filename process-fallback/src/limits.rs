//! What the programs of a session may use. All of it is held by the kernel and measured before the tier is offered.

use vox_model::Limits;

/// Processes and threads of a session at once, besides its init. Held by `RLIMIT_NPROC` of the session's own user name
/// space; under root, whom that limit spares, by the largest process number of its process name space. As in containers.
pub const PROCESSES: u32 = 128;

/// Open files of one process (`RLIMIT_NOFILE`). As in containers.
pub const OPEN_FILES: u32 = 1024;

/// Bytes of the largest file that a program may write (`RLIMIT_FSIZE`). As in containers.
pub const FILE_SIZE: u64 = 256 << 20;

/// Bytes in `/tmp` and in `/home`, each, and of what they are made of: memory. As in containers.
pub const TEMPORARY: u64 = 64 << 20;

/// Bytes in `/dev/shm`: semaphores of `multiprocessing` and the like.
pub(crate) const SHARED: u64 = 16 << 20;

/// Bytes of stack of a process, and of each thread that names no size. The usual 8 MiB count as data for threads and would
/// use the memory of a call up with eight of them; a quarter of it is what arguments may take, which are 320 KiB.
pub(crate) const STACK: u64 = 2 << 20;

/// Bytes of address space beyond the memory: programs, libraries and what they map without using it. It bounds memory
/// that processes share, which `RLIMIT_DATA` does not count.
pub(crate) const ADDRESS_SPACE: u64 = 1 << 30;

/// Below this, interpreters do not start.
pub(crate) const LEAST_MEMORY: u64 = 16 << 20;

/// The most commands of a session at once. As in containers.
pub(crate) const COMMANDS: usize = 64;

/// Arguments, variables, and bytes of both with the paths. As in containers.
pub(crate) const ARGUMENTS: usize = 1024;
/// See [`ARGUMENTS`].
pub(crate) const VARIABLES: usize = 256;
/// See [`ARGUMENTS`].
pub(crate) const COMMAND: usize = 320 << 10;

/// Bytes of private memory that each process of a call may have.
pub(crate) fn memory(asked: u64) -> u64 {
    if asked == 0 { Limits::default().memory } else { asked.max(LEAST_MEMORY) }
}
