use super::*;
use crate::Request;
use proptest::prelude::*;
use std::sync::{Arc, Mutex};
use vox_model::{Recorder, Scope};
use wasmtime_wasi::p2::bindings::random::insecure::Host as _;
use wasmtime_wasi::p2::bindings::random::insecure_seed::Host as _;
use wasmtime_wasi::p2::bindings::random::random::Host as _;

#[derive(Default)]
struct Books(Mutex<Vec<Effect>>);

impl Recorder for Books {
    fn record(&self, effect: Effect) {
        self.0.lock().unwrap().push(effect);
    }
}

fn call(seed: Option<u64>) -> (RandomState, Arc<Books>) {
    let books = Arc::new(Books::default());
    let scope = CallScope::from(Scope { recorder: books.clone(), ..Scope::unwatched("s") });
    (RandomState::new(scope, &Grant { seed }), books)
}

fn refusal(error: &wasmtime::Error) -> &Refused {
    error.downcast_ref().unwrap()
}

#[test]
fn without_a_seed_calls_differ() {
    let (mut one, mut two) = (call(None).0, call(None).0);
    assert_ne!(one.get_random_bytes(32).unwrap(), two.get_random_bytes(32).unwrap());
    assert_ne!(one.get_random_u64().unwrap(), one.get_random_u64().unwrap());
    assert_ne!(one.insecure_seed().unwrap(), two.insecure_seed().unwrap());
    assert_ne!(one.get_insecure_random_bytes(32).unwrap(), one.get_random_bytes(32).unwrap());
}

#[test]
fn with_a_seed_calls_are_equal() {
    let draw = |seed| {
        let mut state = call(Some(seed)).0;
        (
            state.get_random_bytes(100).unwrap(),
            state.get_random_u64().unwrap(),
            state.get_insecure_random_u64().unwrap(),
            state.get_insecure_random_bytes(7).unwrap(),
            state.insecure_seed().unwrap(),
        )
    };
    assert_eq!(draw(42), draw(42));
    assert_ne!(draw(42), draw(43));
}

/// What a seed gives is a promise to whoever wrote a result down: it must never change. The numbers were computed apart
/// from this code, from the block function of RFC 8439 with a counter and a stream of 64 bits each.
#[test]
fn a_seed_always_gives_the_same() {
    let mut state = call(Some(42)).0;
    let drawn =
        (state.get_random_u64().unwrap(), state.get_insecure_random_u64().unwrap(), state.insecure_seed().unwrap());
    let seed = (15_161_022_379_322_838_295, 9_345_078_535_268_849_613);
    assert_eq!(drawn, (5_762_444_423_011_450_538, 12_346_004_225_012_566_037, seed));
}

#[test]
fn a_request_is_bounded() {
    let (mut state, books) = call(None);
    assert!(state.get_random_bytes(0).unwrap().is_empty());
    assert_eq!(state.get_random_bytes(MAX_REQUEST).unwrap().len(), 65536);
    for len in [MAX_REQUEST + 1, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(refusal(&state.get_random_bytes(len).unwrap_err()), &Refused::Request(len));
        assert_eq!(refusal(&state.get_insecure_random_bytes(len).unwrap_err()), &Refused::Request(len));
    }
    assert!(books.0.lock().unwrap().iter().all(|effect| effect.verdict == Verdict::Denied));
}

#[test]
fn a_call_is_bounded_over_all_interfaces() {
    let (mut state, books) = call(Some(1));
    for _ in 0..MAX_CALL / MAX_REQUEST / 2 {
        state.get_random_bytes(MAX_REQUEST).unwrap();
        state.get_insecure_random_bytes(MAX_REQUEST).unwrap();
    }
    assert_eq!(refusal(&state.get_random_u64().unwrap_err()), &Refused::Call);
    assert_eq!(refusal(&state.insecure_seed().unwrap_err()), &Refused::Call);
    drop(state);
    let books = books.0.lock().unwrap();
    let total = books.last().unwrap();
    assert_eq!((total.verdict, total.received, total.rule.as_str()), (Verdict::Allowed, MAX_CALL, "--random-seed 1"));
}

#[test]
fn a_call_that_draws_nothing_leaves_no_trace() {
    let (mut state, books) = call(None);
    state.finish();
    drop(state);
    assert!(books.0.lock().unwrap().is_empty());
}

#[test]
fn flags_and_sections_say_what_they_mean() {
    assert_eq!("42".parse(), Ok(Grant { seed: Some(42) }));
    for bad in ["", "-1", "1.5", "18446744073709551616", "x\x1b"] {
        assert!(!bad.parse::<Grant>().unwrap_err().to_string().contains('\x1b'), "{bad}");
    }
    let mut grant = Grant { seed: Some(1) };
    grant.merge(&Grant::default());
    assert_eq!(grant.seed, Some(1));
    grant.merge(&Grant { seed: Some(2) });
    assert_eq!(grant.seed, Some(2));
    assert!(grant.describe()[0].contains("seed 2") && Grant::default().describe().is_empty());
    assert!(Grant::default().missing(&toml::from_str::<Request>("reason = \"ids\"").unwrap()).is_empty());
    assert!(toml::from_str::<Request>("seed = 1").is_err());
    assert_eq!(serde_json::from_str::<Grant>(r#"{"seed":7}"#).unwrap().seed, Some(7));
}

#[test]
fn grants_are_compared_and_taken_away() {
    let of = |seed| Grant { seed };
    for (have, other, left) in
        [(None, None, None), (Some(1), None, Some(1)), (Some(1), Some(1), None), (Some(1), Some(2), Some(1))]
    {
        assert_eq!(of(have).without(&of(other)), of(left), "{have:?} beyond {other:?}");
        let mut less = of(have);
        less.subtract(&of(other));
        assert_eq!(less, of(left), "{have:?} less {other:?}");
    }
    assert_eq!((of(Some(1)).capabilities(), of(None).capabilities()), (vec![Capability::Random], vec![]));
}

proptest! {
    #[test]
    fn no_length_panics(lens in prop::collection::vec(prop_oneof![any::<u64>(), 0..2 * MAX_REQUEST], 0..40)) {
        let mut state = call(Some(0)).0;
        for len in lens {
            match state.get_random_bytes(len) {
                Ok(bytes) => prop_assert_eq!(bytes.len() as u64, len),
                Err(_) => prop_assert!(len > MAX_REQUEST),
            }
        }
    }
}
