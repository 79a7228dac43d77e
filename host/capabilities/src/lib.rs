//! What skills can ask for, and the host side that answers.
//!
//! [`table`] says which import leads to which need; it is the only such list. [`base`] is the host side of base
//! WASI: the interfaces that language runtimes import whether they use them or not, linked without effect.

pub mod base;
mod needs;
pub mod table;

pub use needs::{requirements, served, worlds};
