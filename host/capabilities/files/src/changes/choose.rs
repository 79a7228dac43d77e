//! Which changes go together.

use super::list::{ChangeSet, Header};
use super::{Change, ListError};
use std::collections::BTreeSet;

/// The numbers of the changes at these paths and below them, with all that they need: the directories that they stand
/// in. What goes with a directory that goes is below it, and so is chosen anyway.
///
/// # Errors
/// The paths at which nothing changes.
pub(super) fn choose(set: &ChangeSet, paths: &[String]) -> Result<Vec<usize>, Vec<String>> {
    let mut chosen = BTreeSet::new();
    let mut unknown = Vec::new();
    for path in paths {
        let wanted = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
        let matching = (0..).zip(&set.changes).filter(|(_, change)| is_at_or_below(&change.path, wanted));
        let matching: Vec<usize> = matching.map(|(number, _)| number).collect();
        if matching.is_empty() {
            unknown.push(path.clone());
        }
        chosen.extend(matching);
    }
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let wanted: Vec<&Change> = chosen.iter().filter_map(|number| set.changes.get(*number)).collect();
    let needed = (0..).zip(&set.changes).filter(|(_, other)| wanted.iter().any(|change| needs(change, other)));
    chosen.extend(needed.map(|(number, _)| number));
    Ok(chosen.into_iter().collect())
}

/// Whether one change stands in a directory that the other makes.
fn needs(change: &Change, other: &Change) -> bool {
    other.is_directory_after() && is_below(&change.path, &other.path)
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

fn is_at_or_below(path: &str, wanted: &str) -> bool {
    path == wanted || is_below(path, wanted)
}

/// The change set of what was not chosen; none if everything was.
///
/// # Errors
/// It cannot be written as a list.
pub(super) fn rest(set: &ChangeSet, chosen: &[usize]) -> Result<Option<ChangeSet>, ListError> {
    let left: Vec<Change> = (0..)
        .zip(&set.changes)
        .filter(|(number, _)| chosen.binary_search(number).is_err())
        .map(|(_, change)| change.clone())
        .collect();
    if left.is_empty() {
        return Ok(None);
    }
    let header = Header { rest_of: Some(set.id), ..set.header.clone() };
    ChangeSet::new(header, left).map(Some)
}
