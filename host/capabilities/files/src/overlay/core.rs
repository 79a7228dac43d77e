//! The parts of an overlay: the folder below, the private folder above, and what is staged.

use super::object::Object;
use super::state::{Dir, Here, Node, State};
use crate::audit::Audit;
use crate::changes::Before;
use crate::ids::Ids;
use crate::quota::{Meter, Quota};
use crate::sys::{self, Access, Meta, Root};
use crate::tree::{FsError, FsResult, Kind, Place};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::SystemTime;

/// Permission bits of what a guest makes, less the process's mask.
const FILE: u32 = 0o666;
const DIRECTORY: u32 = 0o777;

/// One folder with an overlay.
pub(crate) struct Core {
    /// The folder itself. Nothing is ever written to it.
    pub(super) lower: Root,
    /// Staged files and directories, under their own names.
    pub(super) upper: Root,
    pub(super) meter: Arc<Meter>,
    pub(super) ids: Ids,
    pub(super) audit: Audit,
    state: Mutex<State>,
    /// How often the skill wrote.
    writes: AtomicU64,
    /// Why nothing of this can be kept, if so.
    spoilt: Mutex<Option<String>>,
    /// Whether it was sealed: then no handle and no operation does anything any more.
    sealed: RwLock<bool>,
}

impl Core {
    pub(crate) fn new(lower: Root, upper: Root, quota: Quota, audit: Audit) -> Self {
        let ids = Ids::default();
        let state = Mutex::new(State::new(ids.fresh()));
        Self {
            lower,
            upper,
            meter: Arc::new(Meter::new(quota)),
            ids,
            audit,
            state,
            writes: AtomicU64::new(0),
            spoilt: Mutex::new(None),
            sealed: RwLock::new(false),
        }
    }

    /// Starts something that must not run while the overlay is sealed.
    pub(super) fn enter(&self) -> FsResult<RwLockReadGuard<'_, bool>> {
        let guard = self.sealed.read().unwrap_or_else(PoisonError::into_inner);
        if *guard { Err(FsError::Access) } else { Ok(guard) }
    }

    /// Waits for what is under way and lets nothing start any more.
    pub(super) fn close(&self) {
        *self.sealed.write().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// How often the skill wrote; what programs wrote does not count.
    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// Counts a write of the skill.
    pub(super) fn note_write(&self) {
        self.writes.fetch_add(1, Ordering::SeqCst);
    }

    /// Lets nothing of this be kept. The first reason counts.
    pub(super) fn spoil(&self, why: &str) {
        self.spoilt.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| why.to_owned());
    }

    /// Why nothing of this can be kept; none where it can.
    pub(super) fn spoilt(&self) -> Option<String> {
        self.spoilt.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what stands in the folder at a place, before it is replaced or removed.
    pub(super) fn remember(&self, state: &mut State, place: &Place, before: Before) -> FsResult<()> {
        if !state.bases.contains_key(place) && state.bases.len() as u64 >= self.meter.quota.entries {
            return Err(FsError::Quota);
        }
        state.bases.entry(place.clone()).or_insert(before);
        Ok(())
    }

    /// Remembers what stands in the folder at a place, without reading a file's content.
    pub(super) fn remember_unread(&self, state: &mut State, place: &Place) -> FsResult<()> {
        let meta = self.lower.meta(place)?;
        let target = match meta.kind {
            Kind::Link => self.lower.target(place)?,
            Kind::File | Kind::Directory => None,
        };
        self.remember(state, place, Before { kind: meta.kind, stamp: meta.stamp, sha256: None, target })
    }

    /// Makes the directories that hold a place staged ones, and the upper folder's like them.
    pub(super) fn stage_parents(&self, state: &mut State, place: &Place) -> FsResult<()> {
        let (_, parents) = place.0.split_last().ok_or(FsError::Invalid)?;
        let mut at = &mut state.top;
        let mut here = Place::default();
        for name in parents {
            here.0.push(name.clone());
            if !at.entries.contains_key(name) {
                let meta = self.lower.meta(&here)?;
                if !at.merged || meta.kind != Kind::Directory {
                    return Err(FsError::NotDirectory);
                }
                self.upper.create_directory(&here, 0o700)?;
                self.upper.set_mode(&here, meta.stamp.mode | 0o700)?;
                let id = self.ids.of(meta.device, meta.stamp.inode);
                let dir = Dir { id, merged: true, entries: BTreeMap::new() };
                at.entries.insert(name.clone(), Node::Directory(dir));
            }
            at = match at.entries.get_mut(name) {
                Some(Node::Directory(dir)) => dir,
                _ => return Err(FsError::NotDirectory),
            };
        }
        Ok(())
    }

    /// Notes that the entries of the directory that holds a place changed now.
    pub(super) fn touch_parent(&self, state: &mut State, place: &Place) {
        if let Some(parent) = place.parent() {
            state.times.insert(parent, SystemTime::now());
        }
    }

    /// Makes something staged that counts as an entry.
    pub(super) fn make<T>(&self, make: impl FnOnce() -> FsResult<T>) -> FsResult<T> {
        self.meter.take_entry()?;
        make().inspect_err(|_| self.meter.return_entry())
    }

    /// Makes a new file where nothing is.
    pub(super) fn create_file(&self, state: &mut State, place: &Place) -> FsResult<(Arc<Object>, Arc<File>)> {
        self.stage_parents(state, place)?;
        let file = self.make(|| self.upper.create_file(place, FILE, Access::ReadWrite))?;
        let object = Arc::new(Object::staged(self.ids.fresh(), self.meter.clone(), 0));
        state.put(place, Node::File(object.clone()))?;
        self.touch_parent(state, place);
        Ok((object, Arc::new(file)))
    }

    /// Makes a new directory where nothing is.
    pub(super) fn create_directory(&self, state: &mut State, place: &Place) -> FsResult<()> {
        self.stage_parents(state, place)?;
        self.make(|| self.upper.create_directory(place, DIRECTORY))?;
        let dir = Dir { id: self.ids.fresh(), merged: false, entries: BTreeMap::new() };
        state.put(place, Node::Directory(dir))?;
        self.touch_parent(state, place);
        Ok(())
    }

    /// Copies a file of the folder up, or stands an empty one in for it.
    pub(super) fn copy_up(&self, state: &mut State, place: &Place, empty: bool) -> FsResult<(Arc<Object>, Arc<File>)> {
        self.stage_parents(state, place)?;
        let (source, meta) = self.lower.open_file(place, Access::Read)?;
        let size = if empty { 0 } else { meta.stamp.size };
        self.meter.take_bytes(size)?;
        let copied = self.make(|| self.copy(&source, &meta, place, size, empty)).and_then(|(file, sha256)| {
            let before = Before { kind: Kind::File, stamp: meta.stamp, sha256, target: None };
            let remembered = self.remember(state, place, before).inspect_err(|_| {
                self.meter.return_entry();
                // Nobody knows of it; if it stays, it is in nobody's way but its own.
                let _ = self.upper.remove_file(place);
            });
            remembered.map(|()| Arc::new(file))
        });
        let file = copied.inspect_err(|_| self.meter.return_bytes(size))?;
        let id = self.ids.of(meta.device, meta.stamp.inode);
        let open = state.reading.remove(place).and_then(|open| open.upgrade()).filter(|open| open.id == id);
        let object = match open {
            Some(open) => {
                open.become_staged(&file, size);
                open
            }
            None => Arc::new(Object::staged(id, self.meter.clone(), size)),
        };
        state.put(place, Node::File(object.clone()))?;
        match state.times.remove(place) {
            Some(time) => sys::set_modified(&file, time)?,
            None if !empty => {
                if let Some(time) = meta.modified() {
                    sys::set_modified(&file, time)?;
                }
            }
            None => {}
        }
        Ok((object, file))
    }

    fn copy(
        &self,
        source: &File,
        meta: &Meta,
        place: &Place,
        size: u64,
        empty: bool,
    ) -> FsResult<(File, Option<vox_model::Digest>)> {
        let file = self.upper.create_file(place, 0o600, Access::ReadWrite)?;
        let fill = || {
            // Set-id and sticky bits are not carried over to what a guest writes.
            self.upper.set_mode(place, meta.stamp.mode & 0o777)?;
            if empty {
                return Ok(None);
            }
            let digest = sys::copy_and_hash(source, &file, size)?;
            match sys::meta_of(source)?.stamp == meta.stamp {
                true => Ok(Some(digest)),
                false => Err(io::Error::other("the file was changed while it was copied; try again").into()),
            }
        };
        match fill() {
            Ok(digest) => Ok((file, digest)),
            Err(error) => {
                let _ = self.upper.remove_file(place);
                Err(error)
            }
        }
    }

    /// The entries of a directory of the merged view, and whether the folder has others in it that are not shown.
    pub(super) fn list(&self, state: &State, place: &Place) -> FsResult<(Vec<(String, Kind)>, bool)> {
        let dir = match state.find(place)? {
            Here::Top(dir) | Here::Staged(Node::Directory(dir)) => dir,
            Here::Below => return self.lower.list(place),
            Here::Absent | Here::Staged(Node::Gone) => return Err(FsError::NotFound),
            Here::Staged(Node::File(_) | Node::Link { .. }) => return Err(FsError::NotDirectory),
        };
        let (mut entries, mut others) = match dir.merged {
            true => self.lower.list(place)?,
            false => (Vec::new(), false),
        };
        entries.retain(|(name, _)| {
            let reserved = crate::walk::reserved(&place.child(name));
            others |= reserved;
            !reserved && !dir.entries.contains_key(name)
        });
        entries.extend(dir.entries.iter().filter_map(|(name, node)| Some((name.clone(), node.kind()?))));
        Ok((entries, others))
    }
}
