//! How busy the machine is while something is timed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A thread that only wants to be woken every millisecond: how late it was woken at worst is what a busy machine, and
/// not vox, made of a deadline. What a virtual machine's host gave to others counts besides, because it may have been the
/// processor of the call and not that of the thread.
pub struct Witness {
    done: Arc<AtomicBool>,
    stolen: Duration,
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
        Self { done, stolen: stolen(), worst }
    }

    /// How long the machine stalled at worst meanwhile.
    pub fn stop(self) -> Duration {
        self.done.store(true, Ordering::Relaxed);
        self.worst.join().unwrap_or_default() + stolen().saturating_sub(self.stolen)
    }
}

/// What the host of a virtual machine has kept from all its processors so far: the eighth number of `/proc/stat`, in
/// hundredths of a second (proc_stat(5)). Nothing on other systems.
fn stolen() -> Duration {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = stat.lines().next().and_then(|all| all.split_whitespace().nth(8)?.parse().ok());
    Duration::from_millis(10) * ticks.unwrap_or(0)
}
