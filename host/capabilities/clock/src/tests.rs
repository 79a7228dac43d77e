use super::*;
use crate::{Frozen, Request};
use proptest::prelude::*;
use std::sync::{Arc, Mutex};
use vox_model::{Lease, Recorder, Scope};

#[derive(Default)]
struct Books(Mutex<Vec<Effect>>);

impl Recorder for Books {
    fn record(&self, effect: Effect) {
        self.0.lock().unwrap().push(effect);
    }
}

struct Held(AtomicBool);

impl Lease for Held {
    fn holds(&self, _: Capability) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn scope() -> (CallScope, Arc<Books>, Arc<Held>) {
    let (books, held) = (Arc::new(Books::default()), Arc::new(Held(AtomicBool::new(true))));
    (CallScope::from(Scope { recorder: books.clone(), lease: held.clone(), ..Scope::unwatched("s") }), books, held)
}

fn coarse() -> Grant {
    "".parse().unwrap()
}

fn fine() -> Grant {
    "fine".parse().unwrap()
}

#[test]
fn off_the_clocks_stand_still() {
    let (scope, books, _) = scope();
    let (wall, monotonic) = (Wall::new(&Grant::default(), &scope), Monotonic::new(&Grant::default(), &scope));
    for _ in 0..2 {
        assert_eq!((wall.now(), monotonic.now()), (Duration::ZERO, 0));
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(wall.resolution(), HostWallClock::resolution(&Frozen));
    assert_eq!(monotonic.resolution(), HostMonotonicClock::resolution(&Frozen));
    assert_eq!((HostWallClock::now(&Frozen), HostMonotonicClock::now(&Frozen)), (Duration::ZERO, 0));
    assert!(books.0.lock().unwrap().is_empty());
}

#[test]
fn on_the_wall_clock_is_right_in_steps_of_a_millisecond() {
    let (scope, books, _) = scope();
    let wall = Wall::new(&coarse(), &scope);
    for _ in 0..1000 {
        let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let shown = wall.now();
        let after = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert!(shown <= after && before - shown.min(before) <= Duration::from_millis(1));
        assert_eq!(shown.subsec_nanos() % 1_000_000, 0);
    }
    let books = books.0.lock().unwrap();
    assert_eq!(books.len(), 1);
    assert_eq!((books[0].rule.as_str(), books[0].target.as_str()), ("--allow-clock", "wall clock"));
}

#[test]
fn the_smallest_coarse_step_is_a_millisecond() {
    let monotonic = Monotonic::new(&coarse(), &scope().0);
    let mut last = monotonic.now();
    let mut smallest = u64::MAX;
    let until = Instant::now() + Duration::from_millis(30);
    while Instant::now() < until {
        let now = monotonic.now();
        assert!(now >= last);
        if now > last {
            smallest = smallest.min(now - last);
        }
        last = now;
    }
    assert!((STEP..u64::MAX).contains(&smallest), "{smallest}");
    assert_eq!(monotonic.resolution(), STEP);
}

#[test]
fn a_fine_clock_shows_less_than_a_millisecond() {
    let (scope, ..) = scope();
    let (wall, monotonic) = (Wall::new(&fine(), &scope), Monotonic::new(&fine(), &scope));
    assert!((0..50).any(|_| wall.now().subsec_nanos() % 1_000_000 != 0));
    let first = monotonic.now();
    let later = (0..1_000_000).map(|_| monotonic.now()).find(|now| *now > first).unwrap();
    assert!(later - first < STEP, "{}", later - first);
    assert_eq!((wall.resolution(), monotonic.resolution()), (Duration::from_nanos(1), 1));
}

#[test]
fn the_origin_differs_from_call_to_call() {
    let (scope, ..) = scope();
    let origins: std::collections::BTreeSet<u64> = (0..8).map(|_| Monotonic::new(&coarse(), &scope).now()).collect();
    assert!(origins.len() > 6, "{origins:?}");
}

#[test]
fn taken_back_the_clock_stops_where_it_is() {
    let (scope, books, held) = scope();
    let monotonic = Monotonic::new(&fine(), &scope);
    let last = monotonic.now();
    held.0.store(false, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!((monotonic.now(), monotonic.now()), (last, last));
    let verdicts: Vec<Verdict> = books.0.lock().unwrap().iter().map(|effect| effect.verdict).collect();
    assert_eq!(verdicts, [Verdict::Allowed, Verdict::Denied]);
}

#[test]
fn flags_and_sections_say_what_they_mean() {
    assert_eq!("coarse".parse(), Ok(coarse()));
    assert!("exact".parse::<Grant>().is_err());
    let wants_fine: Request = toml::from_str("precision = \"fine\"").unwrap();
    assert_eq!(Grant::default().missing(&Request::default()), ["--allow-clock"]);
    assert_eq!(coarse().missing(&wants_fine), ["--allow-clock=fine"]);
    assert!(fine().missing(&Request::default()).is_empty());
    let mut merged = coarse();
    merged.merge(&fine());
    merged.merge(&Grant::default());
    assert_eq!(merged, fine());
    assert_eq!(serde_json::to_string(&fine()).unwrap(), r#"{"precision":"fine"}"#);
    assert_eq!(serde_json::from_str::<Grant>("{}").unwrap(), Grant::default());
    assert!(toml::from_str::<Request>("zone = \"UTC\"").is_err());
    assert!(Grant::default().describe().is_empty() && coarse().describe()[0].contains("1 ms"));
}

#[test]
fn grants_are_compared_joined_and_taken_away() {
    let none = Grant::default;
    let all = [none(), coarse(), fine()];
    for (have, one) in all.iter().enumerate() {
        assert_eq!(one.capabilities().len(), usize::from(have > 0));
        assert_eq!(one.describe().len(), usize::from(have > 0));
        for (known, other) in all.iter().enumerate() {
            let wider = if have > known { one.clone() } else { none() };
            assert_eq!(one.without(other), wider, "{one:?} beyond {other:?}");
            let mut joined = one.clone();
            joined.merge(other);
            assert_eq!(&joined, &all[have.max(known)]);
            let mut less = one.clone();
            less.subtract(other);
            assert_eq!(less, if known > 0 { none() } else { one.clone() }, "a denial of any clock takes all of it");
        }
    }
    assert_eq!(coarse().capabilities(), [Capability::Clock]);
    assert_eq!(fine().describe(), ["read the time, as finely as the machine shows it"]);
}

proptest! {
    /// Whatever the machine's clock does, a skill never sees it go back, nor anything finer than its steps.
    #[test]
    fn a_dial_never_goes_back(times in prop::collection::vec(any::<u64>(), 1..50), is_fine in any::<bool>()) {
        let grant = if is_fine { fine() } else { coarse() };
        let dial = Dial::new(&grant, &CallScope::unwatched("s"), "wall clock").unwrap();
        let mut last = 0;
        for time in times {
            let shown = dial.show(|| time);
            prop_assert!(shown >= last && shown.is_multiple_of(dial.step()));
            prop_assert!(shown >= time - time % dial.step());
            last = shown;
        }
    }
}
