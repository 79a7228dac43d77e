//! Calls: names, arguments, skills' own errors, traps.

use vox_model::{Failure, Limits, LookupError, Value};
use vox_runtime::FunctionError;
use vox_tests::{fixtures, need, places, skills};

#[test]
fn the_smallest_skill_answers() {
    let host = skills::host();
    let program = skills::opened(&host, &fixtures::assembled(fixtures::ANSWER), Limits::default());
    let outcome = skills::call(&program, "answer", vec![]);
    assert_eq!(outcome.result.ok(), Some(Some(Value::U32(42))));
    assert_eq!(outcome.output.stdout, b"");
}

#[test]
fn the_authors_example_greets() {
    let path = need!("the guest `hello`", places::guest("hello"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    let outcome = skills::call(&program, "greet", vec!["Ada".into()]);
    assert_eq!(outcome.result.ok(), Some(Some("Hello, Ada!".into())));
}

#[test]
fn options_at_the_end_may_be_left_out() {
    let path = need!("the guest `types`", places::guest("types"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    let some = |value: Value| Value::Option(Some(Box::new(value)));
    let text = |args| skills::call(&program, "join", args).result.ok().flatten();
    assert_eq!(text(vec!["a".into()]), Some("a".into()));
    assert_eq!(text(vec!["a".into(), some("b".into())]), Some("ab".into()));
    assert_eq!(text(vec!["a".into(), some("b".into()), some(Value::U8(2))]), Some("abab".into()));
}

#[test]
fn names_lead_to_functions_or_say_which_they_could_be() {
    let path = need!("the guest `types`", places::guest("types"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    for name in ["add", "join", "identity.echo-bool", "other.echo-bool", "test:types/other@0.1.0#echo-bool"] {
        assert!(program.function(name).is_ok(), "{name}");
    }
    let ambiguous = program.function("echo-bool").err();
    let Some(FunctionError::Lookup(LookupError::Ambiguous { candidates, .. })) = ambiguous else {
        panic!("{ambiguous:?}")
    };
    assert_eq!(candidates, ["identity.echo-bool", "other.echo-bool"]);
    let unknown = program.function("echo-strnig").err();
    let Some(FunctionError::Lookup(LookupError::Unknown { nearest, .. })) = unknown else { panic!("{unknown:?}") };
    assert_eq!(nearest.first().map(String::as_str), Some("echo-string"));
}

/// Wrong arguments are a fault of the program that embeds vox: it gets an answer, not a panic.
#[test]
fn wrong_arguments_are_an_outcome() {
    let path = need!("the guest `types`", places::guest("types"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    for (name, args) in [
        ("add", vec![]),
        ("add", vec![Value::U32(1)]),
        ("add", vec![Value::U32(1), Value::U32(2), Value::U32(3)]),
        ("add", vec![Value::U32(1), Value::U64(2)]),
        ("echo-string", vec![Value::Bytes(vec![1])]),
        ("echo-bytes", vec![Value::List(vec![Value::U8(1)])]),
        ("echo-color", vec![Value::Enum("purple".to_owned())]),
        ("echo-permission", vec![Value::Flags(vec!["fly".to_owned()])]),
        ("echo-point", vec![Value::Record(vec![("x".to_owned(), Value::S32(1))])]),
        ("echo-shape", vec![Value::Variant("circle".to_owned(), None)]),
        ("echo-tuple", vec![Value::Tuple(vec![])]),
    ] {
        let outcome = skills::call(&program, name, args.clone());
        assert!(matches!(outcome.result, Err(Failure::Host(_))), "{name} {args:?}: {outcome:?}");
    }
    let outcome = skills::call(&program, "add", vec![Value::U32(1), Value::U32(2)]);
    assert_eq!(outcome.result.ok(), Some(Some(Value::U32(3))));
}

#[test]
fn a_skills_own_error_is_no_failure() {
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    let outcome = skills::call(&program, "fail", vec!["not today".into()]);
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.skill_error(), Some(Some(&"not today".into())));
}

#[test]
fn a_panic_is_told_with_its_message() {
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    let outcome = skills::call(&program, "panic-with", vec!["the moon is full".into()]);
    let Err(Failure::Trap(trap)) = outcome.result else { panic!("{outcome:?}") };
    assert!(trap.panic.as_deref().is_some_and(|text| text.contains("the moon is full")), "{trap:?}");
    assert!(trap.frames.iter().any(|frame| frame.function.contains("panic")), "{trap:?}");
}

#[test]
fn exits_are_told_with_their_status() {
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    for (given, told) in [(0, 0), (1, 1)] {
        let outcome = skills::call(&program, "exit-with", vec![Value::U8(given)]);
        assert!(matches!(outcome.result, Err(Failure::Exit(status)) if status == told), "{outcome:?}");
    }
}

#[test]
fn one_program_serves_many_threads() {
    let host = skills::built(vox_runtime::Host::builder());
    let program = skills::opened(&host, &fixtures::assembled(fixtures::ANSWER), Limits::default());
    std::thread::scope(|scope| {
        let call =
            || (0..200).all(|_| skills::call(&program, "answer", vec![]).result.ok() == Some(Some(Value::U32(42))));
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(call)).collect();
        assert!(threads.into_iter().all(|thread| thread.join().is_ok_and(|right| right)));
    });
}
