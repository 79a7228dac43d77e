//! How far an apply has come, written down before each stage begins.

use super::list::ChangeSet;
use super::store::{JOURNAL, RETURNED, read_private};
use crate::sys::Stamp;
use crate::tree::Place;
use crate::walk::RESERVED;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use vox_model::Digest;

/// The version of the journal's form.
const VERSION: u32 = 1;

/// What an apply is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// New data is copied next to where it will stand. Nothing of the folder has changed: a crash goes back.
    Staging,
    /// All new data is durable and names change. A crash goes forward.
    Intent,
    /// Something was in the way, and names change back. A crash goes on going back.
    Back,
    /// Everything is in place and durable. A crash tidies up.
    Committed,
}

/// The journal of one apply. With the list it is all that is needed to finish it, one way or the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    version: u32,
    /// The change set that was approved.
    pub(super) set: String,
    /// Who approved it.
    pub(super) principal: String,
    pub(super) folder: PathBuf,
    pub(super) inode: u64,
    pub(super) stage: Stage,
    /// Whether all of the set was chosen.
    pub(super) whole: bool,
    /// The numbers of the chosen changes, ascending.
    pub(super) chosen: Vec<usize>,
    /// For each, what stood there when it was checked.
    pub(super) seen: Vec<Option<Stamp>>,
    /// For each, what was staged to be moved into place.
    pub(super) fresh: Vec<Option<Stamp>>,
}

/// Stamps of originals that were moved aside and back again, by path.
pub(super) type Returned = BTreeMap<String, Stamp>;

/// Reads which originals were moved and put back before; none if nothing was ever undone.
pub(super) fn returned(folder: &Path) -> io::Result<Returned> {
    match read_private(&folder.join(RETURNED)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Returned::new()),
        bytes => Ok(serde_json::from_slice(&bytes?)?),
    }
}

/// Keeps which originals were moved and put back.
pub(super) fn keep_returned(folder: &Path, returned: &Returned) -> io::Result<()> {
    vox_private::write(folder, RETURNED, &serde_json::to_vec(returned)?)
}

impl Journal {
    pub(super) fn new(set: &ChangeSet, chosen: Vec<usize>, seen: Vec<Option<Stamp>>, principal: &str) -> Self {
        Self {
            version: VERSION,
            set: set.id.to_string(),
            principal: principal.to_owned(),
            folder: set.header.folder.clone(),
            inode: set.header.inode,
            stage: Stage::Staging,
            whole: chosen.len() == set.changes.len(),
            fresh: vec![None; chosen.len()],
            chosen,
            seen,
        }
    }

    /// The folder at the live folder's root in which data waits and originals are kept.
    pub(super) fn temp(&self) -> Place {
        let digits: String = self.set.chars().take(16).collect();
        Place(vec![format!("{RESERVED}{digits}")])
    }

    pub(super) fn new_folder(&self) -> Place {
        self.temp().child("new")
    }

    pub(super) fn old_folder(&self) -> Place {
        self.temp().child("old")
    }

    /// What stood at a change's place when it was checked.
    pub(super) fn seen(&self, number: usize) -> Option<Stamp> {
        *self.seen.get(self.chosen.binary_search(&number).ok()?)?
    }

    /// What was staged for a change.
    pub(super) fn fresh(&self, number: usize) -> Option<Stamp> {
        *self.fresh.get(self.chosen.binary_search(&number).ok()?)?
    }

    pub(super) fn save(&self, folder: &Path) -> io::Result<()> {
        vox_private::write(folder, JOURNAL, &serde_json::to_vec(self)?)
    }

    /// The journal in a change set's folder, if there is one.
    pub(super) fn load(folder: &Path) -> io::Result<Option<Self>> {
        let bytes = match read_private(&folder.join(JOURNAL)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        let journal: Self = serde_json::from_slice(&bytes)?;
        let sound = journal.version == VERSION
            && journal.set.parse::<Digest>().is_ok()
            && journal.chosen.is_sorted()
            && journal.seen.len() == journal.chosen.len()
            && journal.fresh.len() == journal.chosen.len();
        if sound { Ok(Some(journal)) } else { Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged")) }
    }
}
