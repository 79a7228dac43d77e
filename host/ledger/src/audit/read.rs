//! Reading the audit.

use super::log::Log;
use super::record::{Event, Record, VERSION};
use crate::StateError;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;
use vox_model::{Capability, Verdict};

/// Bytes of a line that are read. We write at most about 16 KiB; the rest of a longer one is passed over.
const MAX_LINE: u64 = 256 << 10;

/// Which records are wanted; the default is all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Of this skill.
    pub skill: Option<String>,
    /// Of this call.
    pub call: Option<String>,
    /// Effects under this capability.
    pub capability: Option<Capability>,
    /// Effects and ends of calls with this verdict.
    pub verdict: Option<Verdict>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// The last so many of those that pass the rest.
    pub last: Option<usize>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The records, the oldest first.
    pub records: Vec<Record>,
    /// What was passed over and why, one line for each file.
    pub notes: Vec<String>,
}

impl Filter {
    fn passes(&self, record: &Record) -> bool {
        let capability = match &record.event {
            Event::Effect(effect) => Some(effect.capability),
            _ => None,
        };
        self.skill.as_ref().is_none_or(|skill| *skill == record.skill)
            && self.call.as_ref().is_none_or(|call| *call == record.call)
            && self.capability.is_none_or(|wanted| capability == Some(wanted))
            && self.verdict.is_none_or(|wanted| record.verdict() == Some(wanted))
            && self.since.is_none_or(|since| record.time >= since)
    }
}

#[derive(Deserialize)]
struct Header {
    v: u32,
}

/// Lines of a file that were passed over.
#[derive(Default)]
struct Passed {
    damaged: u64,
    newer: u64,
    torn: bool,
}

pub(super) fn read(log: &Log, filter: &Filter) -> Result<Reading, StateError> {
    let mut records = VecDeque::new();
    let mut notes = Vec::new();
    for (path, file) in log.files()? {
        let mut passed = Passed::default();
        read_file(file, &mut passed, |record| {
            if filter.passes(&record) {
                records.push_back(record);
                if filter.last.is_some_and(|last| records.len() > last) {
                    records.pop_front();
                }
            }
        })
        .map_err(StateError::io(&path, "read"))?;
        passed.note(&path, &mut notes);
    }
    Ok(Reading { records: records.into(), notes })
}

fn read_file(file: File, passed: &mut Passed, mut take: impl FnMut(Record)) -> io::Result<()> {
    let mut file = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut file).take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let whole = line.pop_if(|last| *last == b'\n').is_some();
        if line.is_empty() {
            continue;
        }
        match (serde_json::from_slice(&line), serde_json::from_slice::<Header>(&line)) {
            (_, Ok(header)) if header.v > VERSION => passed.newer += 1,
            (Ok(record), Ok(_)) if whole => take(record),
            _ if !whole && line.len() < MAX_LINE as usize => passed.torn = true,
            _ => passed.damaged += 1,
        }
    }
}

impl Passed {
    fn note(&self, path: &Path, notes: &mut Vec<String>) {
        let mut parts = Vec::new();
        if self.torn {
            parts.push("a last line that is cut off".to_owned());
        }
        if self.damaged > 0 {
            parts.push(format!("{} damaged lines", self.damaged));
        }
        if self.newer > 0 {
            parts.push(format!("{} lines of a newer vox", self.newer));
        }
        if !parts.is_empty() {
            notes.push(format!("{}: passed over {}", path.display(), parts.join(", ")));
        }
    }
}
