//! How busy the machine is while something is timed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A thread that only wants to be woken every millisecond: how late it was woken at worst is what a busy machine, and
/// not vox, made of a deadline.
pub struct Witness {
    done: Arc<AtomicBool>,
    worst: JoinHandle<Duration>,
}

impl Witness {
    /// Starts to watch.
    pub fn start() -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let seen = done.clone();
        let worst = std::thread::spawn(move || {
            let (mut worst, step) = (Duration::ZERO, Duration::from_millis(1));
            while !seen.load(Ordering::Relaxed) {
                let slept = Instant::now();
                std::thread::sleep(step);
                worst = worst.max(slept.elapsed().saturating_sub(step));
            }
            worst
        });
        Self { done, worst }
    }

    /// How long the machine stalled at worst meanwhile.
    pub fn stop(self) -> Duration {
        self.done.store(true, Ordering::Relaxed);
        self.worst.join().unwrap_or_default()
    }
}
