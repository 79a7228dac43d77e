//! Killed before any call that changes the disk.

use crate::approve::Approve;
use crate::campaign::{Campaign, Subject};
use crate::subjects::{Compile, Grant, Keep};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vox_tests::luck::Luck;
use vox_tests::needs::{scale, seed};
use vox_tests::program::{Place, Ran};
use vox_tests::strace::Strike;
use vox_tests::{need, places};

/// Longer than an undisturbed command takes on a machine with nothing else to do.
const WHOLE: Duration = Duration::from_millis(60);

/// Kills at some of the calls that change something, and says how many there are.
fn killed(subject: &impl Subject, few: usize, at_least: usize) {
    let Some(campaign) = Campaign::new(subject) else { return };
    let points: Vec<_> = campaign.changing().into_iter().map(|call| (call, Strike::Kill)).collect();
    assert!(points.len() >= at_least, "only {} calls that change anything: {points:#?}", points.len());
    campaign.strike(&points, few, seed());
}

#[test]
fn an_approval_that_is_killed_is_old_or_new() {
    killed(&Approve::default(), 10, 300);
}

#[test]
fn a_grant_that_is_killed_is_given_or_not() {
    need!("the guest `store`", places::guest("store"));
    killed(&Grant::default(), 5, 4);
}

#[test]
fn a_value_that_is_killed_is_kept_or_not() {
    need!("the guest `store`", places::guest("store"));
    killed(&Keep::new(true), 5, 20);
}

#[test]
fn a_first_value_that_is_killed_is_kept_or_not() {
    need!("the guest `store`", places::guest("store"));
    killed(&Keep::new(false), 5, 20);
}

#[test]
fn an_entry_of_the_cache_that_is_killed_is_there_or_not() {
    killed(&Compile::default(), 5, 10);
}

/// Kills while other threads take all processors: calls of the system come apart from each other then.
fn killed_under_load(subject: &impl Subject, few: u64) {
    need!("vox", Place::new());
    let (idle, seed) = (AtomicBool::new(false), seed());
    let (mut luck, mut killed, mut whole) = (Luck::of(seed), 0, WHOLE);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while !idle.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        // A failure of a round ends the load too.
        let _ends = Ends(&idle);
        for round in 0..few * scale() {
            let place = subject.ready();
            let wait = Duration::from_micros(luck.below(whole.as_micros() as usize) as u64);
            let what = format!("{:?} killed after {wait:?}, round {round}, VOX_TEST_SEED={seed}", subject.words());
            let mut command = place.vox(subject.words());
            let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
            let mut child = child.unwrap_or_else(|error| panic!("{what}: {error}"));
            std::thread::sleep(wait);
            child.kill().unwrap_or_else(|error| panic!("{what}: {error}"));
            let ended = child.wait_with_output().unwrap_or_else(|error| panic!("{what}: {error}"));
            let ran = Ran::from(ended);
            // How long a command takes differs between machines: most rounds are to be kills, at any moment of it.
            whole = match ran.code {
                None => (whole * 5 / 4).min(WHOLE),
                Some(_) => (whole / 2).max(Duration::from_millis(1)),
            };
            killed += u32::from(ran.code.is_none());
            subject.settle(&place, &ran, &what);
        }
    });
    assert!(killed > 0, "{:?}: each had ended before it was killed", subject.words());
}

struct Ends<'l>(&'l AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn approvals_that_are_killed_at_any_moment_under_load_are_old_or_new() {
    killed_under_load(&Approve::default(), 10);
}

#[test]
fn values_that_are_killed_at_any_moment_under_load_are_kept_or_not() {
    need!("the guest `store`", places::guest("store"));
    killed_under_load(&Keep::new(true), 10);
}
