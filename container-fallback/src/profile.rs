//! How much a container may use, and what holds it to that.

use serde::{Deserialize, Serialize};
use std::fmt;
use vox_model::Limits;

/// What enforces the limits of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// Control groups: the sum over all processes of the container. The strict profile.
    #[default]
    Cgroups,
    /// Resource limits of processes: each process may have the memory, and the processes of the user in all containers are
    /// counted together. Weaker, for systems whose engine cannot use control groups, and only when a person accepted it
    /// by name. [`Finished`](crate::Finished) states it.
    Rlimits,
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cgroups => "cgroups",
            Self::Rlimits => "rlimits",
        })
    }
}

/// The limits of one container. Always armed. What is not a number here is not negotiable: no network, read-only root, no
/// capabilities, no new privileges, the engine's own seccomp filter, no log, no health checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Bytes of memory of all processes together, with what lies in `/tmp`, `/home` and `/dev/shm`. There is no swap.
    pub memory: u64,
    /// Processes and threads at once. One is the agent's.
    pub processes: u32,
    /// Thousandths of a processor.
    pub milli_cpus: u32,
    /// Bytes in `/tmp` and in `/home`, each.
    pub temporary: u64,
    /// Open files of one process.
    pub open_files: u32,
    /// Bytes of the largest file that may be written.
    pub file_size: u64,
    /// What enforces memory and processes.
    pub enforcement: Enforcement,
}

impl Default for Profile {
    /// Enough for `git`, `node` and Python over a repository of ordinary size, and little enough to run several.
    fn default() -> Self {
        Self {
            memory: 512 << 20,
            processes: 128,
            milli_cpus: 1000,
            temporary: 64 << 20,
            open_files: 1024,
            file_size: 256 << 20,
            enforcement: Enforcement::Cgroups,
        }
    }
}

/// A number that no engine can arm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit of a container on {what} is {given}, and lies between {least} and {most}")]
pub struct ProfileError {
    what: &'static str,
    given: u64,
    least: u64,
    most: u64,
}

/// Below this, runtimes themselves do not fit: Docker refuses less than 6 MiB, runc needs some more while it starts.
pub(crate) const LEAST_MEMORY: u64 = 16 << 20;

impl Profile {
    /// The default with the memory of a call, where that is more than a container needs to start.
    pub fn of(limits: &Limits) -> Self {
        Self { memory: limits.memory.max(LEAST_MEMORY), ..Self::default() }
    }

    /// Checks the numbers against what engines and kernels take.
    pub(crate) fn check(&self) -> Result<(), ProfileError> {
        let rows = [
            ("memory", self.memory, LEAST_MEMORY, 1 << 40),
            ("processes", self.processes.into(), 4, 4096),
            ("thousandths of a processor", self.milli_cpus.into(), 10, 1_000_000),
            ("temporary files", self.temporary, 4096, 1 << 40),
            ("open files", self.open_files.into(), 16, 1 << 16),
            ("the size of a file", self.file_size, 4096, 1 << 40),
        ];
        match rows.into_iter().find(|(_, given, least, most)| !(least..=most).contains(&given)) {
            Some((what, given, least, most)) => Err(ProfileError { what, given, least, most }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_never_nothing_and_never_without_end() {
        assert_eq!(Profile::default().check(), Ok(()));
        assert_eq!(Profile::of(&Limits::default()).check(), Ok(()));
        for bad in [
            Profile { memory: 0, ..Profile::default() },
            Profile { memory: u64::MAX, ..Profile::default() },
            Profile { processes: 0, ..Profile::default() },
            Profile { milli_cpus: 0, ..Profile::default() },
            Profile { temporary: 0, ..Profile::default() },
            Profile { open_files: 0, ..Profile::default() },
            Profile { file_size: 0, ..Profile::default() },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
