//! The wasm tier: engine, linking, sandboxes, calls.

mod bytes;
pub(crate) mod code;
pub(crate) mod convert;
pub(crate) mod engine;
pub(crate) mod meter;
pub(crate) mod program;
pub(crate) mod sandbox;
mod trap;
mod typed;
