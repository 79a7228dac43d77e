//! Whether what a running call started with still holds.

use super::{Answer, Asking, Decision, Entry, EntryId, GrantSet, Grants, Life, Store, lookup};
use crate::StateError;
use crate::private::Identity;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use vox_model::{Capability, Lease};

/// The lease of one call.
///
/// A capability is cut as soon as anything that the call was given under it is gone: taken back, run out, forbidden, or
/// unreadable. It is cut whole, also where only one of two hosts went, and it stays cut for this call. Uses that the
/// call itself has counted do not cut it.
pub struct Watch<G> {
    grants: Grants<G>,
    path: PathBuf,
    asking: Asking,
    /// What flags and project files gave: cannot be taken back, but forbidden.
    extra: G,
    /// What the call started with.
    started: G,
    capabilities: BTreeSet<Capability>,
    /// The entries that gave it.
    ids: BTreeSet<EntryId>,
    state: Mutex<State>,
}

struct State {
    checked: Option<Instant>,
    /// The file that `cut` was worked out from; held open so that its identity stays its own.
    seen: Option<(File, Identity)>,
    cut: BTreeSet<Capability>,
    /// The ends that were seen, on the clock that nobody sets.
    ends: BTreeMap<EntryId, (Timestamp, Instant)>,
    /// When the next entry in effect ends, on both clocks.
    next: Option<(Timestamp, Instant)>,
}

impl<G: GrantSet> Watch<G> {
    /// How old the answer of [`Lease::holds`] may be.
    pub const EVERY: Duration = Duration::from_millis(50);

    /// Watches over a call that was decided on `answer` and on what `extra` gives beside it. What was taken back since
    /// the answer is noticed at the first question.
    pub fn new(grants: &Grants<G>, answer: &Answer<G>, extra: G) -> Self {
        let started = answer.effective(&extra);
        Self {
            grants: grants.clone(),
            path: grants.path(),
            asking: answer.asking.clone(),
            capabilities: started.capabilities(),
            started,
            extra,
            ids: answer.given_by().map(|source| source.id).collect(),
            state: Mutex::new(State {
                checked: None,
                seen: None,
                cut: BTreeSet::new(),
                ends: BTreeMap::new(),
                next: None,
            }),
        }
    }

    fn refresh(&self, state: &mut State, now: Instant) {
        let first = state.checked.is_none();
        state.checked = Some(now);
        let ended = state.next.is_some_and(|(wall, steady)| steady <= now || wall <= Timestamp::now());
        let unchanged = match (Identity::at(&self.path), &state.seen) {
            (Ok(there), seen) => there == seen.as_ref().map(|(_, identity)| *identity),
            (Err(_), _) => false,
        };
        if first || ended || !unchanged {
            match self.reload(state, now) {
                Ok(lost) => state.cut.extend(lost.capabilities()),
                // Who cannot read what was taken back has to take everything back.
                Err(_) => state.cut.extend(&self.capabilities),
            }
        }
    }

    /// What of that which the call started with no longer holds.
    fn reload(&self, state: &mut State, now: Instant) -> Result<G, StateError> {
        let loaded = self.grants.document.peek::<Store<G>>()?;
        state.seen = loaded.file;
        let wall = Timestamp::now();
        for entry in &loaded.body.entries {
            let Some(expires) = entry.expires else { continue };
            if state.ends.get(&entry.id).is_none_or(|(seen, _)| *seen != expires) {
                let left = Duration::try_from(expires.duration_since(wall)).unwrap_or_default();
                // An end beyond what the clock can say is none.
                if let Some(end) = now.checked_add(left) {
                    state.ends.insert(entry.id, (expires, end));
                }
            }
        }
        let in_effect = |entry: &Entry<G>| self.counts(entry, wall, now, &state.ends);
        let answer = lookup::look_up(&loaded.body.entries, &self.asking, in_effect);
        let ids: BTreeSet<EntryId> = answer.sources.iter().map(|source| source.id).collect();
        let open = state.ends.iter().filter(|(id, _)| ids.contains(id)).map(|(_, end)| *end);
        state.next = open.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)));
        Ok(self.started.without(&answer.effective(&self.extra)))
    }

    fn counts(
        &self,
        entry: &Entry<G>,
        wall: Timestamp,
        now: Instant,
        ends: &BTreeMap<EntryId, (Timestamp, Instant)>,
    ) -> bool {
        let allows = entry.decision == Decision::Allow;
        let over = allows && ends.get(&entry.id).is_some_and(|(_, end)| *end <= now);
        // This call counted its use when it started.
        let counted = self.ids.contains(&entry.id) && entry.life(wall) == Life::Spent;
        !over && (counted || lookup::live(wall)(entry))
    }
}

impl<G: GrantSet + Send + Sync> Lease for Watch<G> {
    fn holds(&self, capability: Capability) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if state.checked.is_none_or(|last| now.duration_since(last) >= Self::EVERY) {
            self.refresh(&mut state, now);
        }
        self.capabilities.contains(&capability) && !state.cut.contains(&capability)
    }
}
