//! Limits of many calls in a row: nothing is left behind.

use std::time::Duration;
use vox_model::{Limits, Value};
use vox_tests::{child, fixtures, needs, skills};

/// Figure A13 in small: memory, threads and open files stay flat over good and bad calls.
#[test]
fn nothing_leaks_over_many_calls() {
    vox_tests::need!("the memory of a process", child::can_measure());
    let rounds = 300 * needs::scale();
    let leaked = child::measured("limits_held::nothing_leaks_over_many_calls", || {
        let host = skills::host();
        let limits = Limits::default();
        let good = skills::opened(&host, &fixtures::assembled(fixtures::ANSWER), limits);
        let wasi = skills::opened(&host, &fixtures::assembled(fixtures::SLEEP), limits);
        let deep = skills::opened(&host, &fixtures::assembled(fixtures::RECURSION), limits);
        let round = || {
            assert_eq!(skills::call(&good, "answer", vec![]).result.ok(), Some(Some(Value::U32(42))));
            assert!(skills::call(&wasi, "answer", vec![]).result.is_ok());
            assert!(skills::call(&wasi, "leak", vec![]).result.is_err());
            assert!(skills::call(&deep, "recurse", vec![]).result.is_err());
        };
        (0..50).for_each(|_| round());
        let short = Limits { time: Duration::from_millis(10), ..limits };
        let sleeper = skills::opened(&host, &fixtures::assembled(fixtures::SLEEP), short);
        assert!(skills::call(&sleeper, "sleep", vec![]).result.is_err());
        let (threads, descriptors) = (child::threads(), child::descriptors());
        let grown = child::growth(|| (0..rounds).for_each(|_| round()));
        assert!(child::threads() <= threads, "{threads} threads became {}", child::threads());
        assert!(child::descriptors() <= descriptors, "{descriptors} files became {}", child::descriptors());
        grown
    });
    if let Some(leaked) = leaked {
        assert!(leaked < 4 << 20, "memory grew by {leaked} bytes over {rounds} rounds");
    }
}
