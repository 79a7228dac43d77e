//! Commands: started, waited for, killed.

use super::confine;
use crate::limits::COMMANDS;
use crate::wire::{DESCRIPTORS, Ended, Request, Run, Setup, Step, receive};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process_group, pidfd_open, wait};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

/// How often children are looked at whose parents ended: they are nobody's to wait for, and count as processes.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// A command that runs.
struct Going {
    id: u32,
    pid: Pid,
    /// Readable at its end.
    end: OwnedFd,
    status: OwnedFd,
}

/// Serves the socket until its end. What still runs then dies with this process.
pub(super) fn serve(socket: &mut UnixStream, setup: &Setup) -> u8 {
    let mut commands = Vec::new();
    loop {
        let asked = {
            let mut fds = vec![PollFd::new(&*socket, PollFlags::IN)];
            fds.extend(commands.iter().map(|one: &Going| PollFd::new(&one.end, PollFlags::IN)));
            match poll(&mut fds, (!commands.is_empty()).then_some(&LOOK)) {
                Ok(_) => !fds[0].revents().is_empty(),
                Err(Errno::INTR) => false,
                Err(_) => return 1,
            }
        };
        reap(&mut commands);
        if asked {
            match receive::<Request>(socket) {
                Ok(Some((Request::Run(run), fds))) => start(&mut commands, &run, fds, setup),
                Ok(Some((Request::Kill(id), _))) => kill(&commands, id),
                Ok(None) => return 0,
                // What cannot be understood is not from the session, or the last that comes.
                Err(_) => return 1,
            }
        }
    }
}

fn start(commands: &mut Vec<Going>, run: &Run, fds: Vec<OwnedFd>, setup: &Setup) {
    let Ok([input, output, error, status]) = <[OwnedFd; DESCRIPTORS]>::try_from(fds) else { return };
    let started = match commands.len() < COMMANDS {
        true => spawn(run, [input, output, error], setup),
        false => Err((Step::Fork, Errno::AGAIN.raw_os_error())),
    };
    match started {
        Ok((pid, end)) => commands.push(Going { id: run.id, pid, end, status }),
        Err((step, number)) => tell(status, Ended::NotStarted(step, number)),
    }
}

fn spawn(run: &Run, fds: [OwnedFd; 3], setup: &Setup) -> Result<(Pid, OwnedFd), (Step, i32)> {
    let number = |error: std::io::Error| error.raw_os_error().unwrap_or(libc::EIO);
    let [input, output, error] = fds;
    // Beforehand, because afterwards one number stands for two steps.
    match Path::new(&run.folder).metadata() {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Err((Step::Folder, libc::ENOTDIR)),
        Err(error) => return Err((Step::Folder, number(error))),
    }
    let mut command = Command::new(&run.program);
    command
        .args(&run.arguments)
        .env_clear()
        .envs(run.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&run.folder)
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output))
        .stderr(Stdio::from(error));
    super::sys::limited(&mut command, confine::limits(setup.memory, run.cpu_seconds));
    let child = command.spawn().map_err(|error| match error.raw_os_error() {
        Some(libc::EAGAIN) => (Step::Fork, libc::EAGAIN),
        _ => (Step::Exec, number(error)),
    })?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or((Step::Fork, libc::EIO))?;
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(end) => Ok((pid, end)),
        Err(error) => {
            let _ = kill_process_group(pid, Signal::KILL);
            Err((Step::Fork, error.raw_os_error()))
        }
    }
}

/// Ends a command and its process group; everything, when nothing else runs.
fn kill(commands: &[Going], id: u32) {
    if let Some(one) = commands.iter().find(|one| one.id == id) {
        // Who is gone needs no signal.
        let _ = kill_process_group(one.pid, Signal::KILL);
        if commands.len() == 1 {
            kill_all();
        }
    }
}

/// Kills every other process of the name space. The kernel signals all in one go, and a fork under way fails, so a fork
/// bomb does not outrun it.
fn kill_all() {
    // The group of the init is written as -1, which kill(2) takes for everybody but the caller.
    let _ = kill_process_group(Pid::INIT, Signal::KILL);
}

/// Takes the status of children that ended, also of those that became ours because their parent ended.
fn reap(commands: &mut Vec<Going>) {
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        let Some(place) = commands.iter().position(|one| one.pid == pid) else { continue };
        let Going { status: to, .. } = commands.remove(place);
        // Before anybody hears of the end nothing of the command runs any more: its output is complete, and what it left
        // in the background does not stay.
        let _ = kill_process_group(pid, Signal::KILL);
        if commands.is_empty() {
            sweep();
        }
        let small = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
        let ended = match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Ended::Exited(small(code)),
            (None, signal) => Ended::Signalled(small(signal.unwrap_or(0))),
        };
        tell(to, ended);
    }
}

/// Kills everybody else and waits until they are gone.
fn sweep() {
    kill_all();
    loop {
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

fn tell(to: OwnedFd, ended: Ended) {
    // Nobody may be there to hear it; a pipe always takes this much.
    let _ = serde_json::to_vec(&ended).map(|text| File::from(to).write_all(&text));
}
