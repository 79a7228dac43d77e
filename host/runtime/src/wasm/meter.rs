//! What a call has used and may still use. One meter for each sandbox, one budget for all its memories.

use super::clock::Moment;
use super::engine::TICK;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use vox_model::{Limit, Limits};
use wasmtime::{ResourceLimiter, UpdateDeadline};

/// Bytes of all tables of a sandbox together (`docs/limits.md`).
pub(crate) const TABLES: usize = 1 << 20;

/// Core instances of one sandbox. Components of Rust make about four, those of componentize-py with stubs 38.
pub(crate) const INSTANCES: usize = 64;

/// Memories and tables of one sandbox: what real tools make, times four.
pub(crate) const MEMORIES: usize = 8;
pub(crate) const TABLE_COUNT: usize = 16;

/// Component handles of one sandbox.
pub(crate) const HANDLES: usize = 1024;

/// Ends calls from another thread.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Cancelled>);

#[derive(Debug, Default)]
struct Cancelled {
    flag: AtomicBool,
    /// Wakes calls that wait inside the host, where no epoch reaches them.
    wake: Notify,
}

impl Cancel {
    /// Ends the calls that were given this handle, within two ticks of the ticker.
    pub fn cancel(&self) {
        self.0.flag.store(true, Ordering::SeqCst);
        self.0.wake.notify_waiters();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.flag.load(Ordering::SeqCst)
    }

    /// Waits until somebody cancels.
    pub(crate) async fn cancelled(&self) {
        // Listening comes first: a cancel between the look at the flag and the waiting would be missed.
        let woken = self.0.wake.notified();
        if !self.is_cancelled() {
            woken.await;
        }
    }
}

/// Why a meter stopped a call; carried through the engine as an error and found again behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("out of wall-clock time")]
    Time,
    #[error("out of CPU time")]
    Cpu,
    #[error("cancelled")]
    Cancelled,
}

/// The meter of one sandbox.
pub(crate) struct Meter {
    limits: Limits,
    started: Moment,
    /// When the call is over, once somebody asks: most calls have ended before anybody does.
    until: Option<Instant>,
    ticks: u32,
    cancel: Option<Cancel>,
    memory: u64,
    tables: usize,
    /// What the last growth added: taken back when the engine could not carry it out.
    added: (u64, usize),
    /// The limit that a growth was refused for, if one was: a guest that aborts over it hit that limit.
    refused: Option<Limit>,
}

impl Meter {
    pub(crate) fn new(limits: Limits, cancel: Option<Cancel>) -> Self {
        Self {
            limits,
            started: Moment::now(),
            until: None,
            ticks: 0,
            cancel,
            memory: 0,
            tables: 0,
            added: (0, 0),
            refused: None,
        }
    }

    /// Starts the time of the next call of a kept sandbox; memory stays counted.
    pub(crate) fn restart(&mut self) {
        self.started = Moment::now();
        self.until = None;
        self.ticks = 0;
        self.refused = None;
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// When the call is over at the latest.
    pub(crate) fn until(&mut self) -> Instant {
        *self.until.get_or_insert_with(|| {
            let now = Instant::now();
            now.checked_add(self.limits.time.saturating_sub(self.started.elapsed())).unwrap_or(now)
        })
    }

    /// Bytes of all memories; they never shrink while the sandbox lives.
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }

    pub(crate) fn refused(&self) -> Option<Limit> {
        self.refused
    }

    /// One tick of the ticker fell on the guest.
    pub(crate) fn tick(&mut self) -> Result<(), Stop> {
        if self.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            return Err(Stop::Cancelled);
        }
        self.ticks = self.ticks.saturating_add(1);
        if Instant::now() >= self.until() {
            return Err(Stop::Time);
        }
        if TICK.saturating_mul(self.ticks) > self.limits.cpu {
            return Err(Stop::Cpu);
        }
        Ok(())
    }

    /// The answer to the engine when the epoch moved on.
    pub(crate) fn on_epoch(&mut self, go_on: UpdateDeadline) -> wasmtime::Result<UpdateDeadline> {
        self.tick().map(|()| go_on).map_err(wasmtime::Error::new)
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        let fits = self.memory.checked_add(more).is_some_and(|sum| sum <= self.limits.memory);
        if fits {
            self.memory += more;
            self.added.0 = more;
        } else {
            self.refused = Some(Limit::Memory);
        }
        Ok(fits)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current).saturating_mul(size_of::<usize>());
        let fits = self.tables.checked_add(more).is_some_and(|sum| sum <= TABLES);
        if fits {
            self.tables += more;
            self.added.1 = more;
        } else {
            self.refused = Some(Limit::Handles);
        }
        Ok(fits)
    }

    /// Beyond the memory's own maximum, or the system has no more: what was granted was not used.
    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory -= std::mem::take(&mut self.added.0);
        Ok(())
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.tables -= std::mem::take(&mut self.added.1);
        Ok(())
    }

    fn instances(&self) -> usize {
        INSTANCES
    }
    fn memories(&self) -> usize {
        MEMORIES
    }
    fn tables(&self) -> usize {
        TABLE_COUNT
    }
}
