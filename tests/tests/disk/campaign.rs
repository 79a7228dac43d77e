//! One command, struck again and again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use vox_tests::luck::Luck;
use vox_tests::needs::scale;
use vox_tests::program::{Place, Ran};
use vox_tests::strace::{self, Call, Strike};

/// A command that writes, and what must hold whatever happens to it.
pub trait Subject {
    /// A place in which everything is ready for the command.
    fn ready(&self) -> Place;
    /// The command.
    fn words(&self) -> &[&str];
    /// Exit codes that it may have when a call fails.
    fn codes(&self) -> &[i32];
    /// Checks with the next commands that all is old or all is new, that it is new where `ran` said so, that nothing
    /// temporary is left, and that the command works when it is given again.
    ///
    /// # Panics
    /// One of that does not hold.
    fn settle(&self, place: &Place, ran: &Ran, what: &str);
}

/// A subject whose calls are known.
pub struct Campaign<'s, S> {
    subject: &'s S,
    strace: PathBuf,
    calls: Vec<Call>,
}

impl<'s, S: Subject> Campaign<'s, S> {
    /// Traces the command once, undisturbed. None when there is no strace.
    pub fn new(subject: &'s S) -> Option<Self> {
        let strace = vox_tests::need("strace", strace::strace())?;
        let place = subject.ready();
        let (ran, calls) = strace::traced(&strace, &place, subject.words());
        assert_eq!(ran.code, Some(0), "{:?} undisturbed: {}{}", subject.words(), ran.stdout, ran.stderr);
        subject.settle(&place, &ran, "undisturbed");
        let ours: Vec<&Call> = calls.iter().filter(|call| call.concerns(place.root())).collect();
        let met = |call: &Call| {
            call.main || {
                let first = calls.iter().find(|other| (&other.name, other.number) == (&call.name, call.number));
                first.is_some_and(|first| first.thread == call.thread)
            }
        };
        let (calls, hidden): (Vec<Call>, Vec<Call>) = ours.into_iter().cloned().partition(met);
        if !hidden.is_empty() {
            eprintln!(
                "{:?}: {} calls of other threads cannot be told apart and are left out",
                subject.words(),
                hidden.len()
            );
        }
        Some(Self { subject, strace, calls })
    }

    /// Calls that change what is on the disk: only there does a kill find the disk in another state than before.
    pub fn changing(&self) -> Vec<Call> {
        self.calls.iter().filter(|call| call.changes()).cloned().collect()
    }

    /// All calls on files.
    pub fn all(&self) -> Vec<Call> {
        self.calls.clone()
    }

    /// Strikes at some of these points, `few` for each step of `VOX_TEST_SCALE`, and checks what is left each time.
    pub fn strike(&self, points: &[(Call, Strike)], few: usize, seed: u64) {
        let count = few.saturating_mul(usize::try_from(scale()).unwrap_or(usize::MAX));
        let chosen = sample(points, count, seed);
        let mut missed = Vec::new();
        let mut codes: BTreeMap<Option<i32>, usize> = BTreeMap::new();
        for (call, strike) in &chosen {
            let what =
                format!("{:?}, {strike:?} at {} {}: {}", self.subject.words(), call.name, call.number, call.text);
            let place = self.subject.ready();
            let Some(ran) = strace::struck(&self.strace, &place, self.subject.words(), call, *strike) else {
                missed.push(what);
                continue;
            };
            *codes.entry(ran.code).or_default() += 1;
            self.said(&ran, *strike, &what);
            self.subject.settle(&place, &ran, &what);
        }
        eprintln!(
            "{:?}: struck at {} of {} points (seed {seed}), {} not met; exit codes {codes:?}",
            self.subject.words(),
            chosen.len() - missed.len(),
            points.len(),
            missed.len()
        );
        // Threads may come to a call in another order than before; most of the time they do not. A tenth of a small sample
        // is no call at all, so two are let pass there.
        assert!(missed.len() * 10 <= chosen.len().max(20), "{} of {} not met: {missed:#?}", missed.len(), chosen.len());
    }

    /// What a command that met an error has to say.
    fn said(&self, ran: &Ran, strike: Strike, what: &str) {
        if strike == Strike::Kill {
            return;
        }
        let text = format!("{what}\nended with {:?}: {}{}", ran.code, ran.stdout, ran.stderr);
        assert!(ran.code.is_some_and(|code| code == 0 || self.subject.codes().contains(&code)), "{text}");
        assert!(!ran.stderr.contains("panicked"), "{text}");
        assert!(ran.code == Some(0) || ran.stderr.contains("error: "), "{text}");
    }
}

/// Some of these, in their order; all of them where there are no more.
pub fn sample<T: Clone>(of: &[T], count: usize, seed: u64) -> Vec<T> {
    let mut luck = Luck::of(seed);
    let mut left = count.min(of.len());
    let mut chosen = Vec::with_capacity(left);
    for (at, one) in of.iter().enumerate() {
        if luck.below(of.len() - at) < left {
            chosen.push(one.clone());
            left -= 1;
        }
    }
    chosen
}

#[test]
fn a_sample_has_the_right_size_and_keeps_the_order() {
    let all: Vec<usize> = (0..100).collect();
    for (count, expected) in [(0, 0), (7, 7), (100, 100), (1000, 100)] {
        let some = sample(&all, count, 5);
        assert_eq!(some.len(), expected);
        assert!(some.is_sorted());
    }
    assert_ne!(sample(&all, 10, 1), sample(&all, 10, 2));
}
