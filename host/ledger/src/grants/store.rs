//! The entries as one file holds them, and what changes them.

use super::lookup::{self, Source};
use super::{Asking, Decision, Entry, EntryId, GrantSet, GrantsError, Life, MAX_PACKAGE, NewGrant, Use};
use crate::document::Body;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Entries in the store: the person's overview and our memory. Nobody gives this many.
pub(super) const MAX_ENTRIES: usize = 4096;

/// For how long entries that are over are still listed.
pub(super) const KEEP_OVER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How exact "last used" is: without it, every call would wait for the disk.
const USED_GRAIN: SignedDuration = SignedDuration::from_secs(60);

/// The file `grants.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "G: GrantSet")]
pub(super) struct Store<G> {
    version: u64,
    /// The next entry's id.
    next: u64,
    pub(super) entries: Vec<Entry<G>>,
}

impl<G> Default for Store<G> {
    fn default() -> Self {
        Self { version: 1, next: 1, entries: Vec::new() }
    }
}

impl<G: GrantSet> Body for Store<G> {
    const VERSION: u64 = 1;

    fn check(&self) -> Result<(), String> {
        let ids: BTreeSet<_> = self.entries.iter().map(|entry| entry.id).collect();
        if self.version != Self::VERSION {
            return Err(format!("there is no format {}", self.version));
        }
        if ids.len() != self.entries.len() || ids.last().is_some_and(|last| last.0 >= self.next) {
            return Err("ids of grants repeat".to_owned());
        }
        Ok(())
    }
}

impl<G: GrantSet> Store<G> {
    /// Drops what has been over for long.
    pub(super) fn tidy(&mut self, now: Timestamp) {
        self.entries.retain(|entry| match entry.life(now) {
            Life::Live | Life::Undatable => true,
            Life::Expired => entry.expires.is_some_and(|end| now.duration_since(end) < KEEP_OVER),
            Life::Spent => now.duration_since(entry.last_used.unwrap_or(entry.created)) < KEEP_OVER,
        });
    }

    pub(super) fn insert(
        &mut self,
        new: NewGrant<G>,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(EntryId, bool), GrantsError> {
        let NewGrant { asking: Asking { package, digest, consent }, decision, grant, terms } = new;
        if decision == Decision::Allow {
            self.entries.retain(|old| {
                old.decision != decision || old.package != package || old.digest != digest || old.consent == consent
            });
        }
        let home = self.entries.iter_mut().find(|old| {
            let same = old.package == package && old.digest == digest && old.consent == consent;
            let fits = if terms.unlimited() { old.unlimited() } else { !old.unlimited() && old.grant == grant };
            same && old.decision == decision && fits
        });
        if let Some(old) = home {
            old.grant.merge(&grant);
            if !terms.unlimited() {
                (old.created, old.expires, old.uses_left) = (now, expires, terms.times);
            }
            return Ok((old.id, true));
        }
        if self.entries.len() >= MAX_ENTRIES {
            return Err(GrantsError::TooMany);
        }
        let id = EntryId(self.next);
        self.next += 1;
        self.entries.push(Entry {
            id,
            package,
            digest,
            consent,
            decision,
            grant,
            created: now,
            last_used: None,
            expires,
            uses_left: terms.times,
        });
        Ok((id, false))
    }

    /// The entries that take something away from what was just given.
    pub(super) fn beaten(&self, new: &NewGrant<G>, now: Timestamp) -> Vec<EntryId> {
        if new.decision != Decision::Allow {
            return Vec::new();
        }
        let answer = lookup::look_up(&self.entries, &new.asking, lookup::live(now));
        let beats = |source: &&Source<G>| {
            let mut left = new.grant.clone();
            match source.decision {
                Decision::Allow => return false,
                Decision::Deny => left.subtract(&source.grant),
                Decision::DenyAll => return true,
            }
            left != new.grant
        };
        answer.sources.iter().filter(beats).map(|source| source.id).collect()
    }

    /// Counts one use of each; says whether anything has to be written.
    pub(super) fn count(&mut self, ids: &BTreeSet<EntryId>, now: Timestamp) -> (Use, bool) {
        let live = lookup::live(now);
        let there: BTreeSet<EntryId> =
            self.entries.iter().filter(|entry| ids.contains(&entry.id) && live(entry)).map(|entry| entry.id).collect();
        if there != *ids {
            return (Use::Gone(ids.difference(&there).copied().collect()), false);
        }
        let mut changed = false;
        for entry in self.entries.iter_mut().filter(|entry| ids.contains(&entry.id)) {
            let stale = entry.last_used.is_none_or(|last| now.duration_since(last).abs() >= USED_GRAIN);
            if stale || entry.uses_left.is_some() {
                changed = true;
                entry.last_used = Some(now);
            }
            entry.uses_left = entry.uses_left.map(|left| left.saturating_sub(1));
        }
        (Use::Counted, changed)
    }
}

/// Refuses decisions that make no sense; gives the end of those that have one.
pub(super) fn check<G: GrantSet>(new: &mut NewGrant<G>, now: Timestamp) -> Result<Option<Timestamp>, GrantsError> {
    let package = &new.asking.package;
    if package.is_empty() || package.len() > MAX_PACKAGE || package.chars().any(crate::text::misleads) {
        return Err(GrantsError::Name(crate::text::line(package, 80)));
    }
    match new.decision {
        Decision::DenyAll => new.grant = G::default(),
        _ if new.grant.is_empty() => return Err(GrantsError::Empty(package.clone())),
        _ => {}
    }
    match new.terms.times {
        Some(0) => return Err(GrantsError::Terms("a grant for 0 calls allows nothing; give 1 or more")),
        Some(_) if new.decision != Decision::Allow => {
            return Err(GrantsError::Terms("what is forbidden cannot be counted; leave the number of calls out"));
        }
        _ => {}
    }
    let Some(lasting) = new.terms.lasting else { return Ok(None) };
    if lasting.is_zero() {
        return Err(GrantsError::Terms("a grant for no time allows nothing; give 1s or more"));
    }
    let end = now.checked_add(lasting).map_err(|_| GrantsError::Terms("that long is for ever; leave the time out"))?;
    Ok(Some(end))
}
