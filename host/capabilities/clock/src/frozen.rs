//! Clocks that stand still.

use std::time::Duration;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

/// Clocks that stand still at their origin, so that a skill without the grant `clock` can measure nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frozen;

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1_000_000
    }
    fn now(&self) -> u64 {
        0
    }
}
