//! Everybody who takes part.

pub mod child;
pub mod client;
pub mod egress;
pub mod grants;
pub mod local;
pub mod podman;
pub mod process;
pub mod session;
pub mod trusted;
pub mod vox;
