//! What crosses the border of the sandbox: sizes, bad pointers, bad text.

use vox_model::{Failure, Limit, Limits, Value};
use vox_tests::{child, fixtures, need, places, skills};

/// R7: results that would fill the host.
#[test]
fn huge_results_end_the_call() {
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits { memory: 512 << 20, ..Limits::default() });
    for (function, count) in [("bytes", 64 << 20), ("strings", 5_000_000), ("nested", 200)] {
        let outcome = skills::call(&program, function, vec![Value::U32(count)]);
        assert_eq!(skills::limit(&outcome), Limit::Output, "{function}");
    }
    assert_eq!(skills::call(&program, "ping", vec![]).result.ok(), Some(Some("pong".into())));
}

/// R7: the host grows by little while it refuses them.
#[test]
fn huge_results_cost_the_host_little() {
    need!("the memory of a process", child::can_measure());
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let grown = child::measured("crossing::huge_results_cost_the_host_little", || {
        let host = skills::host();
        let program = skills::opened_file(&host, &path, Limits { memory: 64 << 20, ..Limits::default() });
        assert!(skills::call(&program, "ping", vec![]).result.is_ok());
        child::growth(|| {
            for (function, count) in [("bytes", 32 << 20), ("strings", 3_000_000), ("nested", 150)] {
                let outcome = skills::call(&program, function, vec![Value::U32(count)]);
                assert_eq!(skills::limit(&outcome), Limit::Output, "{function}");
            }
        })
    });
    if let Some(grown) = grown {
        assert!(grown <= (64 << 20) + (32 << 20), "the host grew by {grown} bytes");
    }
}

/// What fits, fits. Outside of the fast path a byte takes 40 in the host (docs/limits.md, "Values"), and is charged so:
/// a list that is too long there is refused, never cut.
#[test]
fn results_below_the_limit_come_through() {
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    let outcome = skills::call(&program, "bytes", vec![Value::U32(100 << 10)]);
    let right = matches!(&outcome.result, Ok(Some(Value::Bytes(bytes))) if bytes.len() == 100 << 10);
    assert!(right, "{:?}", outcome.result.err());
    let outcome = skills::call(&program, "bytes", vec![Value::U32(1 << 20)]);
    assert_eq!(skills::limit(&outcome), Limit::Output);
    let outcome = skills::call(&program, "strings", vec![Value::U32(10_000)]);
    assert_eq!(outcome.result.ok(), Some(Some(Value::List(vec!["".into(); 10_000]))));
}

/// Pointers, lengths and encodings of results are checked.
#[test]
fn results_that_lie_are_traps() {
    let host = skills::host();
    let program = skills::opened(&host, &fixtures::assembled(fixtures::BAD_RESULTS), Limits::default());
    for function in ["long", "text", "many", "outside", "letter"] {
        let outcome = skills::call(&program, function, vec![]);
        let refused = matches!(outcome.result, Err(Failure::Trap(_) | Failure::Limit { limit: Limit::Output, .. }));
        assert!(refused, "{function}: {outcome:?}");
    }
    let program = skills::opened(&host, &fixtures::assembled(fixtures::REALLOC_OUTSIDE), Limits::default());
    let outcome = skills::call(&program, "take", vec!["a text".into()]);
    assert!(matches!(outcome.result, Err(Failure::Trap(_))), "{outcome:?}");
}

/// An argument that is larger than the guest's memory is the guest's failure, not the host's.
#[test]
fn arguments_that_do_not_fit_end_the_call() {
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let host = skills::host();
    let limits = Limits { memory: 8 << 20, ..Limits::default() };
    let program = skills::opened_file(&host, &path, limits);
    let outcome = skills::call(&program, "measure", vec!["x".repeat(32 << 20).into()]);
    assert!(matches!(outcome.result, Err(Failure::Limit { limit: Limit::Memory, .. })), "{outcome:?}");
    let outcome = skills::call(&program, "measure", vec!["x".repeat(2 << 20).into()]);
    assert_eq!(outcome.result.ok(), Some(Some(Value::U32(2 << 20))));
}
