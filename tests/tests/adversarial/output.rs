//! What guests print, and names that want to write to a terminal.

use vox_model::{Failure, Limits, Value};
use vox_tests::{child, fixtures, need, places, skills};

/// R8: a flood is cut, counted, and does not make the guest fail.
#[test]
fn a_flood_of_output_is_cut_and_counted() {
    need!("the memory of a process", child::can_measure());
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let grown = child::measured("output::a_flood_of_output_is_cut_and_counted", || {
        let host = skills::host();
        let program = skills::opened_file(&host, &path, Limits::default());
        assert!(skills::call(&program, "ping", vec![]).result.is_ok());
        child::growth(|| {
            let outcome = skills::call(&program, "flood", vec![Value::U32(50)]);
            assert_eq!(outcome.result.as_ref().ok(), Some(&Some(Value::U32(50))), "{outcome:?}");
            assert_eq!((outcome.output.stdout.len(), outcome.output.stderr.len()), (1 << 20, 1 << 20));
            assert_eq!(outcome.output.lost, 98 << 20);
        })
    });
    if let Some(grown) = grown {
        assert!(grown <= 16 << 20, "the host grew by {grown} bytes");
    }
}

fn has_no_control_characters(text: &str) -> bool {
    !text.chars().any(|c| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}'))
}

/// E6: whatever a guest calls its functions, nothing of it reaches a terminal as it is.
#[test]
fn hostile_names_are_escaped() {
    let host = skills::host();
    let program = skills::opened(&host, &fixtures::assembled(fixtures::HOSTILE_NAMES), Limits::default());
    let outcome = skills::call(&program, "trap", vec![]);
    let Err(Failure::Trap(trap)) = outcome.result else { panic!("{outcome:?}") };
    assert!(trap.frames.iter().any(|frame| frame.function.contains("owned")), "{trap:?}");
    for frame in &trap.frames {
        assert!(has_no_control_characters(&frame.function) && !frame.function.contains('\n'), "{frame:?}");
    }
    let producers = &program.facts().producers;
    assert!(!producers.is_empty());
    for text in producers.iter().flat_map(|(field, value)| [field, value]) {
        assert!(has_no_control_characters(text) && !text.contains('\n'), "{producers:?}");
    }
}

#[test]
fn hostile_panic_messages_are_escaped() {
    let path = need!("the guest `hostile`", places::guest("hostile"));
    let host = skills::host();
    let program = skills::opened_file(&host, &path, Limits::default());
    let text = b"\x1b[2J\x1b]0;owned\x07\xff\xfe\r\n\xe2\x80\xae".to_vec();
    let outcome = skills::call(&program, "panic-after", vec![Value::Bytes(text)]);
    let Err(Failure::Trap(trap)) = outcome.result else { panic!("{outcome:?}") };
    assert!(trap.panic.as_deref().is_some_and(has_no_control_characters), "{trap:?}");
    let long = "x".repeat(100_000);
    let outcome = skills::call(&program, "panic-with", vec![long.as_str().into()]);
    let Err(Failure::Trap(trap)) = outcome.result else { panic!("{outcome:?}") };
    assert!(trap.panic.is_some_and(|text| text.len() < 10_000));
}
