//! A folder that is used as it is: for reading only, or written straight through.

use crate::audit::Audit;
use crate::front::{Backend, Handle, Session};
use crate::ids::Ids;
use crate::quota::{Meter, Quota};
use crate::sys::{self, Access, Look, Meta, Root};
use crate::tree::{FsError, FsResult, How, Kind, OpenFile, Place, Stat};
use crate::walk::{self, Found, Seen, View};
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Entries below a directory that are looked at before it is moved: links in it must not lead outward afterwards.
const MAX_MOVED: usize = 10_000;

/// A folder without an overlay.
pub(crate) struct Direct {
    root: Root,
    writable: bool,
    ids: Ids,
    meter: Arc<Meter>,
    audit: Audit,
}

impl Direct {
    pub(crate) fn new(root: Root, writable: bool, quota: Quota, audit: Audit) -> Self {
        Self { root, writable, ids: Ids::default(), meter: Arc::new(Meter::new(quota)), audit }
    }

    fn stat_of(&self, meta: &Meta) -> Stat {
        stat_of(meta, self.ids.of(meta.device, meta.stamp.inode))
    }

    /// Makes something that counts as an entry.
    fn make<T>(&self, make: impl FnOnce() -> FsResult<T>) -> FsResult<T> {
        self.meter.take_entry()?;
        make().inspect_err(|_| self.meter.return_entry())
    }

    /// Links count from where they stand: less deep, one of them may reach out of the folder.
    fn links_stay_inside(&self, old: &Place, new: &Place) -> FsResult<()> {
        let mut ahead = vec![(old.clone(), new.clone())];
        let mut seen = 0;
        while let Some((from, to)) = ahead.pop() {
            for (name, kind) in self.root.list(&from)?.0 {
                seen += 1;
                if seen > MAX_MOVED {
                    return Err(FsError::Unsupported);
                }
                let (from, to) = (from.child(&name), to.child(&name));
                match kind {
                    Kind::File => {}
                    Kind::Directory => ahead.push((from, to)),
                    Kind::Link => {
                        let target = self.root.target(&from)?.ok_or(FsError::NotPermitted)?;
                        walk::may_point_to(&to, &target)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What a guest may know of an object.
pub(crate) fn stat_of(meta: &Meta, id: u64) -> Stat {
    let size = if meta.kind == Kind::Directory { 0 } else { meta.stamp.size };
    Stat { kind: meta.kind, size, modified: meta.modified(), id }
}

/// What stands at a place of the host, as a guest may see it.
pub(crate) fn seen(root: &Root, place: &Place) -> FsResult<Seen> {
    Ok(match root.look(place)? {
        Look::Absent => Seen::Absent,
        Look::Hidden => Seen::Hidden,
        Look::Here(meta) => Seen::Here(meta.kind),
    })
}

impl Backend for Direct {
    type Session<'a> = &'a Arc<Self>;

    fn session(self: &Arc<Self>) -> FsResult<Self::Session<'_>> {
        Ok(self)
    }
    fn writable(&self) -> bool {
        self.writable
    }
    fn audit(&self) -> &Audit {
        &self.audit
    }
    fn depth(&self) -> usize {
        self.meter.quota.depth
    }
}

impl View for &Arc<Direct> {
    fn look(&self, place: &Place) -> FsResult<Seen> {
        seen(&self.root, place)
    }
    fn target(&self, place: &Place) -> FsResult<Option<String>> {
        self.root.target(place)
    }
}

impl Session for &Arc<Direct> {
    fn stat(&mut self, place: &Place) -> FsResult<Stat> {
        Ok(self.stat_of(&self.root.meta(place)?))
    }

    fn create(&mut self, place: &Place, how: How) -> FsResult<Arc<dyn OpenFile>> {
        let ticket = self.meter.ticket()?;
        let access = if how.read { Access::ReadWrite } else { Access::Write };
        let file = self.make(|| self.root.create_file(place, 0o666, access))?;
        Ok(Arc::new(DirectFile::new(self, file, Handle::new(how, ticket))))
    }

    fn open(&mut self, place: &Place, how: How) -> FsResult<Arc<dyn OpenFile>> {
        let ticket = self.meter.ticket()?;
        let access = match (how.read, how.write || how.truncate) {
            (_, false) => Access::Read,
            (true, true) => Access::ReadWrite,
            (false, true) => Access::Write,
        };
        let (file, _) = self.root.open_file(place, access)?;
        if how.truncate {
            file.set_len(0)?;
        }
        Ok(Arc::new(DirectFile::new(self, file, Handle::new(how, ticket))))
    }

    fn list(&mut self, place: &Place) -> FsResult<Vec<(String, Kind)>> {
        let (mut entries, _) = self.root.list(place)?;
        entries.retain(|(name, _)| !walk::reserved(&place.child(name)));
        Ok(entries)
    }

    fn make_directory(&mut self, place: &Place) -> FsResult<()> {
        self.make(|| self.root.create_directory(place, 0o777))
    }

    fn remove_directory(&mut self, place: &Place) -> FsResult<()> {
        self.root.remove_directory(place)
    }

    fn remove_file(&mut self, place: &Place) -> FsResult<()> {
        self.root.remove_file(place)
    }

    fn rename(&mut self, from: &Place, kind: Kind, to: &Found) -> FsResult<()> {
        if kind == Kind::Directory && to.place.0.len() < from.0.len() {
            self.links_stay_inside(from, &to.place)?;
        }
        self.root.rename(from, &to.place)
    }

    fn link(&mut self, target: &str, place: &Place) -> FsResult<()> {
        self.make(|| self.root.create_link(target, place))
    }

    fn set_modified(&mut self, place: &Place, time: SystemTime) -> FsResult<()> {
        self.root.set_modified(place, time)
    }

    fn sync(&mut self, place: &Place) -> FsResult<()> {
        // Who may only read has nothing to wait for, and no business making others wait.
        if self.writable { self.root.sync_directory(place) } else { Ok(()) }
    }
}

/// An open file of the folder itself.
struct DirectFile {
    folder: Arc<Direct>,
    file: File,
    handle: Handle,
    /// Growth is counted before it happens: two writers must not count from the same length.
    growing: Mutex<()>,
}

impl DirectFile {
    fn new(folder: &Arc<Direct>, file: File, handle: Handle) -> Self {
        Self { folder: folder.clone(), file, handle, growing: Mutex::new(()) }
    }

    /// Counts the bytes by which the file will grow, then does what makes it grow.
    fn grow(&self, end: impl FnOnce(u64) -> Option<u64>, write: impl FnOnce() -> FsResult<()>) -> FsResult<()> {
        let _one = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let size = self.file.metadata()?.len();
        let more = end(size).ok_or(FsError::Invalid)?.saturating_sub(size);
        self.folder.meter.take_bytes(more)?;
        write().inspect_err(|_| self.folder.meter.return_bytes(more))
    }
}

impl OpenFile for DirectFile {
    fn stat(&self) -> FsResult<Stat> {
        self.handle.may_look(&self.folder.audit)?;
        Ok(self.folder.stat_of(&sys::meta_of(&self.file)?))
    }

    fn read_at(&self, offset: u64, length: usize) -> FsResult<Vec<u8>> {
        self.handle.may_read(&self.folder.audit)?;
        Ok(sys::read_at(&self.file, offset, length)?)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> FsResult<()> {
        self.handle.may_write(&self.folder.audit)?;
        self.grow(
            |size| Some(size.max(offset.checked_add(bytes.len() as u64)?)),
            || sys::write_at(&self.file, offset, bytes),
        )
    }

    fn append(&self, bytes: &[u8]) -> FsResult<()> {
        self.handle.may_write(&self.folder.audit)?;
        self.grow(|size| size.checked_add(bytes.len() as u64), || sys::append_at_end(&self.file, bytes))
    }

    fn set_size(&self, size: u64) -> FsResult<()> {
        self.handle.may_write(&self.folder.audit)?;
        self.grow(|_| Some(size), || Ok(self.file.set_len(size)?))
    }

    fn set_modified(&self, time: SystemTime) -> FsResult<()> {
        self.handle.may_write(&self.folder.audit)?;
        sys::set_modified(&self.file, time)
    }

    fn sync(&self) -> FsResult<()> {
        self.handle.may_look(&self.folder.audit)?;
        if self.folder.writable { Ok(sys::sync(&self.file)?) } else { Ok(()) }
    }
}
