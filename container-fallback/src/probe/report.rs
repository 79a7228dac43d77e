//! What a container says of itself, and what is missing in it.

use crate::profile::Enforcement;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the agent measured from within. Absent where the report did not say: nothing is taken for granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What became of a process that took twice the memory: `killed`, `refused`, `survived`.
    pub memory: Option<String>,
    /// How many processes could be made before the system refused; none when it never did.
    pub processes: Option<u32>,
    /// Network interfaces.
    pub interfaces: Vec<String>,
    /// Addresses that a connection could be tried to.
    pub reached: Vec<String>,
    /// How many addresses were tried.
    pub tried: usize,
    /// Files of the container's own system that could be opened for writing: `root`, `hosts`, `kernel`, `agent`.
    pub writable: Vec<String>,
    /// How many files were tried.
    pub opened: usize,
    /// The effective, permitted and bounding capabilities, together.
    pub capabilities: Option<u64>,
    /// Whether programs can get more privileges than they have.
    pub no_new_privileges: Option<bool>,
    /// The mode of seccomp; 2 is a filter.
    pub seccomp: Option<u32>,
    /// Whether the report has its last line.
    pub complete: bool,
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shortfall {
    /// A process got more memory than it may have.
    Memory,
    /// More processes could be made than there may be.
    Processes,
    /// There is a network: the interface or the address.
    Network(String),
    /// A file of the container's own system can be written.
    Writable(String),
    /// The container has capabilities, as a bit set.
    Capabilities(u64),
    /// Programs can get more privileges.
    NewPrivileges,
    /// There is no filter of system calls.
    Seccomp,
    /// The measurement came to no end, or left something out.
    Incomplete,
}

impl Shortfall {
    /// Whether control groups are what would hold it.
    pub fn by_cgroups(&self) -> bool {
        matches!(self, Self::Memory | Self::Processes)
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory: a process took twice what it may have, and was not stopped"),
            Self::Processes => f.write_str("processes: more could be made than there may be"),
            Self::Network(place) => write!(f, "network: {place} is there"),
            Self::Writable(what) => write!(f, "root: {what} can be written"),
            Self::Capabilities(bits) => write!(f, "capabilities: {bits:#x} are left"),
            Self::NewPrivileges => f.write_str("privileges: programs can get new ones"),
            Self::Seccomp => f.write_str("seccomp: system calls are not filtered"),
            Self::Incomplete => f.write_str("the measurement came to no end"),
        }
    }
}

/// Errors of `connect` that say that nothing left the container (errno(3)): EPERM, EACCES, EAFNOSUPPORT, ENETDOWN, ENETUNREACH,
/// EHOSTUNREACH.
const NOT_REACHED: [u32; 6] = [1, 13, 97, 100, 101, 113];

impl Report {
    /// Reads what the agent wrote. The text comes out of a container: whatever it is, the answer is a report.
    pub(super) fn read(text: &str) -> Self {
        let mut report = Self::default();
        for line in text.lines() {
            report.line(line);
        }
        report
    }

    fn line(&mut self, line: &str) {
        if let Some(measured) = line.strip_prefix('#') {
            return self.measured(measured);
        }
        let Some((name, value)) = line.split_once(':') else { return };
        let (name, value) = (name.trim(), value.trim());
        match name {
            "CapEff" | "CapPrm" | "CapBnd" | "CapInh" | "CapAmb" => {
                if let Ok(bits) = u64::from_str_radix(value, 16) {
                    self.capabilities = Some(self.capabilities.unwrap_or(0) | bits);
                }
            }
            "NoNewPrivs" => self.no_new_privileges = Some(value == "1"),
            "Seccomp" => self.seccomp = value.parse().ok(),
            // A row of /proc/net/dev: sixteen counters after the name.
            _ if value.split_whitespace().filter(|word| word.parse::<u64>().is_ok()).count() == 16 => {
                self.interfaces.push(name.to_owned());
            }
            _ => {}
        }
    }

    fn measured(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["connect", place, error] => {
                self.tried += 1;
                if !error.parse().is_ok_and(|error: u32| NOT_REACHED.contains(&error)) {
                    self.reached.push(place.to_owned());
                }
            }
            [what @ ("root" | "hosts" | "kernel" | "agent"), error] => {
                self.opened += 1;
                if !error.parse().is_ok_and(|error: u32| error != 0) {
                    self.writable.push(what.to_owned());
                }
            }
            ["processes", count, error] => {
                let stopped = error.parse().is_ok_and(|error: u32| error != 0);
                self.processes = count.parse().ok().filter(|_| stopped);
            }
            ["memory", how] => self.memory = Some(how.to_owned()),
            ["end"] => self.complete = true,
            _ => {}
        }
    }

    /// What does not hold under this profile, in a container that may have `processes`.
    pub(super) fn missing(&self, enforcement: Enforcement, processes: u32) -> Vec<Shortfall> {
        let mut missing = Vec::new();
        if !self.complete || self.tried == 0 || self.opened < 4 || self.interfaces.is_empty() {
            missing.push(Shortfall::Incomplete);
        }
        let held = match enforcement {
            Enforcement::Cgroups => self.memory.as_deref() == Some("killed"),
            Enforcement::Rlimits => self.memory.as_deref() == Some("refused"),
        };
        if !held {
            missing.push(Shortfall::Memory);
        }
        if self.processes.is_none_or(|count| count > processes) {
            missing.push(Shortfall::Processes);
        }
        missing.extend(self.interfaces.iter().filter(|name| *name != "lo").cloned().map(Shortfall::Network));
        missing.extend(self.reached.iter().cloned().map(Shortfall::Network));
        missing.extend(self.writable.iter().cloned().map(Shortfall::Writable));
        if self.capabilities != Some(0) {
            missing.push(Shortfall::Capabilities(self.capabilities.unwrap_or(u64::MAX)));
        }
        if self.no_new_privileges != Some(true) {
            missing.push(Shortfall::NewPrivileges);
        }
        if self.seccomp != Some(2) {
            missing.push(Shortfall::Seccomp);
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Name:\tagent\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n\
        CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n\
        Inter-|   Receive                                                |  Transmit\n\
        \u{20}face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n\
        \u{20}   lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n\
        #connect 169.254.169.254:80 101\n#root 30\n#hosts 30\n#kernel 30\n#agent 30\n#processes 21 11\n#memory killed\n#end\n";

    fn missing(from: &str, to: &str) -> Vec<Shortfall> {
        assert!(GOOD.contains(from), "{from}");
        Report::read(&GOOD.replace(from, to)).missing(Enforcement::Cgroups, 24)
    }

    #[test]
    fn each_thing_that_does_not_hold_is_named() {
        assert_eq!(missing("lo", "lo"), []);
        assert_eq!(missing("memory killed", "memory survived"), [Shortfall::Memory]);
        assert_eq!(missing("memory killed", "memory refused"), [Shortfall::Memory]);
        assert_eq!(missing("#memory killed\n", ""), [Shortfall::Memory]);
        assert_eq!(missing("processes 21 11", "processes 200 0"), [Shortfall::Processes]);
        assert_eq!(missing("processes 21 11", "processes 199 11"), [Shortfall::Processes]);
        assert_eq!(missing("    lo:", "  eth0:"), [Shortfall::Network("eth0".to_owned())]);
        assert_eq!(missing(":80 101", ":80 115"), [Shortfall::Network("169.254.169.254:80".to_owned())]);
        assert_eq!(missing(":80 101", ":80 111"), [Shortfall::Network("169.254.169.254:80".to_owned())]);
        assert_eq!(missing("root 30", "root 0"), [Shortfall::Writable("root".to_owned())]);
        assert_eq!(missing("CapEff:\t0000000000000000", "CapEff:\t0000000000000400"), [Shortfall::Capabilities(0x400)]);
        assert_eq!(missing("NoNewPrivs:\t1", "NoNewPrivs:\t0"), [Shortfall::NewPrivileges]);
        assert_eq!(missing("Seccomp:\t2", "Seccomp:\t0"), [Shortfall::Seccomp]);
        assert_eq!(missing("#end\n", ""), [Shortfall::Incomplete]);
    }

    #[test]
    fn an_empty_report_holds_nothing() {
        let missing = Report::read("").missing(Enforcement::Cgroups, 24);
        assert_eq!(missing.len(), 6, "{missing:?}");
    }

    #[test]
    fn the_weaker_profile_wants_memory_refused() {
        let report = Report::read(&GOOD.replace("killed", "refused"));
        assert_eq!(report.missing(Enforcement::Rlimits, 24), []);
        assert_eq!(Report::read(GOOD).missing(Enforcement::Rlimits, 24), [Shortfall::Memory]);
    }
}
