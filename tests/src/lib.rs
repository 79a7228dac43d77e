//! What the tests of vox share: the program under test, guests, fixtures, luck, and a way to say what is missing.
//!
//! `README.md` says which test goes where.

pub mod child;
pub mod fixtures;
pub mod luck;
pub mod needs;
pub mod places;
pub mod processes;
pub mod program;
pub mod server;
pub mod skills;
pub mod strace;
pub mod tiers;
pub mod transcript;
pub mod wait;
pub mod witness;

pub use needs::need;
