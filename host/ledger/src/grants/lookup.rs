//! What holds for one skill: pure functions over the entries.

use super::{Consent, Decision, Entry, EntryId, GrantSet, Life};
use jiff::Timestamp;
use vox_model::Digest;

/// The skill that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Its name, as people write it.
    pub package: String,
    /// Its content.
    pub digest: Digest,
    /// What a person would be shown today.
    pub consent: Consent,
}

/// What the store says about a skill.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<G> {
    /// What was asked about.
    pub asking: Asking,
    /// What was given, with what is forbidden already taken away.
    pub standing: Standing<G>,
    /// What is forbidden. It also applies to what flags and project files give: see [`Answer::effective`].
    pub denied: Denied<G>,
    /// The entries in effect, and what each gave or forbade: allowed and forbidden, in order of their ids. For
    /// [`Standing::Widened`] these are the forbidding ones alone.
    pub sources: Vec<Source<G>>,
}

/// What was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing<G> {
    /// Nothing, neither to this content nor to another.
    Nothing,
    /// This, to exactly this content. It may be less than what is needed, and even nothing once the forbidden is gone.
    Granted(G),
    /// Nothing to this content as it is today; `old` was given to what it was before. Nothing of it is in effect: show
    /// what widened ([`GrantSet::without`]) and ask again.
    Widened {
        /// What was given last.
        old: G,
        /// By which entries.
        from: Vec<EntryId>,
        /// What changed.
        changed: Changed,
    },
}

/// Why an earlier grant does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The content is another; this was the old one's digest.
    Digest(Digest),
    /// The content is the same; imports, hosts or description that a person was shown are not.
    Consent,
}

/// What is forbidden to a skill.
#[derive(Clone, Debug, PartialEq)]
pub enum Denied<G> {
    /// Nothing.
    Nothing,
    /// This. Whoever enforces grants has to be told as well: a set may be too coarse to have it taken out.
    This(G),
    /// Everything.
    Everything,
}

/// What one entry contributed.
#[derive(Clone, Debug, PartialEq)]
pub struct Source<G> {
    /// Which.
    pub id: EntryId,
    /// Whether it gave or forbade.
    pub decision: Decision,
    /// What.
    pub grant: G,
    /// Until when; none without end.
    pub expires: Option<Timestamp>,
    /// Uses left before this call; none without limit.
    pub uses_left: Option<u64>,
}

impl<G: GrantSet> Denied<G> {
    /// Takes what is forbidden out of a grant.
    pub fn apply(&self, grant: &mut G) {
        match self {
            Self::Nothing => {}
            Self::This(denied) => grant.subtract(denied),
            Self::Everything => *grant = G::default(),
        }
    }
}

impl<G: GrantSet> Answer<G> {
    /// What the skill may do: what the store gave and what `extra` gives (flags, trusted project files) without what is
    /// forbidden.
    pub fn effective(&self, extra: &G) -> G {
        let mut all = match &self.standing {
            Standing::Granted(grant) => grant.clone(),
            Standing::Nothing | Standing::Widened { .. } => G::default(),
        };
        all.merge(extra);
        self.denied.apply(&mut all);
        all
    }

    /// The entries that gave something, which a call uses.
    pub fn given_by(&self) -> impl Iterator<Item = &Source<G>> {
        self.sources.iter().filter(|source| source.decision == Decision::Allow)
    }
}

/// What holds at `now`. `counts` says of an entry that is not live whether it is in effect all the same, and may rule
/// one out that is.
pub(super) fn look_up<G: GrantSet>(
    entries: &[Entry<G>],
    asking: &Asking,
    counts: impl Fn(&Entry<G>) -> bool,
) -> Answer<G> {
    let mut sources = Vec::new();
    let mut exact: Option<G> = None;
    let mut denied = Denied::Nothing;
    let mut earlier: Vec<&Entry<G>> = Vec::new();
    for entry in entries.iter().filter(|entry| counts(entry)) {
        if !concerns(entry, asking) {
            continue;
        }
        match entry.decision {
            Decision::Allow if entry.digest == asking.digest && entry.consent == asking.consent => {
                exact.get_or_insert_default().merge(&entry.grant);
            }
            Decision::Allow => {
                earlier.push(entry);
                continue;
            }
            Decision::Deny => match &mut denied {
                Denied::Nothing => denied = Denied::This(entry.grant.clone()),
                Denied::This(all) => all.merge(&entry.grant),
                Denied::Everything => {}
            },
            Decision::DenyAll => denied = Denied::Everything,
        }
        sources.push(Source {
            id: entry.id,
            decision: entry.decision,
            grant: entry.grant.clone(),
            expires: entry.expires,
            uses_left: entry.uses_left,
        });
    }
    sources.sort_by_key(|source| source.id);
    let standing = match exact {
        Some(mut grant) => {
            denied.apply(&mut grant);
            Standing::Granted(grant)
        }
        None => widened(&earlier, asking, &denied),
    };
    Answer { asking: asking.clone(), standing, denied, sources }
}

/// Grants hold for one name and content. What is forbidden stays forbidden when either is the same: neither a new build
/// nor a new name lifts it.
fn concerns<G>(entry: &Entry<G>, asking: &Asking) -> bool {
    match entry.decision {
        Decision::Allow => entry.package == asking.package,
        Decision::Deny | Decision::DenyAll => entry.package == asking.package || entry.digest == asking.digest,
    }
}

/// What was given last to something else of that name. Only the last: the less counts as agreed to, the more is shown.
fn widened<G: GrantSet>(earlier: &[&Entry<G>], asking: &Asking, denied: &Denied<G>) -> Standing<G> {
    let Some(last) = earlier.iter().max_by_key(|entry| entry.id) else { return Standing::Nothing };
    let mut old = G::default();
    let mut from = Vec::new();
    for entry in earlier.iter().filter(|entry| entry.digest == last.digest && entry.consent == last.consent) {
        old.merge(&entry.grant);
        from.push(entry.id);
    }
    denied.apply(&mut old);
    from.sort_unstable();
    let changed = if last.digest == asking.digest { Changed::Consent } else { Changed::Digest(last.digest) };
    Standing::Widened { old, from, changed }
}

/// What counts for a call that is about to start.
pub(super) fn live<G: GrantSet>(now: Timestamp) -> impl Fn(&Entry<G>) -> bool {
    // Something forbidden for a while stays so while the clock cannot be trusted; only what is given needs it.
    move |entry| match entry.life(now) {
        Life::Live => true,
        Life::Undatable => entry.decision != Decision::Allow,
        Life::Expired | Life::Spent => false,
    }
}
