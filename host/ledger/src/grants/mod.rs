//! Who may do what: the decisions of a person, kept by skill and content.
//!
//! Rules: nothing is given by default; a grant holds for one name, one content and what the person was shown; what is
//! forbidden beats what is given, wherever it was given.

mod entry;
mod lookup;
mod store;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use entry::digest_text;
pub use entry::{Consent, Decision, Entry, EntryId, EntryIdError, Life, Terms};
pub use lookup::{Answer, Asking, Changed, Denied, Source, Standing};
pub use watch::Watch;

use crate::StateError;
use crate::document::Document;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use store::{MAX_ENTRIES, Store};
pub use vox_model::GrantSet;

/// Bytes of a skill's name.
const MAX_PACKAGE: usize = 1024;

/// The grants cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum GrantsError {
    /// The file.
    #[error(transparent)]
    State(#[from] StateError),
    /// A name that no skill has.
    #[error("`{0}` cannot be the name of a skill: 1 to {MAX_PACKAGE} bytes without control characters")]
    Name(String),
    /// A decision about nothing.
    #[error("the grant for `{0}` allows nothing; say what is to be allowed or forbidden")]
    Empty(String),
    /// Terms that make no sense.
    #[error("{0}")]
    Terms(&'static str),
    /// No entry has this id.
    #[error("there is no grant {0}; `vox grants` lists them")]
    NoSuch(EntryId),
    /// No place for another entry.
    #[error("there are {MAX_ENTRIES} grants already; take some back with `vox revoke`")]
    TooMany,
}

/// A decision to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewGrant<G> {
    /// The skill, as the person was shown it.
    pub asking: Asking,
    /// Whether it is given or forbidden.
    pub decision: Decision,
    /// What; not looked at for [`Decision::DenyAll`].
    pub grant: G,
    /// For how long.
    pub terms: Terms,
}

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The entry that it is in.
    pub id: EntryId,
    /// Whether that entry was there before.
    pub merged: bool,
    /// Entries that forbid part of what was given, so that this part stays without effect: the person should be told.
    pub denied_by: Vec<EntryId>,
}

/// What is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoke {
    /// One entry. The only way to lift what is forbidden.
    Id(EntryId),
    /// All that was given to a skill, in every version. What is forbidden to it stays forbidden.
    Skill(String),
    /// All that was given to anybody. What is forbidden stays forbidden.
    All,
}

/// Whether a call may start under the grants it was decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Use {
    /// It may, and was counted.
    Counted,
    /// These were taken back, ran out, or were used up since; nothing was counted. Look up again.
    Gone(Vec<EntryId>),
}

/// The grants of a person.
#[derive(Debug)]
pub struct Grants<G> {
    document: Document,
    kind: PhantomData<fn() -> G>,
}

impl<G> Clone for Grants<G> {
    fn clone(&self) -> Self {
        Self { document: self.document.clone(), kind: PhantomData }
    }
}

impl<G: GrantSet> Grants<G> {
    /// The grants below a folder. Touches nothing: a missing folder means that nothing is given.
    pub fn new(root: &Path) -> Self {
        Self { document: Document::new(root, "grants.json"), kind: PhantomData }
    }

    /// The file that they are kept in.
    pub fn path(&self) -> PathBuf {
        self.document.path()
    }

    /// Keeps a decision; when this returns, it is durable.
    ///
    /// A decision without end joins the one that is there for the same skill, content and consent. One with an end never
    /// does, or it would gain or lose it: it renews the one with an end that allows the same, or stands alone. Earlier
    /// grants to the same content under another consent are void and go.
    ///
    /// # Errors
    /// The name, the grant or the terms make no sense, or the file cannot be written.
    pub fn add(&self, new: NewGrant<G>) -> Result<Added, GrantsError> {
        self.add_at(new, Timestamp::now())
    }

    fn add_at(&self, mut new: NewGrant<G>, now: Timestamp) -> Result<Added, GrantsError> {
        let expires = store::check(&mut new, now)?;
        self.document.update(|store: &mut Store<G>| {
            store.tidy(now);
            let (id, merged) = store.insert(new.clone(), expires, now)?;
            let denied_by = store.beaten(&new, now);
            Ok((Added { id, merged, denied_by }, true))
        })
    }

    /// What holds for a skill now.
    ///
    /// # Errors
    /// The file cannot be read, which never means that nothing is forbidden: run nothing.
    pub fn look_up(&self, asking: &Asking) -> Result<Answer<G>, GrantsError> {
        self.look_up_at(asking, Timestamp::now())
    }

    fn look_up_at(&self, asking: &Asking, now: Timestamp) -> Result<Answer<G>, GrantsError> {
        let store: Store<G> = self.document.load()?;
        Ok(lookup::look_up(&store.entries, asking, lookup::live(now)))
    }

    /// Every entry in the order of their ids, also those that were over within the last seven days.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn list(&self) -> Result<Vec<Entry<G>>, GrantsError> {
        let mut entries = self.document.load::<Store<G>>()?.entries;
        entries.sort_by_key(|entry| entry.id);
        Ok(entries)
    }

    /// Takes something back and gives what that was. Running calls lose it within [`Watch::EVERY`].
    ///
    /// # Errors
    /// No entry has the id, or the file cannot be written.
    pub fn revoke(&self, what: &Revoke) -> Result<Vec<Entry<G>>, GrantsError> {
        self.document.update(|store: &mut Store<G>| {
            let goes = |entry: &Entry<G>| match what {
                Revoke::Id(id) => entry.id == *id,
                Revoke::Skill(package) => entry.decision == Decision::Allow && entry.package == *package,
                Revoke::All => entry.decision == Decision::Allow,
            };
            let (gone, stay): (Vec<_>, Vec<_>) = store.entries.drain(..).partition(goes);
            store.entries = stay;
            match what {
                Revoke::Id(id) if gone.is_empty() => Err(GrantsError::NoSuch(*id)),
                _ => {
                    let changed = !gone.is_empty();
                    Ok((gone, changed))
                }
            }
        })
    }

    /// Counts a call against the grants that an answer found, all of them or none; asked once before the call starts.
    /// Every grant with a number of uses loses one, also where two of them allow the same.
    ///
    /// # Errors
    /// The file cannot be read or written: the call must not start.
    pub fn note_use(&self, answer: &Answer<G>) -> Result<Use, GrantsError> {
        self.note_use_at(answer, Timestamp::now())
    }

    fn note_use_at(&self, answer: &Answer<G>, now: Timestamp) -> Result<Use, GrantsError> {
        let ids: BTreeSet<EntryId> = answer.given_by().map(|source| source.id).collect();
        if ids.is_empty() {
            return Ok(Use::Counted);
        }
        let mut seen: Store<G> = self.document.load()?;
        // The common case, grants without a count that were used a moment ago, writes nothing.
        let (result, changed) = seen.count(&ids, now);
        if !changed {
            return Ok(result);
        }
        self.document.update(|store: &mut Store<G>| Ok(store.count(&ids, now)))
    }

    /// Damaged files that were put aside and not yet removed: as long as there are any, the person has lost grants and
    /// prohibitions and should be told.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn damaged(&self) -> Result<Vec<PathBuf>, GrantsError> {
        Ok(self.document.damaged()?)
    }
}
