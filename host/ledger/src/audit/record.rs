//! One line of the audit.

use super::scrub::Scrub;
use crate::grants::digest_text;
use crate::text::line;
use jiff::{Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use vox_model::{Digest, Effect, Tier, Verdict};

/// The format of a line; readers pass newer ones over.
pub(super) const VERSION: u32 = 1;

/// Bytes of every text in a record, escapes included: a skill must not fill the log with one of them.
pub(super) const MAX_TEXT: usize = 1 << 10;

/// What stands where a text held a secret. All of it goes: what stood around a secret can tell it, too.
pub(super) const REDACTED: &str = "[redacted: it held a secret]";

/// One line of the audit. Texts are escaped and cut when it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Record {
    /// When, to the millisecond.
    pub time: Timestamp,
    /// Which call, as in `vox_model::CallScope::call`; empty for what belongs to none.
    pub call: String,
    /// The skill, as people write it.
    pub skill: String,
    /// Its content.
    #[serde(with = "digest_text")]
    pub digest: Digest,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// Whether a text was left out because it held a secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A call started.
    Started(Started),
    /// The skill did something outside its sandbox, or tried to.
    Effect(Effect),
    /// A call did more than is taken down singly: how often what happened beyond that, as `http-out denied`.
    More {
        /// By capability and verdict.
        effects: BTreeMap<String, u64>,
    },
    /// A call ended.
    Ended(Ended),
    /// A person decided something.
    Consent(Consented),
    /// Records before this one could not be written.
    Gap {
        /// How many.
        records: u64,
    },
}

/// The start of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Started {
    /// The function.
    pub function: String,
    /// Where it runs.
    pub tier: Tier,
    /// Who called: `cli`, `http`, the name that an MCP client gives itself.
    pub caller: String,
}

/// The end of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ended {
    /// The function.
    pub function: String,
    /// Where it ran.
    pub tier: Tier,
    /// Allowed: it ran to its end. Denied: it was not let start. Failed: it trapped, hit a limit, was cancelled.
    pub verdict: Verdict,
    /// How it ended, one word or a sentence.
    pub detail: String,
    /// For how long it ran, in microseconds.
    pub duration_us: u64,
}

/// A decision of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Consented {
    /// What was done: `grant`, `deny`, `revoke`, `once`.
    pub action: String,
    /// Through what: `cli`, `prompt`.
    pub caller: String,
    /// What it is about, in the words of the grant.
    pub scope: String,
}

impl Record {
    /// A record of now.
    pub fn now(call: &str, skill: &str, digest: Digest, event: Event) -> Self {
        let (call, skill) = (call.to_owned(), skill.to_owned());
        Self { time: Timestamp::now(), call, skill, digest, event, redacted: false }
    }

    pub(super) fn gap(records: u64) -> Self {
        Self::now("", "", Digest([0; 32]), Event::Gap { records })
    }

    /// What was decided, where that is what the record tells.
    pub fn verdict(&self) -> Option<Verdict> {
        match &self.event {
            Event::Effect(effect) => Some(effect.verdict),
            Event::Ended(ended) => Some(ended.verdict),
            Event::Started(_) | Event::More { .. } | Event::Consent(_) | Event::Gap { .. } => None,
        }
    }

    fn texts(&mut self) -> Vec<&mut String> {
        let mut texts = vec![&mut self.call, &mut self.skill];
        match &mut self.event {
            Event::Started(it) => texts.extend([&mut it.function, &mut it.caller]),
            Event::Effect(it) => texts.extend([&mut it.action, &mut it.target, &mut it.rule]),
            Event::Ended(it) => texts.extend([&mut it.function, &mut it.detail]),
            Event::Consent(it) => texts.extend([&mut it.action, &mut it.caller, &mut it.scope]),
            // Words of ours and numbers.
            Event::More { .. } | Event::Gap { .. } => {}
        }
        texts
    }
}

#[derive(Serialize)]
struct Line<'a> {
    v: u32,
    #[serde(flatten)]
    record: &'a Record,
}

/// The record as one line with its end. Secrets are looked for in the whole texts, before anything is cut.
pub(super) fn encode(record: &Record, scrub: &Scrub) -> Vec<u8> {
    let mut record = record.clone();
    let mut redacted = false;
    for text in record.texts() {
        if scrub.finds(text) {
            redacted = true;
            REDACTED.clone_into(text);
        } else {
            *text = line(text, MAX_TEXT);
        }
    }
    record.redacted |= redacted;
    let milliseconds = TimestampRound::new().smallest(Unit::Millisecond).mode(jiff::RoundMode::Trunc);
    record.time = record.time.round(milliseconds).unwrap_or(record.time);
    // Strings, numbers and maps with text keys: there is nothing in a record that JSON cannot say.
    let mut out = serde_json::to_vec(&Line { v: VERSION, record: &record }).unwrap_or_default();
    out.push(b'\n');
    out
}
