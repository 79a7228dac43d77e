//! Everybody who takes part.

pub mod local;
pub mod lua;
pub mod podman;
pub mod process;
pub mod quickjs;
pub mod stock;
pub mod vox;
