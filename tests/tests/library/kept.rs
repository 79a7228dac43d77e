//! Sandboxes that are kept for several calls.

use vox_model::{Failure, Limit, Limits, Value};
use vox_runtime::Host;
use vox_tests::{fixtures, need, places, skills};

#[test]
fn a_kept_sandbox_remembers_and_a_fresh_one_does_not() {
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    let count = program.function("count").unwrap_or_else(|error| panic!("{error}"));
    let mut kept = program.keep().unwrap_or_else(|outcome| panic!("{outcome:?}"));
    for expected in 1..=5 {
        assert_eq!(kept.call(&count, vec![]).result.ok(), Some(Some(Value::U32(expected))));
        assert_eq!(count.call(vec![]).result.ok(), Some(Some(Value::U32(1))));
    }
}

#[test]
fn a_kept_sandbox_is_gone_after_a_failure() {
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let host = skills::host();
    let limits = Limits { time: std::time::Duration::from_millis(50), ..Limits::default() };
    let program = skills::opened_file(&host, &path, limits);
    let function = |name| program.function(name).unwrap_or_else(|error| panic!("{error}"));
    let mut kept = program.keep().unwrap_or_else(|outcome| panic!("{outcome:?}"));
    assert_eq!(skills::limit(&kept.call(&function("spin"), vec![])), Limit::Time);
    let after = kept.call(&function("ping"), vec![]);
    assert!(matches!(after.result, Err(Failure::Host(_))), "{after:?}");
    let fresh = function("ping").call(vec![]);
    assert_eq!(fresh.result.ok(), Some(Some("pong".into())));
}

/// The clock of a kept sandbox starts anew with each call.
#[test]
fn a_kept_sandbox_has_its_time_for_each_call() {
    let host = skills::host();
    let limits = Limits { time: std::time::Duration::from_millis(200), ..Limits::default() };
    let program = skills::opened(&host, &fixtures::assembled(fixtures::ANSWER), limits);
    let answer = program.function("answer").unwrap_or_else(|error| panic!("{error}"));
    let mut kept = program.keep().unwrap_or_else(|outcome| panic!("{outcome:?}"));
    for _ in 0..4 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_eq!(kept.call(&answer, vec![]).result.ok(), Some(Some(Value::U32(42))));
    }
}

#[test]
fn a_kept_sandbox_calls_functions_of_its_program_only() {
    let host = skills::host();
    let one = skills::opened(&host, &fixtures::assembled(fixtures::ANSWER), Limits::default());
    let other = skills::opened(&host, &fixtures::assembled(fixtures::SPIN), Limits::default());
    let mut kept = one.keep().unwrap_or_else(|outcome| panic!("{outcome:?}"));
    let foreign = other.function("answer").unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(kept.call(&foreign, vec![]).result, Err(Failure::Host(_))));
}

#[test]
fn all_sandboxes_in_use_is_a_limit_and_passes() {
    let host = Host::builder().compiler(vox_runtime::Compiler::InProcess).sandboxes(1).build();
    let host = host.unwrap_or_else(|error| panic!("{error}"));
    let program = skills::opened(&host, &fixtures::assembled(fixtures::ANSWER), Limits::default());
    {
        let _kept = program.keep().unwrap_or_else(|outcome| panic!("{outcome:?}"));
        assert_eq!(skills::limit(&skills::call(&program, "answer", vec![])), Limit::Sandboxes);
    }
    assert_eq!(skills::call(&program, "answer", vec![]).result.ok(), Some(Some(Value::U32(42))));
}
