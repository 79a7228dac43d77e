//! What vox writes to disk, struck at every system call: killed, failed, on a full disk, without descriptors. After each
//! stroke the next command finds everything wholly old or wholly new, and nothing that was acknowledged is missing.
//!
//! Small in every run and whole with `VOX_TEST_SCALE=100` or more: a failure names the call it was struck at.
#![allow(clippy::print_stderr, reason = "a campaign says how much it did")]

mod approve;
mod campaign;
mod fault;
mod full;
mod kill;
mod order;
mod subjects;
mod tree;
