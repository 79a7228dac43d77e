//! Programs for skills, in containers whose limits were measured.
//!
//! ```text
//! Surroundings ─Engine::detect→ Engine ─image::ensure→ Image ─probe→ Proven ─Session::start→ Session ─run→ Finished
//! ```
//!
//! One call of a skill has one session: a container with the granted folders, without network and capabilities, under limits
//! that a probe saw enforced on this machine. Commands run in it one after the other or side by side, each for the
//! cost of a fork. When the session is dropped, or its owner is killed, nothing of it stays.
//!
//! Nothing here reads the environment or the home folder: [`Surroundings`] and paths come from the caller.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod check;
mod engine;
mod fallback;
pub mod gpu;
pub mod image;
mod owner;
mod pool;
mod probe;
mod profile;
mod reap;
mod session;
mod upper;

#[allow(dead_code, reason = "the agent uses the rest")]
#[path = "../agent/wire.rs"]
mod wire;

pub use engine::{Detection, Engine, EngineError, EngineKind, Surroundings};
pub use fallback::Fallback;
pub use image::Image;
pub use pool::Pool;
pub use probe::{ProbeError, Proven, Report, Shortfall, probe};
pub use profile::{Enforcement, Profile, ProfileError};
pub use reap::{Reaped, reap};
pub use session::{
    Access, Command, Finished, Folder, Process, RunError, Session, SessionOptions, StartError, Status, environment,
};
pub use upper::{Change, ChangeKind, ChangesError, changes};
pub use vox_pump::{Cancel, Stream};
