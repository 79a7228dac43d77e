//! Keeps what this process holds, secrets among it, out of core dumps and away from other processes of the same user.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// No core file is written, also by the processes that this one starts. The first thing in `main`.
pub fn forbid() {
    // A lower limit is always allowed; where there is no such limit there are no core files either.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// No debugger attaches and nothing reads `/proc/PID/mem`, unless it is root. It also stops dumps that go to a program
/// (`core_pattern`), which ask for no limit. To be called before the first secret is read, and after the engine has
/// started, which reads `/proc/self/pagemap`.
pub fn forbid_reading() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
