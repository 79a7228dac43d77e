//! Who started a container: the process and when it began, so that a number used again is not mistaken for it.

use std::fmt;
use std::fs;
use std::io;

/// A process, named for as long as the machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The number of the process.
    pub(crate) pid: u32,
    /// When it started, in ticks since the machine did.
    pub(crate) started: u64,
}

impl Owner {
    /// This process.
    pub(crate) fn this() -> io::Result<Self> {
        let pid = std::process::id();
        match started(pid)? {
            Some(started) => Ok(Self { pid, started }),
            None => Err(io::Error::other("/proc does not show this process")),
        }
    }

    /// Reads `PID:STARTED` or `PID-STARTED`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (pid, started) = text.split_once([':', '-'])?;
        Some(Self { pid: pid.parse().ok()?, started: started.parse().ok()? })
    }

    /// Whether it still runs. What cannot be found out counts as running, so that nothing of a living owner goes.
    pub(crate) fn lives(self) -> bool {
        started(self.pid).map_or(true, |now| now == Some(self.started))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.pid, self.started)
    }
}

/// When a process started; none when there is no such process, or only its remains.
fn started(pid: u32) -> io::Result<Option<u64>> {
    let line = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(line) => line,
        Err(error) if matches!(error.raw_os_error(), Some(2 | 3)) => return Ok(None),
        Err(error) => return Err(error),
    };
    // The second field is the program's name in parentheses and may contain anything: count from its end. The state
    // is the 3rd field, the start the 22nd (proc(5)).
    let mut fields = line.rsplit_once(')').map(|(_, rest)| rest.split_whitespace()).into_iter().flatten();
    if matches!(fields.next(), Some("Z" | "X")) {
        return Ok(None);
    }
    match fields.nth(18).map(str::parse) {
        Some(Ok(started)) => Ok(Some(started)),
        _ => Err(io::Error::other(format!("/proc/{pid}/stat has another form than proc(5) says"))),
    }
}

/// This run of the machine and this view of its processes: what the numbers of processes are valid in.
pub(crate) fn boot() -> io::Result<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let view = fs::read_link("/proc/self/ns/pid")?;
    let digits: String = view.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    Ok(format!("{}.{digits}", boot.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_others_do_not() {
        let this = Owner::this().unwrap();
        assert!(this.lives());
        assert_eq!(Owner::parse(&this.to_string()), Some(this));
        assert!(!Owner { started: this.started + 1, ..this }.lives(), "another process with the same number");
        assert!(!Owner { pid: u32::MAX / 2, ..this }.lives());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let gone = Owner { pid: child.id(), started: started(child.id()).unwrap().unwrap_or(1) };
        child.wait().unwrap();
        assert!(!gone.lives());
    }
}
