//! In which order names change.

use super::list::ChangeSet;
use crate::tree::Kind;

/// One rename. The numbers are those of the changes in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// What stands at the path moves aside.
    Aside(usize),
    /// What is new moves into place.
    Place(usize),
}

/// All renames in order: first what goes for good, the deepest first, so that directories are empty when their turn
/// comes; then what comes, parents first, each right after what it replaces.
pub(super) fn steps(set: &ChangeSet, chosen: &[usize]) -> Vec<Step> {
    let mut steps = Vec::new();
    let changes = || chosen.iter().filter_map(|number| Some((*number, set.changes.get(*number)?)));
    let was_directory =
        |number: usize| set.changes[number].before.as_ref().is_some_and(|before| before.kind == Kind::Directory);
    let leaving: Vec<usize> = changes()
        .filter(|(number, change)| change.before.is_some() && (change.after.is_none() || was_directory(*number)))
        .map(|(number, _)| number)
        .collect();
    steps.extend(leaving.into_iter().rev().map(Step::Aside));
    for (number, change) in changes().filter(|(_, change)| change.after.is_some()) {
        if change.before.is_some() && !was_directory(number) {
            steps.push(Step::Aside(number));
        }
        steps.push(Step::Place(number));
    }
    steps
}
