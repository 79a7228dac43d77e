//! The table for the terminal.

use crate::model::Row;
use crate::report::{promise, times, value, verdict};

/// A row as lines of text.
pub fn lines(row: &Row) -> String {
    let mut text = format!("\n{}\n", row.title);
    let width = row.entries.iter().map(|entry| entry.label.chars().count()).max().unwrap_or_default();
    for entry in &row.entries {
        let (value, times) = (value(row, entry), times(entry));
        let (promise, verdict) = (promise(row, entry), verdict(entry));
        let line = format!("  {:width$}  {value:>9}  {times:<28} {promise:<9} {verdict}", entry.label);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
