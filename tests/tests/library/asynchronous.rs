//! Calls that are awaited: the same outcomes as calls that block, on runtimes of the program that embeds vox.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use vox_model::{Failure, Limit, Limits, Outcome, Value};
use vox_runtime::{CallOptions, Cancel, Host, Program};
use vox_tests::{fixtures, need, skills};

/// How late a cancel may take effect.
const SOON: Duration = Duration::from_millis(200);

/// Both kinds of runtimes.
fn runtimes() -> [Runtime; 2] {
    [Builder::new_current_thread(), Builder::new_multi_thread()]
        .map(|mut builder| builder.enable_all().build().unwrap_or_else(|error| panic!("{error}")))
}

async fn called(program: &Program, function: &str, args: Vec<Value>) -> Outcome {
    let callable = program.function(function).unwrap_or_else(|error| panic!("{error}"));
    callable.call_async(args, CallOptions::default()).await
}

/// What can be told of an outcome: times differ from call to call.
fn told(outcome: Outcome) -> String {
    format!("{:?} {:?} {:?}", outcome.result, outcome.output, outcome.effects)
}

#[test]
fn an_awaited_call_gives_what_a_call_that_blocks_gives() {
    let host = skills::host();
    let limits = Limits { cpu: Duration::from_millis(100), ..Limits::default() };
    for (text, functions) in [
        (fixtures::ANSWER, &["answer"][..]),
        (fixtures::RECURSION, &["recurse"]),
        (fixtures::SPIN, &["answer", "spin"]),
        (fixtures::SLEEP, &["answer", "leak"]),
    ] {
        let program = skills::opened(&host, &fixtures::assembled(text), limits);
        for function in functions {
            let blocked = told(skills::call(&program, function, vec![]));
            for runtime in runtimes() {
                assert_eq!(told(runtime.block_on(called(&program, function, vec![]))), blocked, "{function}");
            }
        }
    }
}

#[test]
fn parts_of_the_bundle_are_called_from_many_tasks() {
    let library = need!("a bundle", skills::bundle());
    let host = skills::built(Host::builder().library(library));
    let granted = vox_runtime::Granted::default();
    let json = "json".parse().unwrap_or_else(|error| panic!("{error}"));
    let program = host.open(&json, &granted, Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    let program = Arc::new(program);
    for runtime in runtimes() {
        let task = |number: usize| {
            let program = program.clone();
            async move {
                for round in 0..20 {
                    let document = format!("{{\"a\":[{number},{round}]}}");
                    let outcome = called(&program, "query", vec![document.into(), ".a|add".into()]).await;
                    let sum = Value::String(format!("{}\n", number + round));
                    assert_eq!(outcome.result.ok(), Some(Some(Value::Result(Ok(Some(Box::new(sum)))))));
                }
            }
        };
        let tasks: Vec<_> = (0..8).map(|number| runtime.spawn(task(number))).collect();
        for task in tasks {
            runtime.block_on(task).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// On a runtime with one thread: a guest that computes hands it back at every tick.
#[test]
fn a_guest_that_computes_leaves_the_thread_to_others() {
    let host = skills::host();
    let limits = Limits { cpu: Duration::from_millis(300), ..Limits::default() };
    let program = skills::opened(&host, &fixtures::assembled(fixtures::SPIN), limits);
    let [runtime, _] = runtimes();
    let turns = Arc::new(AtomicU64::new(0));
    let counted = turns.clone();
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let outcome = runtime.block_on(called(&program, "spin", vec![]));
    assert_eq!(skills::limit(&outcome), Limit::Cpu, "{outcome:?}");
    let turns = turns.load(Ordering::Relaxed);
    assert!(turns >= 5, "another task had {turns} turns while a guest computed for 300 ms");
}

#[test]
fn a_call_that_is_dropped_ends_and_gives_its_sandbox_back() {
    let host = skills::host();
    for (text, function) in [(fixtures::SPIN, "spin"), (fixtures::SLEEP, "sleep")] {
        let program = skills::opened(&host, &fixtures::assembled(text), Limits::default());
        for runtime in runtimes() {
            // More than the host has sandboxes.
            for round in 0..20 {
                let call = called(&program, function, vec![]);
                let ended = runtime.block_on(async { tokio::time::timeout(Duration::from_millis(5), call).await });
                assert!(ended.is_err(), "{function}, round {round}: {ended:?}");
            }
            let outcome = runtime.block_on(called(&program, "answer", vec![]));
            assert_eq!(outcome.result.ok(), Some(Some(Value::U32(42))), "{function}");
        }
    }
}

#[test]
fn an_awaited_call_is_cancelled_from_another_thread() {
    let host = skills::host();
    for (text, function) in [(fixtures::SPIN, "spin"), (fixtures::SLEEP, "sleep")] {
        let program = skills::opened(&host, &fixtures::assembled(text), Limits::default());
        for runtime in runtimes() {
            let cancel = Cancel::default();
            let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
            let cancelling = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                cancel.cancel();
                Instant::now()
            });
            let callable = program.function(function).unwrap_or_else(|error| panic!("{error}"));
            let outcome = runtime.block_on(callable.call_async(vec![], options));
            let ended = Instant::now();
            assert!(matches!(outcome.result, Err(Failure::Cancelled)), "{function}: {outcome:?}");
            let asked = cancelling.join().unwrap_or_else(|_| panic!("the cancelling thread failed"));
            assert!(ended.saturating_duration_since(asked) <= SOON, "{function}");
        }
    }
}

#[test]
fn sandboxes_that_wait_count_as_sandboxes() {
    let host = skills::host();
    let program = skills::opened(&host, &fixtures::assembled(fixtures::SLEEP), Limits::default());
    let [runtime, _] = runtimes();
    runtime.block_on(async {
        let callable = program.function("sleep").unwrap_or_else(|error| panic!("{error}"));
        let mut waiting: Vec<_> =
            (0..8).map(|_| Box::pin(callable.call_async(vec![], CallOptions::default()))).collect();
        for call in &mut waiting {
            let ended = tokio::time::timeout(Duration::from_millis(20), call.as_mut()).await;
            assert!(ended.is_err(), "{ended:?}");
        }
        assert_eq!(skills::limit(&called(&program, "answer", vec![]).await), Limit::Sandboxes);
        waiting.pop();
        assert_eq!(called(&program, "answer", vec![]).await.result.ok(), Some(Some(Value::U32(42))));
    });
}

#[test]
fn arguments_of_another_number_are_a_fault_of_the_caller() {
    let host = skills::host();
    let program = skills::opened(&host, &fixtures::assembled(fixtures::ANSWER), Limits::default());
    for runtime in runtimes() {
        let outcome = runtime.block_on(called(&program, "answer", vec![Value::U32(1)]));
        assert!(matches!(outcome.result, Err(Failure::Host(_))), "{outcome:?}");
    }
}
