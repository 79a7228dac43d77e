//! The self-check: whether the limits hold on this machine, measured and not assumed.

mod checks;
mod system;

pub use checks::{Check, State, check};
pub(crate) use system::page_scan_is_sound;
