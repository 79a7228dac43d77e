//! The components that ship inside vox, and composition of components.
//!
//! - [`Bundle`]: the utility components, embedded in this crate or read from a folder.
//! - [`compose`]: several components into one ([`compose::merge`]), and parts into a skill that imports them
//!   ([`compose::link`]).
//! - [`manifest`]: the file that describes a bundle.

pub mod compose;
mod embedded;
mod library;
pub mod manifest;
mod strip;

pub use embedded::{Bundle, LoadError, Packed, Part, UnpackError};
pub use library::Linkable;
