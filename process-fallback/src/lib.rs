//! Programs for skills that a person trusts, in confined processes of this machine.
//!
//! ```text
//! Trusted ─probe→ offered ─start→ launcher ─unshare→ init ─root, limits, Landlock, seccomp→ commands
//! ```
//!
//! One call of a skill has one session: an init process in name spaces of its own, with a private root made of the
//! system's folders, read-only, and the granted folders. It does what the agent does in a container, behind the same
//! traits of [`vox_model::programs`]. The set-up happens in this program started again ([`launch`]), because a process
//! with threads must not do between `fork` and `exec` what is done here.
//!
//! Nothing here reads the environment or the home folder, and nothing is left on disk.
#![deny(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod command;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod elsewhere;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod launch;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod limits;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod probe;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod session;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod trusted;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod wire;

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub use elsewhere::{Trusted, launch};
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use launch::launch;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use limits::{FILE_SIZE, OPEN_FILES, PROCESSES, TEMPORARY};
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use trusted::Trusted;
