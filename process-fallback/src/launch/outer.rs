//! The outer process: name spaces, and the init in them.

use super::{Failed, INIT, sys};
use crate::wire::{Ready, send};
use rustix::process::{getegid, geteuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, capabilities, configure_capability_in_ambient_set, set_capabilities,
};
use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

/// Makes name spaces, starts the init in them, and waits for it: whoever sees this process end knows that the others have.
pub(super) fn outer() -> u8 {
    match start() {
        Ok(mut init) => {
            // The init alone holds the socket from here on, so that its end is the end of the socket.
            let hidden = File::open("/dev/null").and_then(|null| Ok(rustix::stdio::dup2_stdin(null)?));
            if hidden.is_err() {
                let _ = init.kill();
            }
            u8::from(init.wait().is_err())
        }
        Err(Failed { what, fix }) => {
            if let Ok(socket) = std::io::stdin().as_fd().try_clone_to_owned() {
                // Where nobody listens nobody needs to know.
                let _ = send(&mut UnixStream::from(socket), &Ready::No { what, fix }, &[]);
            }
            1
        }
    }
}

fn start() -> Result<std::process::Child, Failed> {
    separate()?;
    let prefix = std::env::args_os().skip(1).take_while(|word| word != super::OUTER);
    let socket: OwnedFd =
        std::io::stdin().as_fd().try_clone_to_owned().map_err(|error| Failed::step("taking the socket", error))?;
    Command::new("/proc/self/exe")
        .args(prefix)
        .arg(INIT)
        .env_clear()
        .stdin(socket)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Failed::step("starting the first process of the name spaces", error))
}

/// Name spaces of users (unless this is root, whose mounts and folders need the real one), mounts, processes, network,
/// messages, names and control groups.
fn separate() -> Result<(), Failed> {
    let (user, group) = (geteuid(), getegid());
    let spaces = UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    if user.is_root() {
        return sys::unshare(spaces).map_err(|error| Failed {
            what: format!("root may not make name spaces here: {error}"),
            fix: "run vox outside of the container that it is in, or give that container CAP_SYS_ADMIN".to_owned(),
        });
    }
    sys::unshare(spaces | UnshareFlags::NEWUSER).map_err(|error| Failed {
        what: format!("this user may not make name spaces: {error}"),
        fix: "run `sudo sysctl -w user.max_user_namespaces=10000`, and on Ubuntu \
              `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`"
            .to_owned(),
    })?;
    // A user is itself inside: what it owns it owns there, and it is nobody else.
    let (user, group) = (user.as_raw(), group.as_raw());
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{user} {user} 1")),
        ("gid_map", format!("{group} {group} 1")),
    ] {
        let written = fs::write(format!("/proc/self/{file}"), text);
        written.map_err(|error| Failed::step(&format!("writing {file} of the user name space"), error))?;
    }
    keep_capabilities().map_err(|error| Failed::step("keeping capabilities for the set-up", error))
}

/// Capabilities in the new user name space, kept over the start of the init, which drops them when all is mounted.
fn keep_capabilities() -> rustix::io::Result<()> {
    let CapabilitySets { effective, permitted, .. } = capabilities(None)?;
    set_capabilities(None, CapabilitySets { effective, permitted, inheritable: permitted })?;
    for one in permitted.iter_names().map(|(_, one)| one).collect::<Vec<CapabilitySet>>() {
        configure_capability_in_ambient_set(one, true)?;
    }
    Ok(())
}
