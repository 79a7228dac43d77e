//! What a person, a program and the README get to see.

pub mod chart;
pub mod environment;
pub mod markdown;
pub mod terminal;

use crate::model::{Entry, Floor, Report, Row, Status, Unit};
use anyhow::{Context as _, Result, bail};
use std::path::Path;

const START: &str = "<!-- bench:start -->";
const END: &str = "<!-- bench:end -->";

/// Writes `latest.json`, `latest.md` and `latest.svg`.
///
/// # Errors
/// A file cannot be written.
pub fn write(report: &Report, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let put = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())
    };
    put("latest.json", serde_json::to_string_pretty(report)? + "\n")?;
    put("latest.md", markdown::document(report))?;
    put("latest.svg", chart::draw(report)?)
}

/// Replaces the table of a README.
///
/// # Errors
/// The file or its markers are not there.
pub fn into_readme(report: &Report, readme: &Path) -> Result<()> {
    let text = std::fs::read_to_string(readme).with_context(|| readme.display().to_string())?;
    let markers = text.find(START).zip(text.find(END));
    let Some((start, end)) = markers.filter(|(start, end)| start < end) else {
        bail!("{} has no {START} with {END} behind it", readme.display());
    };
    let (before, after) = (&text[..start + START.len()], &text[end..]);
    std::fs::write(readme, format!("{before}\n{}\n{after}", markdown::tables(report)))?;
    Ok(())
}

/// A number with three digits and a unit.
pub fn shown(value: f64, unit: Unit) -> String {
    let scales: &[(f64, &str)] = match unit {
        Unit::Seconds => &[(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")],
        Unit::Bytes => &[(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")],
    };
    let smallest = scales[scales.len() - 1];
    let (scale, name) = scales.iter().copied().find(|(scale, _)| value >= *scale).unwrap_or(smallest);
    format!("{} {name}", three(value / scale))
}

/// Three significant digits, and thousands apart.
pub fn three(value: f64) -> String {
    if value >= 1000.0 {
        let digits = format!("{value:.0}");
        let groups: Vec<&str> =
            digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
        return groups.join(",");
    }
    let places = match value {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.places$}")
}

/// The value of an entry.
fn value(row: &Row, entry: &Entry) -> String {
    entry.value.map_or_else(|| "-".to_owned(), |value| shown(value, row.unit))
}

/// How many times what vox takes, with its interval.
fn times(entry: &Entry) -> String {
    match entry.ratio {
        Some(ratio) if entry.samples.len() > 1 => {
            format!("{}x [{} to {}]", three(ratio.median), three(ratio.low), three(ratio.high))
        }
        Some(ratio) => format!("{}x", three(ratio.median)),
        None => String::new(),
    }
}

/// What is promised.
fn promise(row: &Row, entry: &Entry) -> String {
    match entry.floor {
        Some(Floor::RatioAtLeast(least)) => format!("≥ {}x", three(least)),
        Some(Floor::ValueAtMost(most)) => format!("≤ {}", shown(most, row.unit)),
        None => String::new(),
    }
}

/// What became of it.
fn verdict(entry: &Entry) -> String {
    let noisy = if entry.ratio.is_some_and(|ratio| ratio.noisy) { "noisy" } else { "" };
    match (&entry.status, entry.holds()) {
        (Status::Skipped(why), _) => format!("skipped: {why}"),
        (Status::Failed(why), _) => format!("failed: {why}"),
        (Status::Measured, Some(true)) => format!("met {noisy}").trim_end().to_owned(),
        (Status::Measured, Some(false)) => format!("MISSED {noisy}").trim_end().to_owned(),
        (Status::Measured, None) => noisy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{shown, three};
    use crate::model::Unit;

    #[test]
    fn numbers_for_people() {
        assert_eq!(three(0.5), "0.50");
        assert_eq!(three(12.345), "12.3");
        assert_eq!(three(123.4), "123");
        assert_eq!(three(1_234_567.0), "1,234,567");
        assert_eq!(shown(9.2e-6, Unit::Seconds), "9.20 µs");
        assert_eq!(shown(0.5e-9, Unit::Seconds), "0.50 ns");
        assert_eq!(shown(20e6, Unit::Bytes), "20.0 MB");
    }
}
