//! Telling a command that ran out of memory from one that was killed otherwise.

use rustix::process::Pid;
use std::fs;
use std::path::PathBuf;

/// The kernel's count of processes that it killed in a container for want of memory.
#[derive(Debug)]
pub(super) struct Kills(Option<PathBuf>);

impl Kills {
    /// The counter of the container with this first process; nothing is counted where the control group cannot be found.
    pub(super) fn of(init: Pid) -> Self {
        let groups = fs::read_to_string(format!("/proc/{}/cgroup", init.as_raw_nonzero())).unwrap_or_default();
        Self(groups.lines().find_map(counter))
    }

    /// Counts nothing.
    pub(super) fn unknown() -> Self {
        Self(None)
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        let text = self.0.as_ref().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()).unwrap_or(0)
    }
}

/// The file with the counter that a line of `/proc/PID/cgroup` leads to (cgroups(7)).
fn counter(line: &str) -> Option<PathBuf> {
    let mut parts = line.splitn(3, ':');
    let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    let path = path.trim_start_matches('/');
    let file = if controllers.split(',').any(|name| name == "memory") {
        PathBuf::from("/sys/fs/cgroup/memory").join(path).join("memory.oom_control")
    } else if controllers.is_empty() {
        PathBuf::from("/sys/fs/cgroup").join(path).join("memory.events")
    } else {
        return None;
    };
    file.is_file().then_some(file)
}
