//! The operations of an overlay.

use super::core::Core;
use super::object::{Object, OverlayFile};
use super::state::{Here, Node, State};
use crate::audit::Audit;
use crate::direct::{seen, stat_of};
use crate::front::{Backend, Handle, Session};
use crate::quota::Ticket;
use crate::sys::Access;
use crate::tree::{FsError, FsResult, How, Kind, OpenFile, Place, Stat};
use crate::walk::{self, Found, Seen, View};
use std::fs::File;
use std::io::ErrorKind;
use std::sync::{Arc, MutexGuard, RwLockReadGuard};
use std::time::SystemTime;

impl Backend for Core {
    type Session<'a> = Operation<'a>;

    fn session(self: &Arc<Self>) -> FsResult<Operation<'_>> {
        Ok(Operation { _open: self.enter()?, core: self, state: self.state() })
    }
    fn writable(&self) -> bool {
        true
    }
    fn audit(&self) -> &Audit {
        &self.audit
    }
    fn depth(&self) -> usize {
        self.meter.quota.depth
    }
    fn changing(&self) {
        self.note_write();
    }
}

/// One operation: the state stands still while it runs.
pub(crate) struct Operation<'a> {
    core: &'a Arc<Core>,
    state: MutexGuard<'a, State>,
    _open: RwLockReadGuard<'a, bool>,
}

impl View for Operation<'_> {
    fn look(&self, place: &Place) -> FsResult<Seen> {
        Ok(match self.state.find(place)? {
            Here::Top(_) => Seen::Here(Kind::Directory),
            Here::Staged(node) => node.kind().map_or(Seen::Absent, Seen::Here),
            Here::Below => seen(&self.core.lower, place)?,
            Here::Absent => Seen::Absent,
        })
    }

    fn target(&self, place: &Place) -> FsResult<Option<String>> {
        match self.state.find(place)? {
            Here::Staged(Node::Link { target, .. }) => Ok(Some(target.clone())),
            Here::Below => self.core.lower.target(place),
            _ => Err(FsError::Invalid),
        }
    }
}

impl Operation<'_> {
    /// The overlay, and its state while the operation runs.
    pub(super) fn parts(&mut self) -> (&Core, &mut State) {
        (self.core, &mut self.state)
    }

    /// A handle to a file, which is opened if it is the first one.
    fn handle(
        &self,
        object: Arc<Object>,
        how: How,
        ticket: Ticket,
        open: impl FnOnce() -> FsResult<Arc<File>>,
    ) -> FsResult<Arc<dyn OpenFile>> {
        object.attach(open)?;
        Ok(Arc::new(OverlayFile::new(self.core, object, Handle::new(how, ticket))))
    }

    /// A file of the folder, opened for reading.
    fn read_below(&mut self, place: &Place, how: How, ticket: Ticket) -> FsResult<Arc<dyn OpenFile>> {
        let (file, meta) = self.core.lower.open_file(place, Access::Read)?;
        let id = self.core.ids.of(meta.device, meta.stamp.inode);
        let known = self.state.reading.get(place).and_then(|open| open.upgrade()).filter(|open| open.id == id);
        let object = match known {
            Some(object) => object,
            None => {
                if self.state.reading.len() as u64 > 2 * self.core.meter.quota.open_files {
                    self.state.reading.retain(|_, open| open.strong_count() > 0);
                }
                let object = Arc::new(Object::of_folder(id, self.core.meter.clone()));
                self.state.reading.insert(place.clone(), Arc::downgrade(&object));
                object
            }
        };
        self.handle(object, how, ticket, || Ok(Arc::new(file)))
    }

    /// Opens a staged file for all handles to it; one that its mode protects from writing, for reading.
    fn open_staged(&self, place: &Place, how: How) -> FsResult<Arc<File>> {
        match self.core.upper.open_file(place, Access::ReadWrite) {
            Err(FsError::Io(error)) if error.kind() == ErrorKind::PermissionDenied && !how.write && !how.truncate => {
                Ok(Arc::new(self.core.upper.open_file(place, Access::Read)?.0))
            }
            opened => Ok(Arc::new(opened?.0)),
        }
    }

    /// Moving a staged directory: no link in it may lead outward afterwards, and nothing may stand too deep.
    fn may_move(&self, from: &Place, to: &Place) -> FsResult<()> {
        match self.state.find(from)? {
            Here::Staged(Node::Directory(dir)) if !dir.merged => {}
            // As with the kernel's overlays: whoever moves it copies it and removes it.
            _ => return Err(FsError::CrossDevice),
        }
        for (place, node) in self.state.staged() {
            if !place.is_inside(from) {
                continue;
            }
            let moved = Place(to.0.iter().chain(&place.0[from.0.len()..]).cloned().collect());
            if moved.0.len() > self.core.meter.quota.depth {
                return Err(FsError::NameTooLong);
            }
            if let Node::Link { target, .. } = node {
                walk::may_point_to(&moved, target)?;
            }
        }
        Ok(())
    }

    /// Makes a link of the folder a staged one, so that it can be moved.
    fn stage_link(&mut self, place: &Place) -> FsResult<()> {
        let meta = self.core.lower.meta(place)?;
        let target = self.core.lower.target(place)?.ok_or(FsError::NotPermitted)?;
        let core = self.core;
        core.stage_parents(&mut self.state, place)?;
        core.make(|| core.remember_unread(&mut self.state, place))?;
        let id = core.ids.of(meta.device, meta.stamp.inode);
        self.state.put(place, Node::Link { id, target })
    }
}

impl Session for Operation<'_> {
    fn stat(&mut self, place: &Place) -> FsResult<Stat> {
        let core = self.core;
        let mut stat = match self.state.find(place)? {
            Here::Top(dir) => Stat { id: dir.id, ..stat_of(&core.lower.meta(place)?, 0) },
            Here::Below => {
                let meta = core.lower.meta(place)?;
                stat_of(&meta, core.ids.of(meta.device, meta.stamp.inode))
            }
            Here::Staged(Node::File(object)) => stat_of(&core.upper.meta(place)?, object.id),
            Here::Staged(Node::Directory(dir)) => {
                let side = if dir.merged { &core.lower } else { &core.upper };
                stat_of(&side.meta(place)?, dir.id)
            }
            Here::Staged(Node::Link { id, target }) => {
                Stat { kind: Kind::Link, size: target.len() as u64, modified: None, id: *id }
            }
            Here::Absent | Here::Staged(Node::Gone) => return Err(FsError::NotFound),
        };
        stat.modified = self.state.times.get(place).copied().or(stat.modified);
        Ok(stat)
    }

    fn create(&mut self, place: &Place, how: How) -> FsResult<Arc<dyn OpenFile>> {
        let ticket = self.core.meter.ticket()?;
        let (object, file) = self.core.create_file(&mut self.state, place)?;
        self.handle(object, how, ticket, || Ok(file))
    }

    fn open(&mut self, place: &Place, how: How) -> FsResult<Arc<dyn OpenFile>> {
        let ticket = self.core.meter.ticket()?;
        let staged = match self.state.find(place)? {
            Here::Staged(Node::File(object)) => Some(object.clone()),
            Here::Below => None,
            _ => return Err(FsError::NotFound),
        };
        match staged {
            None if how.write || how.truncate => {
                let (object, file) = self.core.copy_up(&mut self.state, place, how.truncate)?;
                self.handle(object, how, ticket, || Ok(file))
            }
            None => self.read_below(place, how, ticket),
            Some(object) => {
                let handle = self.handle(object.clone(), how, ticket, || self.open_staged(place, how))?;
                if how.truncate {
                    object.set_size(0)?;
                }
                Ok(handle)
            }
        }
    }

    fn list(&mut self, place: &Place) -> FsResult<Vec<(String, Kind)>> {
        Ok(self.core.list(&self.state, place)?.0)
    }

    fn make_directory(&mut self, place: &Place) -> FsResult<()> {
        self.core.create_directory(&mut self.state, place)
    }

    fn remove_directory(&mut self, place: &Place) -> FsResult<()> {
        let (entries, others) = self.core.list(&self.state, place)?;
        // What is not shown is there all the same, and would be in the way when the removal is applied.
        if others || !entries.is_empty() {
            return Err(FsError::NotEmpty);
        }
        let core = self.core;
        let (staged, merged) = match self.state.find(place)? {
            Here::Staged(Node::Directory(dir)) => (true, dir.merged),
            Here::Below => (false, true),
            _ => return Err(FsError::NotDirectory),
        };
        if merged {
            core.remember_unread(&mut self.state, place)?;
        }
        if staged {
            core.upper.remove_directory(place)?;
        } else {
            core.stage_parents(&mut self.state, place)?;
        }
        self.state.take(place);
        if !merged {
            core.meter.return_entry();
        }
        self.state.times.remove(place);
        core.touch_parent(&mut self.state, place);
        Ok(())
    }

    fn remove_file(&mut self, place: &Place) -> FsResult<()> {
        let core = self.core;
        match self.state.find(place)? {
            Here::Staged(Node::File(_)) => {
                core.upper.remove_file(place)?;
                core.meter.return_entry();
            }
            Here::Staged(Node::Link { .. }) => core.meter.return_entry(),
            Here::Below => {
                core.stage_parents(&mut self.state, place)?;
                core.remember_unread(&mut self.state, place)?;
                self.state.reading.remove(place);
            }
            _ => return Err(FsError::NotFound),
        }
        self.state.take(place);
        self.state.times.remove(place);
        core.touch_parent(&mut self.state, place);
        Ok(())
    }

    fn rename(&mut self, from: &Place, kind: Kind, to: &Found) -> FsResult<()> {
        let core = self.core;
        if kind == Kind::Directory {
            self.may_move(from, &to.place)?;
        } else if matches!(self.state.find(from)?, Here::Below) {
            match kind {
                Kind::Link => self.stage_link(from)?,
                _ => drop(core.copy_up(&mut self.state, from, false)?),
            }
        }
        core.stage_parents(&mut self.state, &to.place)?;
        match to.kind {
            Some(Kind::Directory) => self.remove_directory(&to.place)?,
            Some(Kind::File | Kind::Link) => self.remove_file(&to.place)?,
            None => {}
        }
        if kind != Kind::Link {
            core.upper.rename(from, &to.place)?;
        }
        let node = self.state.take(from).ok_or(FsError::NotFound)?;
        self.state.put(&to.place, node)?;
        // What lies in a moved directory loses times that were set; files keep theirs in the upper folder.
        let time = self.state.times.remove(from);
        self.state.times.retain(|place, _| !place.is_inside(from));
        if let Some(time) = time {
            self.state.times.insert(to.place.clone(), time);
        }
        core.touch_parent(&mut self.state, from);
        core.touch_parent(&mut self.state, &to.place);
        Ok(())
    }

    fn link(&mut self, target: &str, place: &Place) -> FsResult<()> {
        let core = self.core;
        core.stage_parents(&mut self.state, place)?;
        let id = core.ids.fresh();
        core.make(|| self.state.put(place, Node::Link { id, target: target.to_owned() }))?;
        core.touch_parent(&mut self.state, place);
        Ok(())
    }

    fn set_modified(&mut self, place: &Place, time: SystemTime) -> FsResult<()> {
        if let Here::Staged(Node::File(_)) = self.state.find(place)? {
            return self.core.upper.set_modified(place, time);
        }
        let limit = self.core.meter.quota.entries;
        if !self.state.times.contains_key(place) && self.state.times.len() as u64 >= limit {
            return Err(FsError::Quota);
        }
        self.state.times.insert(place.clone(), time);
        Ok(())
    }

    fn sync(&mut self, _: &Place) -> FsResult<()> {
        // Sealing and approving make it last; before that nobody is told that it does.
        Ok(())
    }
}
