//! From a component to machine code, in a process that may die of it.
//!
//! Compiling hostile code can take unbounded time and memory; upstream does not count that as a fault. So it
//! happens in a child of this process with hard limits, and whatever kills the child rejects one skill.

#[cfg(feature = "compiler")]
mod child;
mod parent;

#[cfg(feature = "compiler")]
pub use child::compile_child;
pub use parent::{CompileError, CompileLimits, Compiler};
