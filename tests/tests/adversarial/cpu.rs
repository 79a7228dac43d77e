//! Guests that do not end: every call is over at its deadline, and the next one is right.

use std::time::{Duration, Instant};
use vox_model::{Limit, Limits, Value};
use vox_runtime::{Host, Program};
use vox_tests::witness::Witness;
use vox_tests::{fixtures, need, needs, places, skills};

/// How late a deadline may take effect (figure A3).
const LATE: Duration = Duration::from_millis(100);

const DEADLINE: Duration = Duration::from_millis(60);

fn limits() -> Limits {
    Limits { time: DEADLINE, ..Limits::default() }
}

/// Calls a function that never ends, several times; each time the deadline ends it.
fn ends_in_time(program: &Program, function: &str, args: &[Value]) {
    for _ in 0..3 * needs::scale() {
        let witness = Witness::start();
        let started = Instant::now();
        let outcome = skills::call(program, function, args.to_vec());
        let late = started.elapsed().saturating_sub(DEADLINE);
        let stalled = witness.stop();
        assert_eq!(skills::limit(&outcome), Limit::Time, "{function}");
        assert!(
            late <= LATE + stalled,
            "{function} ended {late:?} after its deadline; the machine stalled {stalled:?}"
        );
    }
}

fn opened(host: &Host, text: &str) -> Program {
    skills::opened(host, &fixtures::assembled(text), limits())
}

/// R1: loops in an export, in `start`, in `realloc`, in post-return.
#[test]
fn endless_loops_end_wherever_they_are() {
    let host = skills::host();
    ends_in_time(&opened(&host, fixtures::SPIN), "spin", &[]);
    ends_in_time(&opened(&host, fixtures::SPIN_IN_START), "answer", &[]);
    ends_in_time(&opened(&host, fixtures::SPIN_IN_REALLOC), "take", &["x".into()]);
    ends_in_time(&opened(&host, fixtures::SPIN_IN_POST_RETURN), "answer", &[]);
    let outcome = skills::call(&opened(&host, fixtures::SPIN), "answer", vec![]);
    assert_eq!(outcome.result.ok(), Some(Some(Value::U32(42))));
}

/// R2: instructions that each take long.
#[test]
fn long_instructions_end_in_time() {
    let host = skills::host();
    ends_in_time(&opened(&host, fixtures::LONG_INSTRUCTIONS), "fill", &[]);
}

/// R4: waiting in the host, where no epoch reaches the guest.
#[test]
fn waiting_ends_in_time() {
    let host = skills::host();
    let program = opened(&host, fixtures::SLEEP);
    ends_in_time(&program, "sleep", &[]);
    ends_in_time(&program, "yields", &[]);
    assert_eq!(skills::call(&program, "answer", vec![]).result.ok(), Some(Some(Value::U32(42))));
}

#[test]
fn rust_guests_that_never_end_do() {
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, limits());
    ends_in_time(&program, "spin", &[]);
    ends_in_time(&program, "copy", &[]);
    ends_in_time(&program, "sleep-for", &[Value::U32(3600)]);
    ends_in_time(&program, "naps", &[]);
    ends_in_time(&program, "yields", &[]);
    assert_eq!(skills::call(&program, "ping", vec![]).result.ok(), Some(Some("pong".into())));
}

/// R1 with time to spare: processor time is counted by itself.
#[test]
fn processor_time_is_a_limit_of_its_own() {
    let host = skills::host();
    let limits = Limits { time: Duration::from_secs(20), cpu: Duration::from_millis(60), ..Limits::default() };
    let program = skills::opened(&host, &fixtures::assembled(fixtures::SPIN), limits);
    let (witness, started) = (Witness::start(), Instant::now());
    assert_eq!(skills::limit(&skills::call(&program, "spin", vec![])), Limit::Cpu);
    let (took, stalled) = (started.elapsed(), witness.stop());
    assert!(took <= limits.cpu + LATE + stalled, "{took:?}; the machine stalled {stalled:?}");
}

/// R3: a guest that gives its thread up so often that no tick lands on it still uses up its processor time.
#[test]
fn yielding_does_not_stop_the_clock_of_processor_time() {
    let host = skills::host();
    let limits = Limits { time: Duration::from_secs(5), cpu: Duration::from_millis(100), ..Limits::default() };
    let program = skills::opened(&host, &fixtures::assembled(fixtures::SLEEP), limits);
    let started = Instant::now();
    assert_eq!(skills::limit(&skills::call(&program, "yields", vec![])), Limit::Cpu);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

/// R4: many sleepers cost no threads.
#[test]
fn sleepers_hold_no_threads() {
    let host = skills::built(Host::builder());
    let program = skills::opened(&host, &fixtures::assembled(fixtures::SLEEP), limits());
    assert!(skills::call(&program, "sleep", vec![]).result.is_err());
    let before = vox_tests::child::threads();
    for _ in 0..10 {
        assert_eq!(skills::limit(&skills::call(&program, "sleep", vec![])), Limit::Time);
    }
    let after = vox_tests::child::threads();
    // Other tests of this process come and go; nextest runs each in a process of its own.
    assert!(after <= before + 4, "{before} threads became {after}");
}

/// R10: recursion is a limit, not a crash, many times over.
#[test]
fn endless_recursion_is_a_limit() {
    let host = skills::host();
    let program = opened(&host, fixtures::RECURSION);
    for _ in 0..100 * needs::scale() {
        assert_eq!(skills::limit(&skills::call(&program, "recurse", vec![])), Limit::Stack);
    }
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let program = skills::opened_file(&host, &path, Limits::default());
    let outcome = skills::call(&program, "recurse", vec![]);
    // A Rust guest may meet the end of its own shadow stack first, which is a trap.
    assert!(outcome.result.is_err(), "{outcome:?}");
    assert_eq!(skills::call(&program, "ping", vec![]).result.ok(), Some(Some("pong".into())));
}
