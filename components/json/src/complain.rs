//! Complaints with a place.

use crate::bindings::exports::vox::bundle::json::{Complaint, Position};

/// A complaint about the byte at `offset` of `text`.
#[cold]
pub(crate) fn at(text: &str, offset: usize, message: impl Into<String>) -> Complaint {
    Complaint { at: Some(position(text, offset)), message: message.into() }
}

/// A complaint that speaks of no single place.
#[cold]
pub(crate) fn whole(message: impl Into<String>) -> Complaint {
    Complaint { at: None, message: message.into() }
}

fn position(text: &str, offset: usize) -> Position {
    let offset = text.floor_char_boundary(offset);
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let lines = before.bytes().filter(|byte| *byte == b'\n').count();
    Position { offset: short(offset), line: short(lines + 1), column: short(before[line_start..].chars().count() + 1) }
}

/// Texts in a 32-bit memory are shorter than 4 GiB; natively the tests are.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
