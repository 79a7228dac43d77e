//! The paired interleaved runner: every round measures every contender once, in alternating order, and ratios are
//! taken within a round, so that a machine that slows down slows everybody down.

use crate::model::{Entry, Floor, Row, Status, Unit};
use crate::stats::{median, ratio};
use anyhow::Result;
use std::time::Duration;

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Rounds, each with one batch of every contender; at least 9.
    pub rounds: usize,
    /// How long a batch of a fast operation lasts.
    pub batch: Duration,
}

/// Somebody who does the work of a row.
pub trait Contender {
    /// Does it once and gives the result, which is compared with vox's.
    ///
    /// # Errors
    /// It does not work.
    fn once(&mut self) -> Result<Vec<u8>>;

    /// Does it several times and gives the time they took together.
    ///
    /// # Errors
    /// It does not work.
    fn batch(&mut self, count: u64) -> Result<Duration>;

    /// Processor time and memory of its processes, if it starts any.
    fn usage(&self) -> Option<Usage> {
        None
    }
}

/// What processes used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Processor seconds of one, on average.
    pub cpu: f64,
    /// The most memory that one had, in bytes.
    pub max_rss: u64,
}

/// A contender of a row, or why it is none.
struct Rival {
    label: String,
    floor: Option<Floor>,
    compared: bool,
    who: Result<Box<dyn Contender>, String>,
}

/// A row to be measured. The first contender is vox.
pub struct Plan {
    name: &'static str,
    title: String,
    notes: Vec<String>,
    rivals: Vec<Rival>,
    /// Operations that one call of a contender stands for, such as the stages of a pipeline.
    per_call: f64,
}

impl Plan {
    /// An empty row.
    pub fn new(name: &'static str, title: impl Into<String>) -> Self {
        Self { name, title: title.into(), notes: Vec::new(), rivals: Vec::new(), per_call: 1.0 }
    }

    /// Divides all times by this.
    pub fn per_call(mut self, operations: f64) -> Self {
        self.per_call = operations;
        self
    }

    /// Adds a note.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Adds a contender, or the reason why there is none.
    pub fn add(&mut self, label: &str, who: Result<Box<dyn Contender>>) {
        let who = who.map_err(|error| format!("{error:#}"));
        self.rivals.push(Rival { label: label.to_owned(), floor: None, compared: true, who });
    }

    /// Promises something about the contender that was added last.
    pub fn floor(&mut self, least: f64) {
        if let Some(last) = self.rivals.last_mut() {
            last.floor = Some(Floor::RatioAtLeast(least));
        }
    }

    /// The contender that was added last does less than the others, so that its result is not compared.
    pub fn incomparable(&mut self) {
        if let Some(last) = self.rivals.last_mut() {
            last.compared = false;
        }
    }

    /// Compares the results, then measures.
    pub fn run(self, settings: Settings) -> Row {
        let mut lanes: Vec<Lane> = self.rivals.into_iter().map(Lane::new).collect();
        compare(&mut lanes);
        for lane in &mut lanes {
            lane.guarded(|lane| lane.calibrate(settings.batch));
        }
        for round in 0..settings.rounds {
            let mut order: Vec<usize> = (0..lanes.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for index in order {
                lanes[index].guarded(|lane| lane.sample(self.per_call));
            }
        }
        let base = lanes.first().map(|lane| lane.samples.clone()).unwrap_or_default();
        let entries = lanes.into_iter().enumerate().map(|(at, lane)| lane.entry((at > 0).then_some(&base[..])));
        Row {
            name: self.name.to_owned(),
            title: self.title,
            unit: Unit::Seconds,
            entries: entries.collect(),
            notes: self.notes,
        }
    }
}

/// A contender while it is measured.
struct Lane {
    label: String,
    floor: Option<Floor>,
    compared: bool,
    who: Option<Box<dyn Contender>>,
    status: Status,
    count: u64,
    samples: Vec<f64>,
}

/// All results have to be those of vox, but for white space at the end.
fn compare(lanes: &mut [Lane]) {
    let mut expected: Option<Vec<u8>> = None;
    for lane in lanes {
        lane.guarded(|lane| {
            let Some(who) = &mut lane.who else { return Ok(()) };
            let result = who.once()?.trim_ascii_end().to_vec();
            match &expected {
                None => expected = Some(result),
                Some(expected) if lane.compared && *expected != result => {
                    let shown = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
                    anyhow::bail!("its result {:?} is not vox's {:?}", shown(&result), shown(expected));
                }
                Some(_) => {}
            }
            Ok(())
        });
    }
}

impl Lane {
    fn new(rival: Rival) -> Self {
        let (who, status) = match rival.who {
            Ok(who) => (Some(who), Status::Measured),
            Err(why) => (None, Status::Skipped(why)),
        };
        let Rival { label, floor, compared, .. } = rival;
        Self { label, floor, compared, who, status, count: 1, samples: Vec::new() }
    }

    /// Does a step; an error ends the part of this contender.
    fn guarded(&mut self, step: impl FnOnce(&mut Self) -> Result<()>) {
        if let Err(error) = step(self) {
            self.status = Status::Failed(format!("{error:#}"));
            self.who = None;
            self.samples.clear();
        }
    }

    /// Finds how many operations fill a batch, warming up on the way.
    fn calibrate(&mut self, batch: Duration) -> Result<()> {
        let Some(who) = &mut self.who else { return Ok(()) };
        let mut filled = false;
        for _ in 0..12 {
            let took = who.batch(self.count)?;
            if took >= batch / 2 {
                // Once is not enough: the first that is so long may have paid for what later ones find made.
                if std::mem::replace(&mut filled, true) {
                    break;
                }
                continue;
            }
            filled = false;
            let more = batch.as_secs_f64() / took.as_secs_f64().max(1e-9);
            self.count = (self.count as f64 * more.clamp(1.5, 20.0)).ceil() as u64;
        }
        Ok(())
    }

    fn sample(&mut self, per_call: f64) -> Result<()> {
        let Some(who) = &mut self.who else { return Ok(()) };
        let took = who.batch(self.count)?;
        self.samples.push(took.as_secs_f64() / self.count as f64 / per_call);
        Ok(())
    }

    fn entry(self, base: Option<&[f64]>) -> Entry {
        let usage = self.who.as_ref().and_then(|who| who.usage());
        let measured = !self.samples.is_empty();
        Entry {
            value: measured.then(|| median(&self.samples)),
            ratio: base.filter(|base| measured && !base.is_empty()).map(|base| ratio(base, &self.samples)),
            label: self.label,
            floor: self.floor,
            status: self.status,
            cpu: usage.map(|usage| usage.cpu),
            max_rss: usage.map(|usage| usage.max_rss),
            samples: self.samples,
        }
    }
}
