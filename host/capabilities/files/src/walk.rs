//! From a guest's path to a place: name by name, links followed here and only inside.

use crate::tree::{FsError, FsResult, Kind, Place};

/// Links that one path may go through, as on Linux (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Bytes of a path and of a link's target (`PATH_MAX`), and of a name (`NAME_MAX`).
const MAX_PATH: usize = 4095;
const MAX_NAME: usize = 255;

/// How names of folders begin that an apply makes at the root of a granted folder. Such names do not exist for guests,
/// at any depth, since one granted folder may lie in another: no guest can change what was approved while it is applied.
pub(crate) const RESERVED: &str = ".vox-";

/// What stands at a place, as a guest may know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Absent,
    /// Something that is not shown and not replaced.
    Hidden,
    Here(Kind),
}

/// A tree, seen one place at a time. Nothing is followed.
pub(crate) trait View {
    /// What stands at a place whose parent is a directory.
    fn look(&self, place: &Place) -> FsResult<Seen>;
    /// The target of the link at a place; none where it is no text.
    fn target(&self, place: &Place) -> FsResult<Option<String>>;
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) place: Place,
    /// What is there; none if only the last name is missing.
    pub(crate) kind: Option<Kind>,
    /// The path ends in a way that only a directory answers to, such as `name/`.
    pub(crate) as_directory: bool,
}

impl Found {
    /// What is there, or that nothing is.
    pub(crate) fn existing(&self) -> FsResult<Kind> {
        match self.kind {
            Some(kind) if self.as_directory && kind != Kind::Directory => Err(FsError::NotDirectory),
            Some(kind) => Ok(kind),
            None => Err(FsError::NotFound),
        }
    }
}

/// Resolves a path from a directory. A path leaves neither the folder nor the directory it starts at: handles of
/// directories are passed on between components as rights.
pub(crate) fn walk(view: &impl View, base: &Place, path: &str, follow: bool, depth: usize) -> FsResult<Found> {
    check(path)?;
    let as_directory = ends_as_directory(path);
    // Names still to go, the next one last.
    let mut ahead: Vec<String> = names(path).collect();
    let mut at = base.clone();
    let mut as_directory = as_directory;
    let mut kind = Kind::Directory;
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        if kind != Kind::Directory {
            return Err(FsError::NotDirectory);
        }
        if name == ".." {
            if at.0.len() <= base.0.len() {
                return Err(FsError::NotPermitted);
            }
            at.0.pop();
            continue;
        }
        if name == "." {
            continue;
        }
        step(&mut at, name, depth)?;
        match look(view, &at)? {
            Seen::Hidden => return Err(FsError::NotPermitted),
            Seen::Absent if ahead.is_empty() => return Ok(Found { place: at, kind: None, as_directory }),
            Seen::Absent => return Err(FsError::NotFound),
            Seen::Here(Kind::Link) if ahead.is_empty() && !follow && !as_directory => {
                return Ok(Found { place: at, kind: Some(Kind::Link), as_directory });
            }
            Seen::Here(Kind::Link) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(FsError::Loop);
                }
                let target = view.target(&at)?.ok_or(FsError::NotPermitted)?;
                check(&target)?;
                as_directory |= ahead.is_empty() && ends_as_directory(&target);
                ahead.extend(names(&target));
                at.0.pop();
            }
            Seen::Here(here) => kind = here,
        }
    }
    Ok(Found { place: at, kind: Some(kind), as_directory })
}

/// Resolves a path whose last name is to be made, removed or moved: the name itself is not followed, and has to be one.
pub(crate) fn walk_to_name(view: &impl View, base: &Place, path: &str, depth: usize) -> FsResult<Found> {
    check(path)?;
    let as_directory = ends_as_directory(path);
    let trimmed = path.trim_end_matches('/');
    let (parents, name) = trimmed.rsplit_once('/').map_or((".", trimmed), |(parents, name)| (parents, name));
    if matches!(name, "." | "..") {
        return Err(FsError::Invalid);
    }
    let parents = if parents.is_empty() { "." } else { parents };
    let above = walk(view, base, parents, true, depth)?;
    if above.existing()? != Kind::Directory {
        return Err(FsError::NotDirectory);
    }
    let mut place = above.place;
    step(&mut place, name.to_owned(), depth)?;
    let kind = match look(view, &place)? {
        Seen::Hidden => return Err(FsError::NotPermitted),
        Seen::Absent => None,
        Seen::Here(kind) => Some(kind),
    };
    Ok(Found { place, kind, as_directory })
}

/// Whether a link at this place may have this target: relative, `..` only in front and not further up than the folder.
/// In front they count real directories; behind a name they would count from wherever that name leads.
pub(crate) fn may_point_to(place: &Place, target: &str) -> FsResult<()> {
    check(target)?;
    let parents = place.0.len().saturating_sub(1);
    let mut up = 0;
    let mut down = false;
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." if down => return Err(FsError::NotPermitted),
            ".." => up += 1,
            name if name.len() > MAX_NAME => return Err(FsError::NameTooLong),
            _ => down = true,
        }
    }
    if up > parents { Err(FsError::NotPermitted) } else { Ok(()) }
}

fn check(path: &str) -> FsResult<()> {
    if path.is_empty() || path.contains('\0') {
        return Err(FsError::Invalid);
    }
    if path.starts_with('/') {
        return Err(FsError::NotPermitted);
    }
    if path.len() > MAX_PATH {
        return Err(FsError::NameTooLong);
    }
    Ok(())
}

fn ends_as_directory(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("" | "." | ".."))
}

/// The names of a path, last first.
fn names(path: &str) -> impl Iterator<Item = String> {
    path.rsplit('/').filter(|name| !name.is_empty()).map(str::to_owned)
}

fn step(at: &mut Place, name: String, depth: usize) -> FsResult<()> {
    if name.len() > MAX_NAME || at.0.len() >= depth {
        return Err(FsError::NameTooLong);
    }
    at.0.push(name);
    Ok(())
}

fn look(view: &impl View, place: &Place) -> FsResult<Seen> {
    match reserved(place) {
        true => Ok(Seen::Hidden),
        false => view.look(place),
    }
}

/// Whether a place belongs to an apply.
pub(crate) fn reserved(place: &Place) -> bool {
    place.0.iter().any(|name| name.starts_with(RESERVED))
}
