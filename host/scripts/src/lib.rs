//! Agent Skills from strangers: a folder with a `SKILL.md` and scripts. Read, checked and routed here; nothing runs.
//!
//! ```text
//! folder ─Tree::read→ Tree ─Front::read→ front matter, violations
//!                       └─scripts→ Script (kind, tier, reason, what it seems to want) ─manifest→ text of a skill.toml
//! ```
//!
//! Everything here is total on hostile input: folders are read through descriptors that follow no link and wait for no
//! pipe, within fixed limits; scripts are read as text and never run. What reading finds is a hint and says so.
//!
//! The format is that of the Agent Skills specification (agentskills.io) and its reference validator.

mod front;
mod javascript;
mod manifest;
mod python;
mod route;
mod shell;
mod tree;
mod wants;

pub use front::{Front, Violation};
pub use manifest::manifest;
pub use route::{Kind, Modules, Script, script, scripts};
pub use tree::{Entry, MAX_BYTES, MAX_DEPTH, MAX_FILES, Tree, TreeError};
pub use wants::{Found, Wants};

/// The file that makes a folder an Agent Skill.
pub const SKILL_MD: &str = "SKILL.md";

/// The folder that scripts are looked for in, as the specification has it.
pub const FOLDER: &str = "scripts";

/// Where scripts see their own skill folder, read-only.
pub const SEAT: &str = "/skill";
