//! What an overlay remembers: the staged names, and what stood in the folder where it was touched.

use super::object::Object;
use crate::changes::Before;
use crate::tree::{FsError, FsResult, Kind, Place};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

/// A directory with staged entries.
pub(super) struct Dir {
    pub(super) id: u64,
    /// Whether the folder's own directory of this place shines through where nothing is staged.
    pub(super) merged: bool,
    pub(super) entries: BTreeMap<String, Node>,
}

/// A staged name.
pub(super) enum Node {
    /// A directory: a new one, or one of the folder's with staged entries in it.
    Directory(Dir),
    /// A file with its data in the upper folder, at the same place.
    File(Arc<Object>),
    /// A link; it has nothing in the upper folder.
    Link { id: u64, target: String },
    /// What the folder has under this name is gone.
    Gone,
}

impl Node {
    /// What a guest sees of it.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Directory(_) => Some(Kind::Directory),
            Self::File(_) => Some(Kind::File),
            Self::Link { .. } => Some(Kind::Link),
            Self::Gone => None,
        }
    }
}

/// Where an object of the merged view is.
pub(super) enum Here<'s> {
    /// The root itself.
    Top(&'s Dir),
    /// It is staged.
    Staged(&'s Node),
    /// In the folder, if anywhere.
    Below,
    /// Nowhere.
    Absent,
}

/// The staged state of one folder.
pub(super) struct State {
    pub(super) top: Dir,
    /// What stood in the folder at every place that was replaced or removed, as it was when that first happened.
    pub(super) bases: BTreeMap<Place, Before>,
    /// Times that were set, or that changed, where no file in the upper folder holds them.
    pub(super) times: HashMap<Place, SystemTime>,
    /// Files of the folder that are open for reading, to go on with the staged copy once there is one.
    pub(super) reading: HashMap<Place, Weak<Object>>,
}

impl State {
    pub(super) fn new(id: u64) -> Self {
        let top = Dir { id, merged: true, entries: BTreeMap::new() };
        Self { top, bases: BTreeMap::new(), times: HashMap::new(), reading: HashMap::new() }
    }

    /// Where the object at a place is.
    pub(super) fn find(&self, place: &Place) -> FsResult<Here<'_>> {
        let mut at = &self.top;
        let mut names = place.0.iter().peekable();
        while let Some(name) = names.next() {
            match (at.entries.get(name), names.peek()) {
                (None, _) if at.merged => return Ok(Here::Below),
                (None | Some(Node::Gone), None) => return Ok(Here::Absent),
                (None | Some(Node::Gone), Some(_)) => return Err(FsError::NotFound),
                (Some(node), None) => return Ok(Here::Staged(node)),
                (Some(Node::Directory(dir)), Some(_)) => at = dir,
                (Some(Node::File(_) | Node::Link { .. }), Some(_)) => return Err(FsError::NotDirectory),
            }
        }
        Ok(Here::Top(at))
    }

    /// The staged directory that holds a place, if there is one.
    fn holder(&mut self, place: &Place) -> Option<&mut Dir> {
        let (_, parents) = place.0.split_last()?;
        let mut at = &mut self.top;
        for name in parents {
            match at.entries.get_mut(name) {
                Some(Node::Directory(dir)) => at = dir,
                _ => return None,
            }
        }
        Some(at)
    }

    /// Puts a node at a place whose directory is staged.
    pub(super) fn put(&mut self, place: &Place, node: Node) -> FsResult<()> {
        let name = place.0.last().ok_or(FsError::Invalid)?.clone();
        self.holder(place).ok_or(FsError::NotFound)?.entries.insert(name, node);
        Ok(())
    }

    /// Takes a node away; what the folder has there stays hidden.
    pub(super) fn take(&mut self, place: &Place) -> Option<Node> {
        let name = place.0.last()?;
        let hide = self.bases.contains_key(place);
        let holder = self.holder(place)?;
        match hide && holder.merged {
            true => holder.entries.insert(name.clone(), Node::Gone),
            false => holder.entries.remove(name),
        }
    }

    /// Every staged object with its place, parents first. Directories of the folder that only hold others are left out.
    pub(super) fn staged(&self) -> Vec<(Place, &Node)> {
        let mut found = Vec::new();
        let mut ahead = vec![(Place::default(), &self.top)];
        while let Some((place, dir)) = ahead.pop() {
            for (name, node) in &dir.entries {
                let place = place.child(name);
                match node {
                    Node::Directory(dir) => {
                        if !dir.merged {
                            found.push((place.clone(), node));
                        }
                        ahead.push((place, dir));
                    }
                    Node::File(_) | Node::Link { .. } => found.push((place, node)),
                    Node::Gone => {}
                }
            }
        }
        found
    }
}
