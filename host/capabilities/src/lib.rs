//! What skills can ask for, and the host side that answers.
//!
//! Every capability is a crate in a folder beside this one: its grant, its section of the manifest, its host side on a
//! view that sees nothing else. This crate joins them: [`Granted`] and [`manifest`] are made from the one list in
//! `granted`; [`table`] says which import leads to which need; [`CallData`] is what the store of a call holds and
//! [`link`] gives it to the engine; [`base`] is the host side of base WASI: the interfaces that language runtimes import
//! whether they use them or not, linked without effect.

pub mod base;
mod call;
mod granted;
pub mod manifest;
mod needs;
mod services;
pub mod table;

pub use call::{CallData, Finished, Setup, SetupError, link, runs_programs};
pub use granted::{Granted, Requests};
pub use needs::{by_programs, flag, free, requirements, worlds};
pub use services::Services;

// The types that embedders meet in grants and services.
pub use {
    vox_cap_clock as clock, vox_cap_config as config, vox_cap_files as files, vox_cap_http as http, vox_cap_kv as kv,
    vox_cap_log as log, vox_cap_random as random, vox_cap_subprocess as subprocess, vox_cap_subprocess::gpu,
};
