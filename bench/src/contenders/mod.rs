//! Everybody who takes part.

pub mod child;
pub mod local;
pub mod podman;
pub mod process;
pub mod vox;
