//! Waiting for what comes by itself.

use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// Waits until something is so.
///
/// # Panics
/// It does not come to be so, within a minute; says `what`.
pub fn settles(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < SOON, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
