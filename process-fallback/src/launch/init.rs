//! The init of a session: sets everything up, says so, and serves commands until its socket ends.

use super::{Failed, confine, root, serve};
use crate::wire::{Ready, Setup, receive, send};
use rustix::process::{
    DumpableBehavior, Signal, getpid, set_dumpable_behavior, set_parent_process_death_signal, setsid, umask,
};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// Runs as the init. It ends with its socket, and the kernel ends everything else in the name space with it.
pub(super) fn init() -> u8 {
    // Outside of a process name space of its own it would kill what is not its own.
    if !getpid().is_init() {
        return 2;
    }
    let Ok(mut socket) = hidden_socket() else { return 1 };
    let Ok(Some((setup, _))) = receive::<Setup>(&mut socket) else { return 1 };
    match set_up(&setup) {
        Ok(()) => match send(&mut socket, &Ready::Yes, &[]) {
            Ok(()) => serve::serve(&mut socket, &setup),
            Err(_) => 1,
        },
        Err(Failed { what, fix }) => {
            let _ = send(&mut socket, &Ready::No { what, fix }, &[]);
            1
        }
    }
}

/// The socket under a number that no command gets, closed where something is executed.
fn hidden_socket() -> std::io::Result<UnixStream> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let socket: OwnedFd = std::io::stdin().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(UnixStream::from(socket))
}

fn set_up(setup: &Setup) -> Result<(), Failed> {
    setsid().map_err(|error| Failed::step("making a session", error))?;
    umask(rustix::fs::Mode::from_raw_mode(0o022));
    let places = root::enter(setup)?;
    confine::drop_capabilities().map_err(|error| Failed::step("dropping capabilities", error))?;
    // Nobody reads its memory or follows its links in /proc.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| Failed::step("hiding the first process", error))?;
    confine::restrict(places)
}
