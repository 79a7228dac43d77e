//! Files that are read from the folder or staged in the upper one, and handles to them.

use super::core::Core;
use crate::front::Handle;
use crate::quota::Meter;
use crate::sys;
use crate::tree::{FsError, FsResult, OpenFile, Stat};
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// A file. All handles to it share this, so that a reader sees what a writer staged after it was opened.
pub(super) struct Object {
    pub(super) id: u64,
    meter: Arc<Meter>,
    inner: Mutex<Inner>,
}

struct Inner {
    /// Open as long as there are handles.
    file: Option<Arc<File>>,
    handles: u64,
    /// Bytes that count against the quota: the length of a staged file. None for a file of the folder.
    staged: Option<u64>,
}

impl Object {
    /// A file of the folder.
    pub(super) fn of_folder(id: u64, meter: Arc<Meter>) -> Self {
        Self { id, meter, inner: Mutex::new(Inner { file: None, handles: 0, staged: None }) }
    }

    /// A staged file, whose bytes are counted already.
    pub(super) fn staged(id: u64, meter: Arc<Meter>, bytes: u64) -> Self {
        Self { id, meter, inner: Mutex::new(Inner { file: None, handles: 0, staged: Some(bytes) }) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with a staged copy, whose bytes are counted already.
    pub(super) fn become_staged(&self, copy: &Arc<File>, bytes: u64) {
        let mut inner = self.lock();
        inner.staged = Some(bytes);
        if inner.handles > 0 {
            inner.file = Some(copy.clone());
        }
    }

    /// One more handle; the file is opened if it is the first.
    pub(super) fn attach(&self, open: impl FnOnce() -> FsResult<Arc<File>>) -> FsResult<()> {
        let mut inner = self.lock();
        if inner.file.is_none() {
            inner.file = Some(open()?);
        }
        inner.handles += 1;
        Ok(())
    }

    fn detach(&self) {
        let mut inner = self.lock();
        inner.handles = inner.handles.saturating_sub(1);
        if inner.handles == 0 {
            inner.file = None;
        }
    }

    /// Cuts or lengthens a staged file that is open.
    pub(super) fn set_size(&self, size: u64) -> FsResult<()> {
        self.write(|_| Some(size), |file, _| Ok(file.set_len(size)?))
    }

    /// Fills a staged file that is empty and that nobody has opened with so many bytes of somewhere else.
    pub(super) fn fill(&self, size: u64, fill: impl FnOnce() -> FsResult<()>) -> FsResult<()> {
        let mut inner = self.lock();
        self.meter.take_bytes(size)?;
        inner.staged = Some(inner.staged.unwrap_or(0) + size);
        fill()
    }

    /// Counts what the file's length will be, then does what makes it so.
    fn write(
        &self,
        length: impl FnOnce(u64) -> Option<u64>,
        write: impl FnOnce(&File, u64) -> FsResult<()>,
    ) -> FsResult<()> {
        let mut inner = self.lock();
        let file = inner.file.clone().ok_or(FsError::Invalid)?;
        // Writers hold handles of staged files only.
        let counted = inner.staged.ok_or(FsError::ReadOnly)?;
        let before = file.metadata()?.len();
        let after = length(before).ok_or(FsError::Quota)?;
        self.meter.take_bytes(after.saturating_sub(counted))?;
        // Counted first: if writing fails half-way, the longer of both lengths stays on the account.
        inner.staged = Some(counted.max(after));
        write(&file, before)?;
        inner.staged = Some(after);
        self.meter.return_bytes(counted.saturating_sub(after));
        Ok(())
    }

    fn file(&self) -> FsResult<Arc<File>> {
        self.lock().file.clone().ok_or(FsError::Invalid)
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let staged = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner).staged;
        self.meter.return_bytes(staged.unwrap_or(0));
    }
}

/// An open file of an overlay.
pub(super) struct OverlayFile {
    core: Arc<Core>,
    object: Arc<Object>,
    handle: Handle,
}

impl OverlayFile {
    /// A handle to an object that was attached for it.
    pub(super) fn new(core: &Arc<Core>, object: Arc<Object>, handle: Handle) -> Self {
        Self { core: core.clone(), object, handle }
    }

    fn writing(&self, write: impl FnOnce(&Object) -> FsResult<()>) -> FsResult<()> {
        self.handle.may_write(&self.core.audit)?;
        // Held while writing: nothing is written any more once sealing begins.
        let _open = self.core.enter()?;
        self.core.note_write();
        write(&self.object)
    }
}

impl Drop for OverlayFile {
    fn drop(&mut self) {
        self.object.detach();
    }
}

impl OpenFile for OverlayFile {
    fn stat(&self) -> FsResult<Stat> {
        self.handle.may_look(&self.core.audit)?;
        let _open = self.core.enter()?;
        let meta = sys::meta_of(&self.object.file()?)?;
        Ok(crate::direct::stat_of(&meta, self.object.id))
    }

    fn read_at(&self, offset: u64, length: usize) -> FsResult<Vec<u8>> {
        self.handle.may_read(&self.core.audit)?;
        let _open = self.core.enter()?;
        Ok(sys::read_at(&*self.object.file()?, offset, length)?)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> FsResult<()> {
        self.writing(|object| {
            object.write(
                |length| Some(length.max(offset.checked_add(bytes.len() as u64)?)),
                |file, _| sys::write_at(file, offset, bytes),
            )
        })
    }

    fn append(&self, bytes: &[u8]) -> FsResult<()> {
        self.writing(|object| {
            object.write(
                |length| length.checked_add(bytes.len() as u64),
                |file, length| sys::write_at(file, length, bytes),
            )
        })
    }

    fn set_size(&self, size: u64) -> FsResult<()> {
        self.writing(|object| object.set_size(size))
    }

    fn set_modified(&self, time: SystemTime) -> FsResult<()> {
        self.writing(|object| sys::set_modified(&*object.file()?, time))
    }

    fn sync(&self) -> FsResult<()> {
        self.handle.may_look(&self.core.audit)?;
        // Sealing and approving make it last; before that nobody is told that it does.
        self.core.enter().map(drop)
    }
}
