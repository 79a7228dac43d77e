//! Cancelling from another thread.

use std::time::{Duration, Instant};
use vox_model::{Failure, Limits, Value};
use vox_runtime::{CallOptions, Cancel, Program};
use vox_tests::{fixtures, skills};

/// How late a cancel may take effect.
const SOON: Duration = Duration::from_millis(100);

/// Calls and cancels after a while; gives the time from the cancel to the end.
fn cancelled(program: &Program, function: &str, after: Duration) -> Duration {
    let callable = program.function(function).unwrap_or_else(|error| panic!("{error}"));
    let cancel = Cancel::default();
    let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
    let cancelling = std::thread::spawn(move || {
        std::thread::sleep(after);
        cancel.cancel();
        Instant::now()
    });
    let outcome = callable.call_with(vec![], options);
    let ended = Instant::now();
    assert!(matches!(outcome.result, Err(Failure::Cancelled)), "{function}: {outcome:?}");
    let asked = cancelling.join().unwrap_or_else(|_| panic!("the cancelling thread failed"));
    ended.saturating_duration_since(asked)
}

#[test]
fn a_guest_that_computes_is_cancelled() {
    let host = skills::host();
    let program = skills::opened(&host, &fixtures::assembled(fixtures::SPIN), Limits::default());
    for after in [0, 1, 5, 25] {
        let late = cancelled(&program, "spin", Duration::from_millis(after));
        assert!(late <= SOON, "{late:?} after a cancel at {after} ms");
        assert_eq!(skills::call(&program, "answer", vec![]).result.ok(), Some(Some(Value::U32(42))));
    }
}

#[test]
fn a_guest_that_sleeps_in_the_host_is_cancelled() {
    let host = skills::host();
    let program = skills::opened(&host, &fixtures::assembled(fixtures::SLEEP), Limits::default());
    for function in ["sleep", "yields"] {
        for after in [0, 1, 5, 25] {
            let late = cancelled(&program, function, Duration::from_millis(after));
            assert!(late <= SOON, "{function}: {late:?} after a cancel at {after} ms");
            assert_eq!(skills::call(&program, "answer", vec![]).result.ok(), Some(Some(Value::U32(42))));
        }
    }
}

/// A cancel that comes first is not lost.
#[test]
fn a_call_that_was_cancelled_before_it_began_ends() {
    let host = skills::host();
    for (text, function) in [(fixtures::SPIN, "spin"), (fixtures::SLEEP, "sleep")] {
        let program = skills::opened(&host, &fixtures::assembled(text), Limits::default());
        let callable = program.function(function).unwrap_or_else(|error| panic!("{error}"));
        let cancel = Cancel::default();
        cancel.cancel();
        let started = Instant::now();
        let outcome = callable.call_with(vec![], CallOptions { cancel: Some(cancel), ..CallOptions::default() });
        assert!(matches!(outcome.result, Err(Failure::Cancelled)), "{outcome:?}");
        assert!(started.elapsed() <= SOON, "{:?}", started.elapsed());
    }
}

/// One handle ends all the calls that were given it.
#[test]
fn one_cancel_ends_several_calls() {
    let host = skills::host();
    let program = skills::opened(&host, &fixtures::assembled(fixtures::SLEEP), Limits::default());
    let cancel = Cancel::default();
    std::thread::scope(|scope| {
        let call = |name| {
            let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
            program.function(name).unwrap_or_else(|error| panic!("{error}")).call_with(vec![], options)
        };
        let calls: Vec<_> =
            ["sleep", "sleep", "yields"].into_iter().map(|name| scope.spawn(move || call(name))).collect();
        std::thread::sleep(Duration::from_millis(50));
        cancel.cancel();
        for call in calls {
            let outcome = call.join().unwrap_or_else(|_| panic!("a call panicked"));
            assert!(matches!(outcome.result, Err(Failure::Cancelled)), "{outcome:?}");
        }
    });
}
