//! Showing a change set to whoever decides. Everything that a skill wrote is escaped, and what is not shown is said.

use super::danger::{Danger, dangers};
use super::escape;
use super::list::{Action, After, Before, Change, ChangeSet};
use super::store::{Store, StoreError};
use crate::overlay::UPPER;
use crate::sys::{self, Access, Root};
use crate::tree::{FsError, FsResult, Kind};
use similar::{ChangeTag, TextDiff};
use std::fmt::{self, Write as _};
use std::fs::File;
use std::time::Duration;
use vox_model::Digest;

/// Bytes of a file up to which it is compared line by line: larger ones are nothing that a person reads.
const MAX_COMPARED: u64 = 1 << 20;

/// Bytes of all comparisons together: beyond it, paths are asked for one by one.
const MAX_SHOWN: usize = 8 << 20;

/// How long one comparison looks for the shortest form. After that it is longer, not wrong.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lines around a change.
const CONTEXT: usize = 3;

/// A change set, made readable.
#[derive(Clone, Debug)]
pub struct Review {
    /// The digest that an approval has to name.
    pub id: Digest,
    /// The skill, escaped.
    pub skill: String,
    /// The live folder, escaped.
    pub folder: String,
    /// The changes, in the order of their paths.
    pub entries: Vec<Entry>,
    /// Changes of the set that were not asked for.
    pub left_out: usize,
}

/// One change, made readable. All text is escaped.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The path.
    pub path: String,
    /// What happens to it.
    pub action: Action,
    /// Kinds, sizes, permission bits and digests.
    pub summary: String,
    /// Reasons to look twice.
    pub dangers: Vec<Danger>,
    /// Its content.
    pub view: View,
}

/// The content of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// There is none: something goes, or only a name or a mode changes.
    None,
    /// The difference, as a unified diff.
    Diff(String),
    /// It is not shown, and why.
    NotShown(String),
}

/// A change set cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// It was altered, or is gone.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its data cannot be read.
    #[error("the staged data cannot be read: {0}")]
    Data(#[from] FsError),
}

impl Store {
    /// Makes a change set readable: all of it, or what is at some paths and below them. The staged data is compared
    /// with the list; the old side of a difference is the live file, if it is still the one that the skill saw.
    ///
    /// # Errors
    /// The staged data was altered or cannot be read.
    pub fn review(&self, set: &ChangeSet, only: &[String]) -> Result<Review, ReviewError> {
        let upper = self.set_folder(&set.id).join(UPPER);
        let upper = std::fs::canonicalize(upper).and_then(|path| Root::open(&path)).map_err(FsError::Io)?;
        // Without the folder there is nothing to compare with, and the new side is shown alone.
        let live = Root::open(&set.header.folder).ok();
        let asked = |change: &&Change| {
            let below = |path: &String| {
                change.path.strip_prefix(path.trim_end_matches('/')).is_some_and(|r| r.is_empty() || r.starts_with('/'))
            };
            only.is_empty() || only.iter().any(below)
        };
        let mut entries = Vec::new();
        let mut shown = 0;
        for change in set.changes.iter().filter(asked) {
            let view = view(&upper, live.as_ref(), change, shown, set)?;
            if let View::Diff(text) = &view {
                shown += text.len();
            }
            entries.push(Entry {
                path: escape::line(&change.path),
                action: change.action(),
                summary: summary(change),
                dangers: dangers(change),
                view,
            });
        }
        Ok(Review {
            id: set.id,
            skill: escape::line(&set.header.skill),
            folder: escape::line(&set.header.folder.to_string_lossy()),
            left_out: set.changes.len() - entries.len(),
            entries,
        })
    }
}

fn view(
    upper: &Root,
    live: Option<&Root>,
    change: &Change,
    shown: usize,
    set: &ChangeSet,
) -> Result<View, ReviewError> {
    let (Some(After::File { size, sha256, .. }), Some(place)) = (&change.after, change.place()) else {
        return Ok(View::None);
    };
    let (file, _) = upper.open_file(&place, Access::Read)?;
    if sys::hash(&file).map_err(FsError::Io)? != (*sha256, *size) {
        let why = format!("the staged data of `{}` is not what was sealed", escape::line(&change.path));
        return Err(StoreError::Altered { id: set.id.to_string(), why }.into());
    }
    if change.action() == Action::Mode {
        return Ok(View::None);
    }
    let largest = change.before.as_ref().map_or(0, |before| before.stamp.size).max(*size);
    if largest > MAX_COMPARED {
        return Ok(View::NotShown(format!("larger than {MAX_COMPARED} bytes: compare the digests")));
    }
    if shown > MAX_SHOWN {
        return Ok(View::NotShown("much was shown already: ask for this path by itself".to_owned()));
    }
    let new = read(&file, *size)?;
    let old = match (&change.before, live) {
        (Some(before), Some(live)) if before.kind == Kind::File => old(live, &place, before)?,
        (Some(before), None) if before.kind == Kind::File => None,
        _ => Some(Vec::new()),
    };
    let stale = old.is_none();
    Ok(match (text(old.as_deref().unwrap_or_default()), text(&new)) {
        (Some(old), Some(new)) => View::Diff(diff(old, new, stale)),
        _ => View::NotShown("not text".to_owned()),
    })
}

/// The live file, if it is still the one that the skill saw.
fn old(live: &Root, place: &crate::tree::Place, before: &Before) -> FsResult<Option<Vec<u8>>> {
    let Ok((file, meta)) = live.open_file(place, Access::Read) else { return Ok(None) };
    if meta.stamp.size != before.stamp.size {
        return Ok(None);
    }
    let same = match before.sha256 {
        Some(digest) => sys::hash(&file)?.0 == digest,
        None => meta.stamp == before.stamp,
    };
    if same { Ok(Some(read(&file, meta.stamp.size)?)) } else { Ok(None) }
}

fn read(file: &File, size: u64) -> FsResult<Vec<u8>> {
    Ok(sys::read_at(file, 0, usize::try_from(size).unwrap_or(usize::MAX))?)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn diff(old: &str, new: &str, stale: bool) -> String {
    let mut out = String::new();
    if stale {
        out.push_str("(the live file is not the one that the skill saw, so all of the new content is shown)\n");
    }
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        // Writing to a string does not fail.
        let _ = writeln!(out, "{}", hunk.header());
        for change in hunk.iter_changes() {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let line = change.value();
            let _ = writeln!(out, "{sign}{}", escape::content(line.strip_suffix('\n').unwrap_or(line)));
            if !line.ends_with('\n') {
                out.push_str("\\ no line break here\n");
            }
        }
    }
    out
}

fn summary(change: &Change) -> String {
    let before = change.before.as_ref().map(|before| match before.kind {
        Kind::File => {
            let digest = before.sha256.map_or_else(|| "not read".to_owned(), |digest| digest.short());
            format!("file, {} bytes, mode {:o}, {digest}", before.stamp.size, before.stamp.mode)
        }
        Kind::Directory => format!("directory, mode {:o}", before.stamp.mode),
        Kind::Link => format!("link to `{}`", escape::line(before.target.as_deref().unwrap_or("?"))),
    });
    let after = change.after.as_ref().map(|after| match after {
        After::File { size, sha256, mode } => format!("file, {size} bytes, mode {mode:o}, {}", sha256.short()),
        After::Directory { mode } => format!("directory, mode {mode:o}"),
        After::Link { target } => format!("link to `{}`", escape::line(target)),
    });
    match (before, after) {
        (Some(before), Some(after)) => format!("{before} -> {after}"),
        (Some(before), None) => format!("was {before}"),
        (None, Some(after)) => after,
        (None, None) => String::new(),
    }
}

impl fmt::Display for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "change set {}", self.id)?;
        writeln!(f, "skill {}, folder {}", self.skill, self.folder)?;
        for entry in &self.entries {
            writeln!(f, "\n{} {}", entry.action, entry.path)?;
            writeln!(f, "  {}", entry.summary)?;
            for danger in &entry.dangers {
                writeln!(f, "  ! {}", danger.reason)?;
            }
            match &entry.view {
                View::None => {}
                View::Diff(diff) => diff.lines().try_for_each(|line| writeln!(f, "  | {line}"))?,
                View::NotShown(why) => writeln!(f, "  content not shown: {why}")?,
            }
        }
        if self.left_out > 0 {
            writeln!(f, "\nnot asked for in this set: {} more", self.left_out)?;
        }
        let runs = self.entries.iter().filter(|entry| entry.dangers.iter().any(|danger| danger.hazard.runs())).count();
        let (count, ending) = (self.entries.len(), if self.entries.len() == 1 { "" } else { "s" });
        writeln!(f, "\n{count} change{ending}, {runs} of which make something run later")
    }
}
