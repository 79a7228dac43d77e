//! Columns as tables in Markdown.

use crate::bindings::acme::frames::describe::{Column, Numbers, Summary, Texts};
use std::fmt::Write as _;

/// The whole report. Columns without any value stand in the last line.
pub(crate) fn report(columns: &[Column]) -> String {
    let (mut numbers, mut texts, mut empty) = (String::new(), String::new(), Vec::new());
    for column in columns {
        match &column.summary {
            Summary::Numbers(found) => numbers.push_str(&number_row(column, found)),
            Summary::Texts(found) => texts.push_str(&text_row(column, found)),
            Summary::Nothing => empty.push(cell(&column.name)),
        }
    }
    let mut parts = Vec::new();
    if !numbers.is_empty() {
        let head = "| column | count | missing | mean | min | 25 % | median | 75 % | max |";
        parts.push(format!("{head}\n|---|---:|---:|---:|---:|---:|---:|---:|---:|\n{numbers}"));
    }
    if !texts.is_empty() {
        parts.push(format!(
            "| column | count | missing | distinct | most frequent |\n|---|---:|---:|---:|---|\n{texts}"
        ));
    }
    if !empty.is_empty() {
        parts.push(format!("Without values: {}.\n", empty.join(", ")));
    }
    parts.join("\n")
}

fn number_row(column: &Column, found: &Numbers) -> String {
    let (low, median, high) = found.quartiles;
    let mut row = format!("| {} | {} | {} |", cell(&column.name), column.count, column.missing);
    for value in [found.mean, found.min, low, median, high, found.max] {
        // Writing to a string does not fail.
        let _ = write!(row, " {} |", number(value));
    }
    row.push('\n');
    row
}

fn text_row(column: &Column, found: &Texts) -> String {
    let top: Vec<String> = found.top.iter().map(|one| format!("{} ({})", cell(&one.text), one.times)).collect();
    let Column { name, count, missing, .. } = column;
    format!("| {} | {count} | {missing} | {} | {} |\n", cell(name), found.distinct, top.join(", "))
}

/// At most four digits behind the point, and no zeros at the end.
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A text that cannot end its cell, nor begin anything of Markdown's.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in text.trim().chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '<' | '[' | ']' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::acme::frames::describe::Frequency;

    fn column(name: &str, summary: Summary) -> Column {
        Column { name: name.to_owned(), count: 3, missing: 1, summary }
    }

    #[test]
    fn each_kind_of_column_has_its_place() {
        let numbers = Numbers { mean: 2.0, min: -1.5, quartiles: (0.0, 1.0 / 3.0, 3.0), max: 4.25 };
        let top = vec![Frequency { text: "a|b".to_owned(), times: 2 }];
        let text = report(&[
            column("n", Summary::Numbers(numbers)),
            column("t*", Summary::Texts(Texts { distinct: 2, top })),
            column("e", Summary::Nothing),
        ]);
        assert!(text.contains("| n | 3 | 1 | 2 | -1.5 | 0 | 0.3333 | 3 | 4.25 |\n"), "{text}");
        assert!(text.contains("| t\\* | 3 | 1 | 2 | a\\|b (2) |\n"), "{text}");
        assert!(text.ends_with("\nWithout values: e.\n"), "{text}");
        assert_eq!(report(&[]), "");
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [(-0.00001, "0"), (100.0, "100"), (1.23456, "1.2346"), (1e15, "1000000000000000")] {
            assert_eq!(number(value), text);
        }
    }
}
