//! Clocks that go.

use crate::grant::{Grant, Precision};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use vox_model::{CallScope, Capability, Effect, Verdict};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

/// Nanoseconds of a coarse step. Steps of a millisecond are what the security reference allows skills by default.
const STEP: u64 = 1_000_000;

/// Bits of the random origin of the monotonic clock: about three days, so that it overflows in no call.
const ORIGIN_BITS: u32 = 48;

/// The wall clock of one call. Stands still without a grant, and never goes back, even when the machine's does.
pub struct Wall(Option<Dial>);

/// The monotonic clock of one call. Stands still without a grant. Its origin is random, so that it tells neither how
/// long the machine has been up nor how the clocks of two calls relate.
pub struct Monotonic {
    dial: Option<Dial>,
    started: Instant,
    origin: u64,
}

impl Wall {
    /// The wall clock of a fresh call.
    pub fn new(grant: &Grant, scope: &CallScope) -> Self {
        Self(Dial::new(grant, scope, "wall clock"))
    }
}

impl Monotonic {
    /// The monotonic clock of a fresh call.
    pub fn new(grant: &Grant, scope: &CallScope) -> Self {
        let dial = Dial::new(grant, scope, "monotonic clock");
        // Frozen clocks need no origin, and calls that are never shown the time should not wait for one.
        // Without randomness the origin is the start of the call, which tells nothing about the machine either.
        let random = dial.as_ref().map_or(0, |_| getrandom::u64().unwrap_or(0));
        Self { dial, started: Instant::now(), origin: random >> (u64::BITS - ORIGIN_BITS) }
    }
}

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(self.0.as_ref().map_or(STEP, Dial::step))
    }

    fn now(&self) -> Duration {
        let real = || {
            // A machine that believes to be before 1970 is shown at 1970, after 2554 at 2554.
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
        };
        Duration::from_nanos(self.0.as_ref().map_or(0, |dial| dial.show(real)))
    }
}

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        self.dial.as_ref().map_or(STEP, Dial::step)
    }

    fn now(&self) -> u64 {
        let real = || {
            let passed = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.origin.saturating_add(passed)
        };
        self.dial.as_ref().map_or(0, |dial| dial.show(real))
    }
}

/// What a skill sees of a clock that it was granted.
struct Dial {
    precision: Precision,
    scope: CallScope,
    name: &'static str,
    /// What was shown last, in nanoseconds: the clock never shows less, and this is where it stops when it is taken
    /// back.
    last: AtomicU64,
    read: AtomicBool,
    stopped: AtomicBool,
}

impl Dial {
    fn new(grant: &Grant, scope: &CallScope, name: &'static str) -> Option<Self> {
        let (last, read, stopped) = (AtomicU64::new(0), AtomicBool::new(false), AtomicBool::new(false));
        Some(Self { precision: grant.precision?, scope: scope.clone(), name, last, read, stopped })
    }

    /// Nanoseconds between two times that can be shown.
    fn step(&self) -> u64 {
        match self.precision {
            Precision::Coarse => STEP,
            Precision::Fine => 1,
        }
    }

    fn show(&self, real: impl FnOnce() -> u64) -> u64 {
        if !self.allowed() {
            return self.last.load(Ordering::Relaxed);
        }
        let now = real();
        let shown = now - now % self.step();
        self.last.fetch_max(shown, Ordering::Relaxed).max(shown)
    }

    /// Whether the clock was not taken back. The first read is taken down and the first refusal: runtimes read clocks
    /// all the time.
    fn allowed(&self) -> bool {
        if self.stopped.load(Ordering::Relaxed) {
            return false;
        }
        if !self.scope.allows(Capability::Clock, "read", self.name) {
            self.stopped.store(true, Ordering::Relaxed);
            return false;
        }
        if !self.read.swap(true, Ordering::Relaxed) {
            self.scope.recorder.record(Effect {
                capability: Capability::Clock,
                action: "read".to_owned(),
                target: self.name.to_owned(),
                verdict: Verdict::Allowed,
                rule: self.precision.flag().to_owned(),
                received: 0,
                sent: 0,
            });
        }
        true
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
