//! What no library does safely. Everything here is called in a process with one thread.
#![allow(unsafe_code, reason = "three calls whose conditions hold in a launcher and nowhere else")]

use rustix::process::{Resource, Rlimit, setrlimit, setsid};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Closes every descriptor but the standard ones, whoever left it open.
pub(super) fn close_others() {
    // SAFETY: called at the start of a process, before anything owns a descriptor besides 0, 1 and 2.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
}

/// Leaves name spaces.
pub(super) fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    // SAFETY: the condition is about threads that share descriptors; there is one thread, and FILES is never asked for.
    unsafe { unshare_unsafe(flags) }
}

/// Makes a command start in a session of its own, under limits that hold for everything that it starts.
pub(super) fn limited(command: &mut Command, limits: Vec<(Resource, u64, u64)>) {
    let prepare = move || -> io::Result<()> {
        setsid()?;
        for (resource, soft, hard) in &limits {
            setrlimit(*resource, Rlimit { current: Some(*soft), maximum: Some(*hard) })?;
        }
        Ok(())
    };
    // SAFETY: the init has one thread, so the child finds no lock held; system calls are all that the closure makes.
    unsafe { command.pre_exec(prepare) };
}
