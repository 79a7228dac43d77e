//! Hostile files through the whole program: one error, the right status, no panic.

use vox_tests::luck::Luck;
use vox_tests::program::{Place, Ran};
use vox_tests::{fixtures, need, needs};

/// What every answer to a hostile file has to be.
fn is_orderly(ran: &Ran, what: &str) {
    assert!(matches!(ran.code, Some(0..=10)), "{what}: {ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{what}: {}", ran.stderr);
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains('\u{1b}'), "{what} writes escapes: {ran:?}");
    let errors = ran.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, usize::from(ran.code != Some(0)), "{what}: {ran:?}");
}

#[test]
fn mutated_components_are_answered_by_the_program() {
    let place = need!("vox", Place::new());
    let seeds =
        [fixtures::ANSWER, fixtures::SLEEP, fixtures::HOSTILE_NAMES, fixtures::BAD_RESULTS].map(fixtures::assembled);
    for seed in 0..100 * needs::scale() {
        let mut luck = Luck::of(seed ^ 0xc11);
        let (one, other) = (luck.pick(&seeds).clone(), luck.pick(&seeds).clone());
        place.put("mutant.wasm", luck.spoil(&one, &other));
        let arguments = *luck.pick(&[
            &["inspect", "mutant.wasm"][..],
            &["inspect", "mutant.wasm", "--schema"],
            &["call", "mutant.wasm", "answer", "--limit-time", "200ms"],
            &["call", "mutant.wasm", "trap"],
        ]);
        is_orderly(&place.run(arguments), &format!("mutant {seed}, {arguments:?}"));
    }
}

#[test]
fn odd_files_are_answered_by_the_program() {
    let place = need!("vox", Place::new());
    for (what, bytes) in fixtures::other_files() {
        place.put("odd.wasm", bytes);
        for arguments in
            [&["inspect", "odd.wasm"][..], &["call", "odd.wasm", "f"], &["why", "odd.wasm"], &["run", "odd.wasm"]]
        {
            let ran = place.run(arguments);
            is_orderly(&ran, what);
            assert_eq!(ran.code, Some(4), "{what}: {}", ran.stderr);
        }
    }
    place.shell("mkfifo fifo.wasm; mkdir dir.wasm; head -c 100000000 /dev/zero > large.wasm");
    for file in ["fifo.wasm", "dir.wasm", "large.wasm", "/dev/zero", "/dev/null"] {
        let ran = place.run(&["inspect", file]);
        is_orderly(&ran, file);
        assert_ne!(ran.code, Some(0), "{file}");
    }
}

/// Words that are no arguments anybody meant.
#[test]
fn odd_words_are_answered_by_the_program() {
    let place = need!("vox", Place::new());
    place.put("answer.wasm", fixtures::assembled(fixtures::ANSWER));
    let long = "x".repeat(100_000);
    let nested = "[".repeat(10_000);
    let deep = format!("{}1{}", "[".repeat(2_000), "]".repeat(2_000));
    for words in [
        &["call", "answer.wasm", "\u{1b}[31m"][..],
        &["call", "answer.wasm", &long],
        &["call", "answer.wasm", "answer", &nested],
        &["call", "answer.wasm", "answer", "--json", &deep],
        &["call", "answer.wasm", "answer", "--json", "\u{1b}"],
        &["call", "../../../etc/passwd", "f"],
        &["call", "a\nb", "f"],
        &["call", "é", "f"],
        &["call", "", ""],
        &["pipe", &nested],
        &["pipe", "é | é"],
        &["pipe", "'é"],
        &["pipe", "json.query(é"],
        &["pipe", "\u{1b}[2J.x"],
        &["--", "call"],
    ] {
        let ran = place.run(words);
        assert!(matches!(ran.code, Some(1..=10)), "{words:.80?}: {ran:?}");
        assert!(!ran.stderr.contains("panicked"), "{words:.80?}: {}", ran.stderr);
        assert!(!ran.stderr.contains('\u{1b}'), "{words:.80?} puts escapes on the terminal: {:?}", ran.stderr);
    }
}
