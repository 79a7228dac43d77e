//! Whether the live folder is still what the skill saw.

use super::journal::Returned;
use super::list::{Before, Change, ChangeSet};
use crate::sys::{self, Access, Look, Meta, Root, Stamp};
use crate::tree::{FsError, FsResult, Kind, Place};
use std::collections::{BTreeSet, HashSet};
use std::fmt;

/// A path at which the live folder is no longer what the change was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The path. Text of the skill, so untrusted.
    pub path: String,
    /// What is different, in words.
    pub why: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", super::escape::line(&self.path), self.why)
    }
}

/// What a check found.
pub(super) struct Checked {
    /// All differences. Empty is what lets an apply go on.
    pub(super) conflicts: Vec<Conflict>,
    /// For each chosen change, what stands there now.
    pub(super) seen: Vec<Option<Stamp>>,
}

/// Compares what the chosen changes were made from with the live folder.
///
/// # Errors
/// The folder cannot be read.
///
/// `returned` are originals that an earlier apply moved aside and back: those count as unchanged, too.
pub(super) fn check(root: &Root, set: &ChangeSet, chosen: &[usize], returned: &Returned) -> FsResult<Checked> {
    let changes: Vec<&Change> = chosen.iter().filter_map(|number| set.changes.get(*number)).collect();
    let places: Vec<Place> = changes.iter().filter_map(|change| change.place()).collect();
    let made: BTreeSet<&Place> =
        places.iter().zip(&changes).filter(|(_, change)| change.is_directory_after()).map(|(place, _)| place).collect();
    let going: HashSet<&Place> =
        places.iter().zip(&changes).filter(|(_, change)| change.after.is_none()).map(|(place, _)| place).collect();
    let seen_before = Known { going, returned };
    let mut checked = Checked { conflicts: Vec::new(), seen: Vec::new() };
    for (place, change) in places.iter().zip(&changes) {
        // In a directory that this set makes there is nothing yet.
        let in_new = (1..place.0.len()).any(|length| made.contains(&Place(place.0[..length].to_vec())));
        let found = if in_new { Ok(None) } else { one(root, place, change, &seen_before)? };
        match found {
            Ok(stamp) => checked.seen.push(stamp),
            Err(why) => {
                checked.seen.push(None);
                checked.conflicts.push(Conflict { path: change.path.clone(), why: why.to_owned() });
            }
        }
    }
    Ok(checked)
}

/// What is known beside the list.
struct Known<'a> {
    /// Places that go with this apply.
    going: HashSet<&'a Place>,
    returned: &'a Returned,
}

type Compared = Result<Option<Stamp>, &'static str>;

fn one(root: &Root, place: &Place, change: &Change, known: &Known<'_>) -> FsResult<Compared> {
    let look = match root.look(place) {
        Err(FsError::NotDirectory | FsError::NotPermitted) => {
            return Ok(Err("the way to it leads over a link or a file now"));
        }
        look => look?,
    };
    match (&change.before, look) {
        (None, Look::Absent) => match parent_is_there(root, place)? {
            true => Ok(Ok(None)),
            false => Ok(Err("its directory is gone")),
        },
        (None, Look::Here(_) | Look::Hidden) => Ok(Err("it was not there, and now it is")),
        (Some(_), Look::Absent) => Ok(Err("it was there, and now it is gone")),
        (Some(_), Look::Hidden) => Ok(Err("it is a special file or a mount point now")),
        (Some(before), Look::Here(meta)) => compare(root, place, before, &meta, change.removes_directory(), known),
    }
}

fn parent_is_there(root: &Root, place: &Place) -> FsResult<bool> {
    let parent = place.parent().unwrap_or_default();
    Ok(matches!(root.look(&parent)?, Look::Here(meta) if meta.kind == Kind::Directory))
}

fn compare(
    root: &Root,
    place: &Place,
    before: &Before,
    meta: &Meta,
    removed: bool,
    known: &Known<'_>,
) -> FsResult<Compared> {
    if meta.kind != before.kind {
        return Ok(Err("it is of another kind now"));
    }
    let seen = Ok(Some(meta.stamp));
    let same = match before.kind {
        Kind::Link => root.target(place)? == before.target,
        Kind::Directory => {
            if meta.stamp.inode != before.stamp.inode {
                return Ok(Err("it is another directory now"));
            }
            let (entries, others) = root.list(place)?;
            let stays = |name: &String| !known.going.contains(&place.child(name));
            if removed && (others || entries.iter().any(|(name, _)| stays(name))) {
                return Ok(Err("it is to be removed, and something is in it that the skill did not remove"));
            }
            true
        }
        Kind::File => match before.sha256 {
            None => meta.stamp == before.stamp || known.returned.get(&place.to_string()) == Some(&meta.stamp),
            // What was read is compared by content: somebody may have saved the same again.
            Some(digest) => {
                let alike = meta.stamp.size == before.stamp.size && meta.stamp.mode == before.stamp.mode;
                alike && sys::hash(&root.open_file(place, Access::Read)?.0)?.0 == digest
            }
        },
    };
    Ok(if same { seen } else { Err("it was changed since the skill saw it") })
}
