//! Clocks for skills: what stands behind `wasi:clocks`.
//!
//! The interfaces are always linked, because language runtimes import them. Without a grant the clocks stand still;
//! with one they go in steps of a millisecond, or as finely as the machine's own.

mod frozen;
mod grant;
mod live;

pub use frozen::Frozen;
pub use grant::{Grant, Precision, Request, UnknownPrecision};
pub use live::{Monotonic, Wall};

use wasmtime::component::Linker;
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};

/// Links `wasi:clocks/wall-clock` and `wasi:clocks/monotonic-clock`. Which clocks stand behind them is decided where
/// the context of a call is built: `WasiCtxBuilder::wall_clock` with [`Wall`], `monotonic_clock` with [`Monotonic`].
///
/// # Errors
/// An interface was linked already.
pub fn add_to_linker<T: WasiClocksView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wall_clock::add_to_linker::<T, WasiClocks>(linker, T::clocks)?;
    monotonic_clock::add_to_linker::<T, WasiClocks>(linker, T::clocks)
}
