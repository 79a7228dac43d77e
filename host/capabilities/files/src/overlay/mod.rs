//! Writes that are staged: the folder stays as it is, and what a guest makes of it lies in a private upper folder.
//!
//! Nothing is copied in advance. Reads come from the folder, the first write to a file copies that one file up, and
//! removals and links are records in memory. So a folder of any size costs what is touched of it.

mod core;
mod layer;
mod net;
mod object;
mod session;
mod shared;
mod staged;
mod state;

pub(crate) use self::core::Core;
pub(crate) use shared::Plain;
pub use staged::Staged;
pub(crate) use staged::{Draft, IN_USE, UPPER, open_upper};
