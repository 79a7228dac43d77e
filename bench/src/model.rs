//! What a run of the benchmarks found out.

use crate::stats::Ratio;
use serde::Serialize;

/// The version of the JSON output; it grows when a field changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// One run.
#[derive(Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Machine, versions and settings, as name and value.
    pub environment: Vec<(String, String)>,
    /// All rows, in the order in which they ran.
    pub rows: Vec<Row>,
}

/// One question and everyone's answer.
#[derive(Serialize)]
pub struct Row {
    /// What `--row` selects it by.
    pub name: String,
    /// What is measured.
    pub title: String,
    /// In what.
    pub unit: Unit,
    /// vox first.
    pub entries: Vec<Entry>,
    /// What one has to know to read it.
    pub notes: Vec<String>,
}

/// What the numbers of a row count. Less is better in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Time of one operation.
    Seconds,
    /// Memory or disk.
    Bytes,
}

/// A promise about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Floor {
    /// This contender takes at least so many times what vox takes.
    RatioAtLeast(f64),
    /// vox itself takes at most this.
    ValueAtMost(f64),
}

/// How measuring an entry ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It has a number.
    Measured,
    /// It could not take part, and why.
    Skipped(String),
    /// It took part and gave something else than vox, or failed.
    Failed(String),
}

/// One contender in one row.
#[derive(Clone, Serialize)]
pub struct Entry {
    /// Who.
    pub label: String,
    /// The median.
    pub value: Option<f64>,
    /// How many times what vox takes; none for vox itself.
    pub ratio: Option<Ratio>,
    /// What is promised.
    pub floor: Option<Floor>,
    /// How it ended.
    pub status: Status,
    /// Processor seconds of one process, user and system.
    pub cpu: Option<f64>,
    /// The most memory that one process had, in bytes.
    pub max_rss: Option<u64>,
    /// The samples of all rounds.
    pub samples: Vec<f64>,
}

impl Entry {
    /// An entry that did not take part.
    pub fn without(label: &str, status: Status) -> Self {
        Self {
            label: label.to_owned(),
            value: None,
            ratio: None,
            floor: None,
            status,
            cpu: None,
            max_rss: None,
            samples: Vec::new(),
        }
    }

    /// Whether the floor holds; none when there is none or it cannot be told.
    pub fn holds(&self) -> Option<bool> {
        match self.floor? {
            Floor::RatioAtLeast(least) => self.ratio.map(|ratio| ratio.median >= least),
            Floor::ValueAtMost(most) => self.value.map(|value| value <= most),
        }
    }
}

impl Report {
    /// Every floor that is missed and every contender that failed, one line each.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for row in &self.rows {
            for entry in &row.entries {
                let who = format!("{}: {}", row.title, entry.label);
                match (&entry.status, entry.holds()) {
                    (Status::Failed(why), _) => complaints.push(format!("{who}: {why}")),
                    (Status::Measured, Some(false)) => complaints.push(format!("{who}: the floor is missed")),
                    _ => {}
                }
            }
            if let Some(Entry { label, status: Status::Skipped(why), .. }) = row.entries.first() {
                complaints.push(format!("{}: {label} was not measured: {why}", row.title));
            }
        }
        complaints
    }
}
