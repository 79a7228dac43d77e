//! Taking one call down.

use super::{Audit, Ended, Event, Record, Started};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use vox_model::{Capability, Digest, Effect, Recorder, Tier, Verdict};

/// Records that are kept back, and bytes of them: one write for many, and a bound on our memory.
const KEPT_RECORDS: u64 = 32;
const KEPT_BYTES: usize = 64 << 10;

/// For how long a record is kept back while others follow it.
const KEPT_TIME: Duration = Duration::from_secs(1);

/// Effects of one kind that are taken down singly in one call, and bytes of them; the rest is counted. A skill in a loop
/// must not push out of the log what others did, nor hide among a thousand reads what it sent. A call that floods one
/// kind adds 1/340 of the log, one that floods all of the eight capabilities with all verdicts 1/14.
const MAX_EFFECTS: u64 = 256;
const MAX_BYTES: u64 = 96 << 10;

/// The call that is taken down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallAbout {
    /// Its name, as in `vox_model::CallScope::call`.
    pub call: String,
    /// The skill, as people write it.
    pub skill: String,
    /// Its content.
    pub digest: Digest,
    /// The function.
    pub function: String,
    /// Where it runs.
    pub tier: Tier,
    /// Who called: `cli`, `http`, the name that an MCP client gives itself.
    pub caller: String,
}

/// Takes down what one call does. Records are kept back a little: they are written when there are 32, when one is older
/// than a second while others follow, and when the call ends. Dropped without [`CallRecorder::end`], it writes that the
/// end is not known.
pub struct CallRecorder {
    audit: Audit,
    about: CallAbout,
    started: Instant,
    state: Mutex<State>,
}

/// What is counted together.
type Kind = (Capability, Verdict);

struct State {
    kept: Vec<u8>,
    records: u64,
    since: Instant,
    /// Effects of each kind that were taken down singly, and bytes of them.
    singly: BTreeMap<Kind, (u64, u64)>,
    /// Effects of each kind that were not.
    more: BTreeMap<Kind, u64>,
    ended: bool,
}

impl CallRecorder {
    pub(super) fn new(audit: Audit, about: CallAbout) -> Self {
        let now = Instant::now();
        let state = State {
            kept: Vec::new(),
            records: 0,
            since: now,
            singly: BTreeMap::new(),
            more: BTreeMap::new(),
            ended: false,
        };
        let recorder = Self { audit, about, started: now, state: Mutex::new(state) };
        let CallAbout { function, tier, caller, .. } = recorder.about.clone();
        recorder.with(|recorder, state| {
            recorder.keep(state, Event::Started(Started { function, tier, caller }));
        });
        recorder
    }

    /// Takes the end down and writes what was kept back. What is recorded afterwards, by a task that had not noticed,
    /// is still written. A second end is not.
    pub fn end(&self, verdict: Verdict, detail: &str) {
        self.with(|recorder, state| {
            if std::mem::replace(&mut state.ended, true) {
                return;
            }
            recorder.keep_more(state);
            let duration_us = u64::try_from(recorder.started.elapsed().as_micros()).unwrap_or(u64::MAX);
            let CallAbout { function, tier, .. } = recorder.about.clone();
            let ended = Ended { function, tier, verdict, detail: detail.to_owned(), duration_us };
            recorder.keep(state, Event::Ended(ended));
            recorder.write(state);
        });
    }

    /// Writes what was kept back.
    pub fn flush(&self) {
        self.with(Self::write);
    }

    fn with(&self, act: impl FnOnce(&Self, &mut State)) {
        act(self, &mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes a record down; gives its bytes.
    fn keep(&self, state: &mut State, event: Event) -> u64 {
        let CallAbout { call, skill, digest, .. } = &self.about;
        let mut line = self.audit.encode(&Record::now(call, skill, *digest, event));
        let bytes = line.len() as u64;
        if state.records == 0 {
            state.since = Instant::now();
        }
        state.records += 1;
        state.kept.append(&mut line);
        let full = state.records >= KEPT_RECORDS || state.kept.len() >= KEPT_BYTES;
        if full || state.since.elapsed() >= KEPT_TIME {
            self.write(state);
        }
        bytes
    }

    fn keep_more(&self, state: &mut State) {
        if !state.more.is_empty() {
            let more = std::mem::take(&mut state.more);
            let name = |((capability, verdict), count)| (format!("{capability} {verdict}"), count);
            let effects = more.into_iter().map(name).collect();
            self.keep(state, Event::More { effects });
        }
    }

    fn write(&self, state: &mut State) {
        if state.records > 0 {
            self.audit.append(std::mem::take(&mut state.kept), std::mem::take(&mut state.records));
        }
    }
}

impl Recorder for CallRecorder {
    fn record(&self, effect: Effect) {
        self.with(|recorder, state| {
            let kind = (effect.capability, effect.verdict);
            let (count, bytes) = state.singly.get(&kind).copied().unwrap_or_default();
            if count < MAX_EFFECTS && bytes < MAX_BYTES {
                let written = recorder.keep(state, Event::Effect(effect));
                state.singly.insert(kind, (count + 1, bytes + written));
            } else {
                *state.more.entry(kind).or_default() += 1;
            }
            if state.ended {
                recorder.write(state);
            }
        });
    }
}

impl Drop for CallRecorder {
    fn drop(&mut self) {
        self.end(Verdict::Failed, "the end is not known");
        self.with(|recorder, state| {
            recorder.keep_more(state);
            recorder.write(state);
        });
    }
}
