//! Guests that want all memory: what they get is counted together, and the host's own memory stays.

use vox_model::{Failure, Limit, Limits, Value};
use vox_runtime::OpenError;
use vox_tests::{child, fixtures, need, places, skills};

/// What a call may cost the host beyond the guest's own memory (figure R5).
const SLACK: u64 = 8 << 20;

fn limits() -> Limits {
    Limits { memory: 16 << 20, ..Limits::default() }
}

/// The limit that ends a call; none when the component needs so much from the start that it is not even opened.
fn refused(component: &[u8], function: &str) -> Option<Limit> {
    let host = skills::host();
    match skills::open(&host, component, limits()) {
        Ok(program) => Some(skills::limit(&skills::call(&program, function, vec![]))),
        Err(OpenError::TooDemanding { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// R5: the host grows by no more than the limit and a little.
#[test]
fn a_greedy_guest_costs_no_more_than_its_limit() {
    need!("the memory of a process", child::can_measure());
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let grown = child::measured("memory::a_greedy_guest_costs_no_more_than_its_limit", || {
        let host = skills::host();
        let program = skills::opened_file(&host, &path, limits());
        assert!(skills::call(&program, "ping", vec![]).result.is_ok());
        let grown = child::growth(|| {
            let outcome = skills::call(&program, "allocate", vec![]);
            assert_eq!(skills::limit(&outcome), Limit::Memory);
            assert!(outcome.usage.memory <= limits().memory, "{outcome:?}");
        });
        assert_eq!(skills::call(&program, "ping", vec![]).result.ok(), Some(Some("pong".into())));
        grown
    });
    if let Some(grown) = grown {
        assert!(grown <= limits().memory + SLACK, "the host grew by {grown} bytes");
    }
}

#[test]
fn memories_beyond_the_limit_are_refused() {
    assert_eq!(refused(&fixtures::assembled(fixtures::MEMORY_BOMB), "answer"), None);
    // 6 memories of 4 MiB are more than 16 MiB together, though each one would fit.
    assert_eq!(refused(&fixtures::many_memories(6, 64), "answer"), Some(Limit::Memory));
}

#[test]
fn too_many_memories_and_instances_are_refused() {
    let host = skills::host();
    for component in [fixtures::many_memories(40, 1), fixtures::many_instances(1000)] {
        match skills::open(&host, &component, limits()) {
            Err(OpenError::TooDemanding { .. } | OpenError::Inspect { .. } | OpenError::Compile { .. }) => {}
            Err(other) => panic!("{other}"),
            Ok(program) => {
                let outcome = skills::call(&program, "answer", vec![]);
                assert_eq!(skills::limit(&outcome), Limit::Handles, "{outcome:?}");
            }
        }
    }
    // Just inside of the limits it works.
    let program = skills::opened(&host, &fixtures::many_memories(6, 1), limits());
    assert_eq!(skills::call(&program, "answer", vec![]).result.ok(), Some(Some(Value::U32(42))));
    let program = skills::opened(&host, &fixtures::many_instances(10), limits());
    assert_eq!(skills::call(&program, "answer", vec![]).result.ok(), Some(Some(Value::U32(42))));
}

#[test]
fn tables_are_counted_too() {
    assert_eq!(refused(&fixtures::assembled(fixtures::TABLE_GROWS), "grow"), Some(Limit::Handles));
    assert_eq!(refused(&fixtures::assembled(fixtures::TABLE_BOMB), "answer"), None);
}

/// R6: handles that the host keeps for a guest.
#[test]
fn handles_are_counted() {
    assert_eq!(refused(&fixtures::assembled(fixtures::SLEEP), "leak"), Some(Limit::Handles));
}

/// Calls with more memory than the pool has come from elsewhere and are limited all the same.
#[test]
fn limits_above_the_pool_hold() {
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let host = skills::host();
    let limits = Limits { memory: 96 << 20, ..Limits::default() };
    let program = skills::opened_file(&host, &path, limits);
    let outcome = skills::call(&program, "allocate", vec![]);
    assert_eq!(skills::limit(&outcome), Limit::Memory);
    let used = outcome.usage.memory;
    assert!(used > 64 << 20 && used <= 96 << 20, "{used} bytes were used");
    assert!(skills::call(&program, "ping", vec![]).result.is_ok());
}

/// Growth that fails for another reason than the limit is not counted as if it had been granted.
#[test]
fn growth_in_vain_is_not_counted() {
    let host = skills::host();
    let program = skills::opened(&host, &fixtures::assembled(fixtures::GROWS_IN_VAIN), limits());
    let outcome = skills::call(&program, "try", vec![]);
    assert_eq!(outcome.result.ok(), Some(Some(Value::U32(1))), "the last growth is within both limits");
    assert_eq!(outcome.usage.memory, 2 << 16);
}

/// A panic over refused memory is told as the limit it is, not as a trap.
#[test]
fn a_trap_without_a_refusal_is_a_trap() {
    let host = skills::host();
    let program = skills::opened(&host, &fixtures::assembled(fixtures::HOSTILE_NAMES), limits());
    let outcome = skills::call(&program, "trap", vec![]);
    assert!(matches!(outcome.result, Err(Failure::Trap(_))), "{outcome:?}");
}
