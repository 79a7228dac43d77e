//! Taking one call down.

use super::{Audit, Ended, Event, Record, Started};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use vox_model::{Digest, Effect, Recorder, Tier, Verdict};

/// Records that are kept back, and bytes of them: one write for many, and a bound on our memory.
const KEPT_RECORDS: u64 = 32;
const KEPT_BYTES: usize = 64 << 10;

/// For how long a record is kept back while others follow it.
const KEPT_TIME: Duration = Duration::from_secs(1);

/// Effects of one call that are taken down singly, the rest is counted: a skill in a loop must not push out of the log
/// what others did. Eight such calls fill it at worst.
const MAX_EFFECTS: u64 = 4096;

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

struct State {
    kept: Vec<u8>,
    records: u64,
    since: Instant,
    effects: u64,
    more: BTreeMap<String, u64>,
    ended: bool,
}

impl CallRecorder {
    pub(super) fn new(audit: Audit, about: CallAbout) -> Self {
        let now = Instant::now();
        let state = State { kept: Vec::new(), records: 0, since: now, effects: 0, more: BTreeMap::new(), ended: false };
        let recorder = Self { audit, about, started: now, state: Mutex::new(state) };
        let CallAbout { function, tier, caller, .. } = recorder.about.clone();
        recorder.with(|recorder, state| recorder.keep(state, Event::Started(Started { function, tier, caller })));
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

    fn keep(&self, state: &mut State, event: Event) {
        let CallAbout { call, skill, digest, .. } = &self.about;
        let mut line = self.audit.encode(&Record::now(call, skill, *digest, event));
        if state.records == 0 {
            state.since = Instant::now();
        }
        state.records += 1;
        state.kept.append(&mut line);
        let full = state.records >= KEPT_RECORDS || state.kept.len() >= KEPT_BYTES;
        if full || state.since.elapsed() >= KEPT_TIME {
            self.write(state);
        }
    }

    fn keep_more(&self, state: &mut State) {
        if !state.more.is_empty() {
            let effects = std::mem::take(&mut state.more);
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
            state.effects += 1;
            if state.effects <= MAX_EFFECTS {
                recorder.keep(state, Event::Effect(effect));
            } else {
                let kind = format!("{} {}", effect.capability, effect.verdict);
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
