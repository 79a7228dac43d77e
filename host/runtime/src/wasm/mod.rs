//! The wasm tier: engine, linking, sandboxes, calls.

mod bytes;
mod clock;
pub(crate) mod code;
pub(crate) mod convert;
pub(crate) mod engine;
pub(crate) mod ground;
pub(crate) mod lent;
pub(crate) mod meter;
pub(crate) mod program;
pub(crate) mod reactor;
pub(crate) mod sandbox;
pub(crate) mod served;
mod trap;
mod typed;
pub(crate) mod waiting;
