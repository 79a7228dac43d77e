//! How long a call took, for less than the system's clock costs.
//!
//! A call of a kept sandbox takes about an eighth of a microsecond, and asking the system for the time twice would be
//! a quarter of that. Where the system itself reads its clock from the processor's time-stamp counter, calls read the
//! counter, and [`Rate`] says how fast it runs. Everywhere else, and before the rate is known, it is the system's
//! clock. Only what a call reports is measured like this: limits end by the system's clock, see [`super::meter`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Nanoseconds of one turn of the counter, in units of 2^-32; zero while that is not known.
///
/// One for the process: it is a property of the machine.
static RATE: AtomicU64 = AtomicU64::new(0);

/// How long the counter is compared with the clock: a microsecond between the two readings is then a millionth.
const WINDOW: Duration = Duration::from_secs(1);

/// The same for the first time: to know the rate soon is worth more than to know it to more than five digits.
const FIRST: Duration = Duration::from_millis(100);

/// How far apart two readings of the clock may be for the counter between them to belong to both.
const TOGETHER: Duration = Duration::from_micros(1);

/// The beginning of something.
#[derive(Clone, Copy)]
pub(crate) enum Moment {
    /// The counter's reading, where its rate is known.
    Counted(u64),
    Told(Instant),
}

impl Moment {
    pub(crate) fn now() -> Self {
        match RATE.load(Ordering::Relaxed) {
            0 => Self::Told(Instant::now()),
            _ => Self::Counted(counter::read()),
        }
    }

    pub(crate) fn elapsed(self) -> Duration {
        match self {
            Self::Counted(start) => spent(counter::read().saturating_sub(start), RATE.load(Ordering::Relaxed)),
            Self::Told(start) => start.elapsed(),
        }
    }
}

/// What so many turns are, at a rate as in [`RATE`].
fn spent(turns: u64, rate: u64) -> Duration {
    let nanoseconds = (u128::from(turns) * u128::from(rate)) >> 32;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// Measures how fast the counter runs, again and again: a machine that moves to another host changes its rate.
#[derive(Default)]
pub(crate) struct Rate {
    since: Option<(Instant, u64)>,
}

impl Rate {
    /// Looks at both clocks. To be called now and then, by a thread that nobody waits for.
    pub(crate) fn look(&mut self) {
        let window = if RATE.load(Ordering::Relaxed) == 0 { FIRST } else { WINDOW };
        if self.since.is_some_and(|(at, _)| at.elapsed() < window) {
            return;
        }
        if !counter::is_the_systems() {
            RATE.store(0, Ordering::Relaxed);
            self.since = None;
            return;
        }
        let Some((at, count)) = together() else { return };
        if let Some(since) = self.since.replace((at, count))
            && let Some(rate) = rate(at - since.0, count.saturating_sub(since.1))
        {
            RATE.store(rate, Ordering::Relaxed);
        }
    }
}

/// The clock and the counter of one moment; none when the thread was interrupted between them.
fn together() -> Option<(Instant, u64)> {
    let before = Instant::now();
    let count = counter::read();
    (before.elapsed() < TOGETHER).then_some((before, count))
}

/// The rate of a counter that made so many turns; none for one that stands still.
fn rate(took: Duration, turns: u64) -> Option<u64> {
    let rate = (took.as_nanos() << 32).checked_div(u128::from(turns))?;
    u64::try_from(rate).ok()
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod counter {
    /// What the kernel reads its own clock from. It says `tsc` only where the counter runs at one rate on all
    /// processors, and takes that back when it finds otherwise.
    const SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

    pub(super) fn is_the_systems() -> bool {
        std::fs::read_to_string(SOURCE).is_ok_and(|source| source.trim() == "tsc")
    }

    pub(super) fn read() -> u64 {
        // SAFETY: it reads a register that every such processor has. A process may be forbidden to (PR_SET_TSC); in
        // one that is, the system's clock, which reads it in the same process, would have ended it before.
        unsafe { std::arch::x86_64::_rdtsc() }
    }
}

/// No counter that is known to be the system's.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod counter {
    pub(super) fn is_the_systems() -> bool {
        false
    }

    pub(super) fn read() -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_become_time_at_the_measured_rate() {
        // 2.5 turns a nanosecond, as processors of 2.5 GHz have.
        let rate = rate(Duration::from_secs(1), 2_500_000_000).unwrap();
        for (turns, nanoseconds) in
            [(0, 0), (250, 100), (2_500_000_000, 1_000_000_000), (25_000_000_000_000, 10_000_000_000_000)]
        {
            let spent = spent(turns, rate).as_nanos();
            assert!(spent.abs_diff(nanoseconds) <= nanoseconds / 1_000_000_000 + 1, "{turns}: {spent}");
        }
        assert_eq!(spent(u64::MAX, u64::MAX), Duration::from_nanos(u64::MAX));
    }

    #[test]
    fn a_counter_that_stands_still_has_no_rate() {
        assert_eq!(rate(Duration::from_secs(1), 0), None);
        assert_eq!(rate(Duration::MAX, 1), None);
    }

    /// Holds on every machine: with the counter or without it, the two clocks agree.
    #[test]
    fn what_is_counted_is_what_the_clock_says() {
        let mut rate = Rate::default();
        let begin = Instant::now();
        while begin.elapsed() < WINDOW * 3 {
            rate.look();
            std::thread::sleep(Duration::from_millis(10));
        }
        let known = RATE.load(Ordering::Relaxed) != 0;
        assert_eq!(known, counter::is_the_systems(), "three windows are enough to know the rate");
        let (clock, moment) = at_once(Instant::now, Moment::now);
        assert_eq!(matches!(moment, Moment::Counted(_)), known);
        std::thread::sleep(Duration::from_millis(200));
        let (told, counted) = at_once(|| clock.elapsed(), || moment.elapsed());
        assert!(counted.abs_diff(told) < told / 1000 + AT_ONCE * 2, "counted {counted:?}, the clock says {told:?}");
    }

    const AT_ONCE: Duration = Duration::from_micros(100);

    /// Both readings, taken again until nothing came between them.
    fn at_once<A, B>(one: impl Fn() -> A, other: impl Fn() -> B) -> (A, B) {
        loop {
            let before = Instant::now();
            let both = (one(), other());
            if before.elapsed() < AT_ONCE {
                return both;
            }
        }
    }
}
