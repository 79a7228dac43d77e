//! Tables in Markdown.

use crate::model::Unit;
use crate::model::{Entry, Report, Row};
use crate::report::{promise, shown, three, times, value, verdict};

/// A document of its own.
pub fn document(report: &Report) -> String {
    let mut text = "# Benchmarks\n\n".to_owned();
    text.push_str(&tables(report));
    text.push_str("\n## Machine and settings\n\n| | |\n|---|---|\n");
    for (name, value) in &report.environment {
        text.push_str(&format!("| {} | {} |\n", cell(name), cell(value)));
    }
    text
}

/// One table for each row.
pub fn tables(report: &Report) -> String {
    let mut text =
        "Medians; a ratio is what the contender takes, divided by what vox takes in the same minute, with its \
        95 % interval. Above 1 vox is faster or smaller. `noisy`: the interval is wider than a fifth.\n"
            .to_owned();
    for row in &report.rows {
        text.push_str(&table(row));
    }
    text
}

fn table(row: &Row) -> String {
    let mut text = format!("\n**{}**\n\n| | | times vox | floor | |\n|---|---:|---:|---:|---|\n", row.title);
    for entry in &row.entries {
        let cells = [entry.label.clone(), value(row, entry), times(entry), promise(row, entry), remark(entry)];
        text.push_str(&format!("| {} |\n", cells.map(|text| cell(&text)).join(" | ")));
    }
    for note in &row.notes {
        text.push_str(&format!("\n{note}\n"));
    }
    text
}

/// The verdict, and what a process used.
fn remark(entry: &Entry) -> String {
    let mut remark = verdict(entry);
    if let (Some(cpu), Some(rss)) = (entry.cpu, entry.max_rss) {
        let comma = if remark.is_empty() { "" } else { ", " };
        remark.push_str(&format!("{comma}CPU {}, {} MB", shown(cpu, Unit::Seconds), three(rss as f64 / 1e6)));
    }
    remark
}

/// Text that does not end a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
