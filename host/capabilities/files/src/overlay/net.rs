//! What is left of all that a guest did: one change for each place, or none.

use super::core::Core;
use super::state::{Here, Node, State};
use crate::changes::{After, Before, Change};
use crate::sys::{self, Access};
use crate::tree::{FsError, FsResult, Kind, Place};
use std::collections::{BTreeMap, HashMap};
use vox_model::Digest;

/// The names of one directory, and how often each is there but for case.
type Folded = HashMap<String, Vec<String>>;

impl Core {
    /// The net changes. Staged copies that are equal to what they were copied from are removed on the way.
    pub(super) fn net(&self) -> FsResult<Vec<Change>> {
        let state = self.state();
        let mut changes: BTreeMap<Place, Change> = BTreeMap::new();
        for (place, node) in state.staged() {
            let before = state.bases.get(&place).cloned();
            let change = match node {
                Node::File(_) => self.file(&place, before)?,
                Node::Directory(_) => self.directory(&place, before)?,
                Node::Link { target, .. } => link(target, before),
                Node::Gone => None,
            };
            if let Some((before, after)) = change {
                changes.insert(place.clone(), changed(&place, before, Some(after)));
            }
        }
        for (place, before) in &state.bases {
            // What is staged there was compared; what the folder shows there was not removed after all.
            let gone = match state.find(place) {
                Ok(Here::Absent | Here::Staged(Node::Gone)) | Err(FsError::NotFound | FsError::NotDirectory) => true,
                Ok(_) => false,
                Err(error) => return Err(error),
            };
            if gone {
                changes.insert(place.clone(), changed(place, Some(before.clone()), None));
            }
        }
        self.find_twins(&state, &mut changes)?;
        Ok(changes.into_values().collect())
    }

    fn file(&self, place: &Place, before: Option<Before>) -> FsResult<Option<(Option<Before>, After)>> {
        let (file, meta) = self.upper.open_file(place, Access::Read)?;
        let (sha256, size) = sys::hash(&file)?;
        let mode = meta.stamp.mode & 0o777;
        let before = match before {
            Some(before) => Some(self.with_digest(place, before, size)?),
            None => None,
        };
        let unchanged = before.as_ref().is_some_and(|before| {
            before.kind == Kind::File && before.sha256 == Some(sha256) && before.stamp.mode & 0o777 == mode
        });
        if unchanged {
            self.upper.remove_file(place)?;
            return Ok(None);
        }
        Ok(Some((before, After::File { size, sha256, mode })))
    }

    /// A file that was emptied and written anew was never read. Of equal length it may be equal: then it is worth
    /// reading now, if it is still the same.
    fn with_digest(&self, place: &Place, mut before: Before, size: u64) -> FsResult<Before> {
        if before.kind == Kind::File && before.sha256.is_none() && before.stamp.size == size {
            before.sha256 = self.digest_below(place, &before)?;
        }
        Ok(before)
    }

    fn digest_below(&self, place: &Place, before: &Before) -> FsResult<Option<Digest>> {
        match self.lower.open_file(place, Access::Read) {
            Ok((file, meta)) if meta.stamp == before.stamp => Ok(Some(sys::hash(&file)?.0)),
            // Somebody changed it. Approving will find out.
            _ => Ok(None),
        }
    }

    fn directory(&self, place: &Place, before: Option<Before>) -> FsResult<Option<(Option<Before>, After)>> {
        if before.as_ref().is_some_and(|before| before.kind == Kind::Directory) {
            return Ok(None);
        }
        let mode = self.upper.meta(place)?.stamp.mode & 0o777;
        Ok(Some((before, After::Directory { mode })))
    }

    /// Names that differ from a neighbour's in case only are one name on some file systems, and look like one.
    fn find_twins(&self, state: &State, changes: &mut BTreeMap<Place, Change>) -> FsResult<()> {
        let mut directories: HashMap<Place, Folded> = HashMap::new();
        let new: Vec<Place> =
            changes.iter().filter(|(_, change)| change.before.is_none()).map(|(place, _)| place.clone()).collect();
        for place in new {
            let (Some(parent), Some(name)) = (place.parent(), place.0.last()) else { continue };
            if !directories.contains_key(&parent) {
                let mut folded = Folded::new();
                for (name, _) in self.list(state, &parent)?.0 {
                    folded.entry(name.to_lowercase()).or_default().push(name);
                }
                directories.insert(parent.clone(), folded);
            }
            let twins = directories.get(&parent).and_then(|folded| folded.get(&name.to_lowercase()));
            let twin = twins.and_then(|names| names.iter().find(|other| *other != name));
            if let (Some(twin), Some(change)) = (twin, changes.get_mut(&place)) {
                change.resembles = Some(twin.clone());
            }
        }
        Ok(())
    }
}

fn link(target: &str, before: Option<Before>) -> Option<(Option<Before>, After)> {
    let same = before.as_ref().is_some_and(|before| before.target.as_deref() == Some(target));
    (!same).then(|| (before, After::Link { target: target.to_owned() }))
}

fn changed(place: &Place, before: Option<Before>, after: Option<After>) -> Change {
    Change { path: place.to_string(), before, after, resembles: None }
}
