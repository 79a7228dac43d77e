//! Figure A1 in small: bytes that are almost components. No panic, no hang, a typed answer.

use std::sync::OnceLock;
use std::time::{Duration, Instant};
use vox_inspect::{InspectError, Limits, inspect, inspect_served};
use vox_model::Facts;
use vox_tests::luck::Luck;
use vox_tests::{fixtures, needs, places};

/// No input may take longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Real components, and text ones that use other parts of the format.
fn seeds() -> &'static [Vec<u8>] {
    static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let texts = [
            fixtures::ANSWER,
            fixtures::SLEEP,
            fixtures::BAD_RESULTS,
            fixtures::HOSTILE_NAMES,
            fixtures::SOCKETS,
            fixtures::UNKNOWN_IMPORT,
        ];
        let mut seeds: Vec<Vec<u8>> = texts.into_iter().map(fixtures::assembled).collect();
        seeds.extend([fixtures::wide_variant(20), fixtures::deep_type(10), fixtures::many_instances(5)]);
        seeds.extend(fixtures::dummy(
            "package t:t; interface i { record r { a: list<u8>, b: option<string> } variant v { x(r), y }
             resource z { constructor(); m: func(); } f: func(a: r, b: v) -> result<list<r>, string>; }
             world w { import wasi:filesystem/types@0.2.12; export i; export g: func(a: tuple<u8, f64>) -> char; }",
        ));
        seeds.push(fixtures::wit_package("package t:t; interface i { f: func(); }"));
        seeds
    })
}

/// Inspects, as a component and as what commands may serve; gives whether there were facts of a component.
fn inspected(bytes: &[u8], what: &str) -> bool {
    looked(inspect_served, bytes, what);
    looked(inspect, bytes, what)
}

fn looked(inspect: fn(&[u8], &Limits) -> Result<Facts, InspectError>, bytes: &[u8], what: &str) -> bool {
    let started = Instant::now();
    let found = std::panic::catch_unwind(|| inspect(bytes, &Limits::default()));
    let took = started.elapsed();
    assert!(found.is_ok(), "a panic for {what}");
    assert!(took <= PATIENCE, "{took:?} for {what}");
    if let Ok(Err(error)) = &found {
        let text = error.to_string();
        assert!(!text.contains('\n') && !text.contains('\u{1b}'), "{what}: {text:?}");
        assert!(text.len() < 8192, "{what}: an error of {} bytes", text.len());
    }
    found.is_ok_and(|found| found.is_ok())
}

#[test]
fn seeds_are_components() {
    let good = seeds().iter().filter(|seed| inspected(seed, "a seed")).count();
    assert_eq!(good, seeds().len() - 1, "all but the WIT package");
}

#[test]
fn every_cut_of_a_component_is_answered() {
    for (index, seed) in seeds().iter().enumerate() {
        let step = seed.len().div_ceil(1000);
        for length in (0..seed.len()).step_by(step) {
            // Cut between two sections it is a component, only another one.
            let whole = inspected(&seed[..length], &format!("seed {index} cut to {length} bytes"));
            assert!(!whole || length >= 8, "{length} bytes cannot be a component");
        }
    }
}

#[test]
fn mutated_components_are_answered() {
    let (mut good, mut bad) = (0u32, 0u32);
    for seed in 0..12_000 * needs::scale() {
        let mut luck = Luck::of(seed);
        let (one, other) = (luck.pick(seeds()).clone(), luck.pick(seeds()).clone());
        let spoilt = luck.spoil(&one, &other);
        match inspected(&spoilt, &format!("mutant {seed}")) {
            true => good += 1,
            false => bad += 1,
        }
    }
    // A mutator that never breaks anything, or breaks all, tests nothing.
    assert!(good > 20 && bad > 1000, "{good} good and {bad} bad mutants");
}

#[test]
fn mutated_guests_are_answered() {
    let guests = ["hello", "types", "hostile", "program", "uses_json"].map(places::guest);
    let guests: Vec<Vec<u8>> = guests.into_iter().flatten().flat_map(std::fs::read).collect();
    let found = if guests.is_empty() { Err("there are none".to_owned()) } else { Ok(()) };
    vox_tests::need!("guests", found);
    for seed in 0..300 * needs::scale() {
        let mut luck = Luck::of(seed ^ 0x5eed);
        let (one, other) = (luck.pick(&guests).clone(), luck.pick(&guests).clone());
        inspected(&luck.spoil(&one, &other), &format!("guest mutant {seed}"));
    }
}

#[test]
fn random_bytes_behind_a_header_are_answered() {
    for seed in 0..4_000 * needs::scale() {
        let mut luck = Luck::of(seed);
        let length = luck.below(600);
        let random = luck.bytes(length);
        inspected(&random, &format!("random bytes {seed}"));
        let headed = [&b"\0asm\x0d\0\x01\0"[..], &random].concat();
        inspected(&headed, &format!("random bytes {seed} behind a header"));
    }
}

/// Core modules that are valid and strange, as the inside of a component.
#[test]
fn generated_modules_inside_components_are_answered() {
    let (mut made, mut good) = (0, 0);
    for seed in 0..300 * needs::scale() {
        let bytes = Luck::of(seed).bytes(2000);
        let mut source = arbitrary_source(&bytes);
        let config = wasm_smith::Config { max_instructions: 200, ..wasm_smith::Config::default() };
        let Ok(module) = wasm_smith::Module::new(config, &mut source) else { continue };
        made += 1;
        let mut component = wasm_encoder::Component::new();
        component.section(&wasm_encoder::RawSection { id: 1, data: &module.to_bytes() });
        let component = component.finish();
        // Some use what the product leaves out, such as several memories: those are turned down.
        good += u32::from(inspected(&component, &format!("module {seed}")));
        inspected(&Luck::of(seed).spoil(&component, &bytes), &format!("module {seed}, spoilt"));
    }
    assert!(made > 100 && good > 50, "{made} modules were made, {good} of them good");
}

fn arbitrary_source(bytes: &[u8]) -> arbitrary::Unstructured<'_> {
    arbitrary::Unstructured::new(bytes)
}

/// E4: own limits, far below those of the validator.
#[test]
fn shapes_beyond_the_limits_are_too_large() {
    for (what, bytes) in [
        ("components in components", fixtures::deep_components(50)),
        ("100,000 instances", fixtures::many_instances(60_000)),
        ("a type that doubles thirty times", fixtures::doubling_type(30)),
    ] {
        let found = inspect(&bytes, &Limits::default());
        assert!(matches!(found, Err(InspectError::TooLarge { .. } | InspectError::Malformed(_))), "{what}: {found:?}");
        inspected(&bytes, what);
    }
    for (what, bytes) in [
        ("a variant of 10,000 cases", fixtures::wide_variant(10_000)),
        ("a list of lists, 60 deep", fixtures::deep_type(60)),
        ("1,000 instances", fixtures::many_instances(1000)),
        ("a type that doubles ten times", fixtures::doubling_type(10)),
    ] {
        assert!(inspected(&bytes, what), "{what}: {:?}", inspect(&bytes, &Limits::default()));
    }
    for deep in [70, 90] {
        let found = inspect(&fixtures::deep_type(deep), &Limits::default());
        assert!(matches!(found, Err(InspectError::TooLarge { .. } | InspectError::Malformed(_))), "{deep}: {found:?}");
    }
}
