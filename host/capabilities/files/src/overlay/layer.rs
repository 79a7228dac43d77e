//! One folder for a skill and for the programs that run for it.
//!
//! Programs write into the layer of a kernel overlay, a skill into an overlay of ours. Before a session of programs starts,
//! what is staged is laid out in a fresh layer; after each program, what changed in the layer is made so in the overlay, by
//! the operations and under the quotas of the skill itself.

use super::core::Core;
use super::session::Operation;
use super::state::Node;
use crate::front::{Backend as _, Session as _};
use crate::sys::{self, Access, Layered, Root, Stamp, Written};
use crate::tree::{FsError, FsResult, Kind, Place};
use crate::walk::{self, Seen, View as _};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file that was changed less than this before it was looked at may change again without another time: the clock of a
/// file system ticks, 100 to 1000 times a second.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// Entries of a layer that are looked at, as a multiple of those that may be staged: directories that only lead to others
/// and deletions are not counted as staged.
const WIDER: u64 = 4;

/// The upper folder of a kernel overlay, and what was in it when it was last looked at.
pub(super) struct Layer {
    root: Root,
    known: BTreeMap<Place, Known>,
}

/// An entry as it was seen.
struct Known {
    mark: Mark,
    /// Whether an equal mark means an equal content.
    settled: bool,
}

/// What tells whether an entry is still the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Object(Kind, Stamp),
    Directory { inode: u64, opaque: bool },
    Whiteout,
    Special,
}

impl Mark {
    fn of(what: &Layered) -> Self {
        match what {
            Layered::Object(meta) => Self::Object(meta.kind, meta.stamp),
            Layered::Directory { meta, opaque } => Self::Directory { inode: meta.stamp.inode, opaque: *opaque },
            Layered::Whiteout => Self::Whiteout,
            Layered::Special => Self::Special,
        }
    }

    fn settled(&self, before: i64) -> bool {
        match self {
            Self::Object(_, stamp) => stamp.changed < before,
            Self::Directory { .. } | Self::Whiteout | Self::Special => true,
        }
    }
}

/// What a layer holds now.
struct Listing {
    entries: BTreeMap<Place, Layered>,
    /// What has no place: names that are no text, or that are ours.
    unnamed: Vec<String>,
}

/// What of the work of programs is left out, in words for a person. Names are the programs' own: untrusted.
#[derive(Default)]
struct LeftOut(Vec<String>);

impl LeftOut {
    fn add(&mut self, place: &Place, why: &str) {
        self.0.push(format!("{place}: {why}"));
    }

    /// Takes an error that concerns one entry down, and gives back any other.
    fn forgive(&mut self, place: &Place, done: FsResult<()>) -> FsResult<()> {
        match done {
            Err(
                error @ (FsError::NotFound
                | FsError::Exists
                | FsError::NotDirectory
                | FsError::IsDirectory
                | FsError::NotEmpty
                | FsError::NotPermitted
                | FsError::Invalid),
            ) => {
                self.add(place, &error.to_string());
                Ok(())
            }
            Err(FsError::Io(error)) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                self.add(place, "it cannot be read");
                Ok(())
            }
            done => done,
        }
    }
}

impl Layer {
    /// Remembers a layer that was just laid out and that nobody uses yet.
    pub(super) fn fresh(root: Root, most: u64) -> FsResult<Self> {
        let listing = list(&root, most, usize::MAX)?;
        let known = |what: &Layered| Known { mark: Mark::of(what), settled: true };
        let known = listing.entries.iter().map(|(place, what)| (place.clone(), known(what))).collect();
        Ok(Self { root, known })
    }

    /// Bytes of all files, and how many entries there are.
    pub(super) fn weight(&self, most: u64) -> FsResult<(u64, u64)> {
        let entries = list(&self.root, most, usize::MAX)?.entries;
        let size = |what: &Layered| match what {
            Layered::Object(meta) if meta.kind == Kind::File => meta.stamp.size,
            _ => 0,
        };
        Ok((entries.values().map(size).sum(), entries.len() as u64))
    }
}

/// Lists a layer. What is reserved or cannot be named is not entered.
fn list(root: &Root, most: u64, depth: usize) -> FsResult<Listing> {
    let mut listing = Listing { entries: BTreeMap::new(), unnamed: Vec::new() };
    let mut ahead = vec![Place::default()];
    let mut count = 0;
    while let Some(at) = ahead.pop() {
        let entries = match root.written(&at) {
            // What still runs removed it.
            Err(FsError::NotFound) => continue,
            entries => entries?,
        };
        for Written { name, what } in entries {
            count += 1;
            if count > most.saturating_mul(WIDER) || at.0.len() >= depth {
                return Err(FsError::Quota);
            }
            let name = match name {
                Ok(name) => name,
                Err(shown) => {
                    listing.unnamed.push(format!("{}: its name is no UTF-8", at.child(&shown)));
                    continue;
                }
            };
            let place = at.child(&name);
            if walk::reserved(&place) {
                listing.unnamed.push(format!("{place}: names that begin with `{}` are vox's own", walk::RESERVED));
                continue;
            }
            if matches!(what, Layered::Directory { .. }) {
                ahead.push(place.clone());
            }
            listing.entries.insert(place, what);
        }
    }
    Ok(listing)
}

impl Core {
    /// Lays all that is staged out in an empty layer.
    pub(super) fn lay(&self, layer: &Root) -> FsResult<()> {
        let state = self.state();
        let mut ahead = vec![(Place::default(), &state.top)];
        while let Some((at, dir)) = ahead.pop() {
            for (name, node) in &dir.entries {
                let place = at.child(name);
                match node {
                    Node::File(_) => self.lay_file(layer, &place)?,
                    Node::Link { target, .. } => layer.create_link(target, &place)?,
                    Node::Gone => layer.create_whiteout(&place)?,
                    Node::Directory(inner) => {
                        layer.create_directory(&place, 0o700)?;
                        let below = self.lower.look(&place);
                        let hides = matches!(below, Ok(sys::Look::Here(meta)) if meta.kind == Kind::Directory);
                        if !inner.merged && hides {
                            layer.set_opaque(&place)?;
                        }
                        let mode = self.upper.meta(&place)?.stamp.mode;
                        layer.set_mode(&place, mode | 0o700)?;
                        ahead.push((place, inner));
                    }
                }
            }
        }
        Ok(())
    }

    fn lay_file(&self, layer: &Root, place: &Place) -> FsResult<()> {
        let (from, meta) = self.upper.open_file(place, Access::Read)?;
        let to = layer.create_file(place, 0o600, Access::Write)?;
        std::io::copy(&mut &from, &mut &to)?;
        sys::set_mode(&to, meta.stamp.mode)?;
        match meta.modified() {
            Some(time) => sys::set_modified(&to, time),
            None => Ok(()),
        }
    }

    /// Takes over what changed in a layer since it was last looked at; gives what had to be left out.
    pub(super) fn absorb(self: &std::sync::Arc<Self>, layer: &mut Layer) -> FsResult<Vec<String>> {
        let since = SystemTime::now().checked_sub(TICK).unwrap_or(UNIX_EPOCH).duration_since(UNIX_EPOCH);
        let before = i64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(i64::MAX);
        let Listing { entries, unnamed } = list(&layer.root, self.meter.quota.entries, self.meter.quota.depth)?;
        let mut left = LeftOut(unnamed);
        let mut operation = self.session()?;
        // What lies in a directory goes before the directory.
        for (place, known) in layer.known.iter().rev() {
            if !entries.contains_key(place) && known.mark != Mark::Whiteout {
                operation.clear(place, &mut left)?;
            }
        }
        for (place, what) in &entries {
            let known = layer.known.get(place);
            let mark = Mark::of(what);
            if known.is_some_and(|known| known.settled && known.mark == mark) {
                continue;
            }
            let hid = known.is_some_and(|known| known.mark == mark);
            if let Layered::Directory { opaque: true, .. } = what
                && !hid
            {
                operation.clear_but(place, &entries, &mut left)?;
            }
            let done = operation.make_so(&layer.root, place, what, &mut left);
            left.forgive(place, done)?;
        }
        drop(operation);
        layer.known = entries
            .iter()
            .map(|(place, what)| {
                let mark = Mark::of(what);
                (place.clone(), Known { mark, settled: mark.settled(before) })
            })
            .collect();
        Ok(left.0)
    }
}

impl Operation<'_> {
    /// Removes whatever stands at a place, with all that is in it. What cannot be removed is left and told.
    fn clear(&mut self, place: &Place, left: &mut LeftOut) -> FsResult<()> {
        let seen = match self.look(place) {
            Err(FsError::NotFound | FsError::NotDirectory) => return Ok(()),
            seen => seen?,
        };
        match seen {
            Seen::Absent => Ok(()),
            Seen::Hidden => {
                left.add(place, "a program removed it, but it is no file, directory or link, so it stays");
                Ok(())
            }
            Seen::Here(Kind::File | Kind::Link) => self.remove_file(place),
            Seen::Here(Kind::Directory) => {
                for (name, _) in self.list(place)? {
                    self.clear(&place.child(&name), left)?;
                }
                match self.remove_directory(place) {
                    Err(FsError::NotEmpty) => {
                        left.add(place, "a program removed it, but it holds something that cannot be removed");
                        Ok(())
                    }
                    removed => removed,
                }
            }
        }
    }

    /// Removes what a directory shows and a layer that hides everything below does not have.
    fn clear_but(&mut self, place: &Place, has: &BTreeMap<Place, Layered>, left: &mut LeftOut) -> FsResult<()> {
        if !matches!(self.look(place), Ok(Seen::Here(Kind::Directory))) {
            return Ok(());
        }
        for (name, _) in self.list(place)? {
            let child = place.child(&name);
            match has.get(&child) {
                None => self.clear(&child, left)?,
                // All below an opaque directory is hidden, however deep.
                Some(Layered::Directory { .. }) => self.clear_but(&child, has, left)?,
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Makes a place what the layer has there.
    fn make_so(&mut self, layer: &Root, place: &Place, what: &Layered, left: &mut LeftOut) -> FsResult<()> {
        match what {
            Layered::Whiteout => self.clear(place, left),
            Layered::Special => {
                self.clear(place, left)?;
                left.add(place, "it is a pipe, a socket or a device");
                Ok(())
            }
            Layered::Directory { meta, .. } => self.make_directory_so(place, meta.stamp.mode, left),
            Layered::Object(meta) if meta.kind == Kind::Link => self.make_link_so(layer, place, left),
            Layered::Object(_) => self.make_file_so(layer, place, left),
        }
    }

    fn make_directory_so(&mut self, place: &Place, mode: u32, left: &mut LeftOut) -> FsResult<()> {
        if !matches!(self.look(place)?, Seen::Here(Kind::Directory)) {
            self.clear(place, left)?;
            let (core, state) = self.parts();
            core.create_directory(state, place)?;
            // The owner has to get in, whatever a program thinks of that.
            core.upper.set_mode(place, mode & 0o777 | 0o700)?;
        }
        Ok(())
    }

    fn make_link_so(&mut self, layer: &Root, place: &Place, left: &mut LeftOut) -> FsResult<()> {
        let target = layer.target(place)?;
        if matches!(self.look(place), Ok(Seen::Here(Kind::Link))) && self.target(place)? == target {
            return Ok(());
        }
        self.clear(place, left)?;
        match target.filter(|target| walk::may_point_to(place, target).is_ok()) {
            Some(target) => self.link(&target, place),
            None => {
                left.add(place, "it is a link that leads out of the folder");
                Ok(())
            }
        }
    }

    fn make_file_so(&mut self, layer: &Root, place: &Place, left: &mut LeftOut) -> FsResult<()> {
        let (from, meta) = match layer.open_written(place) {
            // What still runs removed it: the next look finds that.
            Err(FsError::NotFound) => return Ok(()),
            opened => opened?,
        };
        self.clear(place, left)?;
        let (core, state) = self.parts();
        let (object, to) = core.create_file(state, place)?;
        let size = meta.stamp.size;
        object.fill(size, || Ok(std::io::copy(&mut from.take(size), &mut &*to).map(drop)?))?;
        sys::set_mode(&to, meta.stamp.mode)?;
        match meta.modified() {
            Some(time) => sys::set_modified(&to, time),
            None => Ok(()),
        }
    }
}
