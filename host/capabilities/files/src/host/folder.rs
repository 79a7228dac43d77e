//! A directory that a guest has opened, and everything that is done from there by path.

use super::bindings::wasi::filesystem::types::{DescriptorFlags, DirectoryEntry, ErrorCode, OpenFlags};
use super::fault::Outcome;
use super::file::File;
use super::{Descriptor, stat};
use crate::tree::{How, Opened, Place, Stat, Tree};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;
use vox_model::{CallScope, Capability, Effect, Verdict};

/// The directory itself, as a path from there.
const ITSELF: &str = ".";

/// Entries that are held for a call, of all directories that its guest lists at a time. Without this bound, a thousand
/// listings of one large directory would take the host's memory. Twice what one listing may have.
pub(super) const MAX_HELD: usize = 1 << 20;

/// Bytes of a path in a record: what a guest can make the audit keep with one refused call.
pub(super) const MAX_TARGET: usize = 1024;

/// What a directory may do that was opened without `mutate-directory` from one that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subdirectories {
    /// Nothing but reading, as the text of `wasi:filesystem` says.
    ///
    /// Programs of today do not live well with it: the adapter under Rust's and C's libraries never asks for
    /// `mutate-directory`, so removing a tree of directories fails with `read-only` wherever it is done
    /// from an opened directory, as `std::fs::remove_dir_all` does it.
    AsOpened,
    /// The same as the directory it was opened from, as with wasmtime's own implementation.
    Inherited,
}

/// A directory, and what this handle may do below it.
#[derive(Clone)]
pub(super) struct Folder {
    pub(super) tree: Arc<dyn Tree>,
    /// The number of the granted folder: within a call one number is one tree.
    pub(super) number: u32,
    /// What the granted folder is called for the guest.
    pub(super) guest: Arc<str>,
    pub(super) place: Place,
    /// Whether entries may be changed from here.
    pub(super) mutate: bool,
}

impl Folder {
    pub(super) fn flags(&self) -> DescriptorFlags {
        match self.mutate {
            true => DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY,
            false => DescriptorFlags::READ,
        }
    }

    /// Whether anything may be changed from here.
    fn may_change(&self, scope: &CallScope, action: &str, path: &str) -> Result<(), ErrorCode> {
        if self.mutate {
            return Ok(());
        }
        // A handle that could have asked for more is the guest's own affair, a folder granted for reading is not.
        if !self.tree.writable() {
            self.denied(scope, action, path, format!("the folder {} is granted for reading only", self.guest));
        }
        Err(ErrorCode::ReadOnly)
    }

    /// Takes a refusal down that the tree, which takes down all else, never hears of.
    fn denied(&self, scope: &CallScope, action: &str, path: &str, rule: String) {
        scope.recorder.record(Effect {
            capability: Capability::FilesystemRw,
            action: action.to_owned(),
            target: self.target(path),
            verdict: Verdict::Denied,
            rule,
            received: 0,
            sent: 0,
        });
    }

    /// A path from here as the guest sees it, cut where it is endless.
    fn target(&self, path: &str) -> String {
        let mut target = format!("{}/", self.guest.trim_end_matches('/'));
        for name in &self.place.0 {
            target.push_str(name);
            target.push('/');
        }
        target.push_str(path);
        target.truncate(target.floor_char_boundary(MAX_TARGET));
        target
    }

    /// Opens a file or a directory; neither gets more than this directory has.
    pub(super) fn open(
        &self,
        scope: &CallScope,
        path: &str,
        follow: bool,
        wanted: (OpenFlags, DescriptorFlags),
        subdirectories: Subdirectories,
    ) -> Outcome<Descriptor> {
        let (open, flags) = wanted;
        let how = how(follow, open, flags)?;
        // Cutting is among them: it takes a handle for writing.
        let changes = how.write || how.create;
        if changes || flags.contains(DescriptorFlags::MUTATE_DIRECTORY) {
            self.may_change(scope, "write", path)?;
        }
        match self.tree.open(&self.place, path, how)? {
            Opened::File(_) if how.directory => Err(ErrorCode::NotDirectory.into()),
            Opened::File(file) => Ok(Descriptor::file(File {
                file,
                folder: self.number,
                read: flags.contains(DescriptorFlags::READ),
                write: how.write,
            })),
            Opened::Directory(_) if changes => Err(ErrorCode::IsDirectory.into()),
            Opened::Directory(place) => {
                let asked = flags.contains(DescriptorFlags::MUTATE_DIRECTORY);
                let mutate = self.mutate && (asked || subdirectories == Subdirectories::Inherited);
                Ok(Descriptor::folder(Self { place, mutate, ..self.clone() }))
            }
        }
    }

    /// The entries, all at once: a directory that changes in between would otherwise be listed in part. `held` counts
    /// those of all directories that the guest lists at a time.
    pub(super) fn entries(&self, held: &Arc<AtomicUsize>) -> Outcome<Entries> {
        let all = self.tree.list(&self.place)?;
        let count = all.len();
        let fits = |now: usize| now.checked_add(count).filter(|sum| *sum <= MAX_HELD);
        if held.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits).is_err() {
            return Err(ErrorCode::Quota.into());
        }
        Ok(Entries { left: all.into_iter(), count, held: Arc::clone(held) })
    }

    /// What this directory is itself.
    pub(super) fn stat(&self) -> Outcome<Stat> {
        self.stat_at(ITSELF, false)
    }

    pub(super) fn stat_at(&self, path: &str, follow: bool) -> Outcome<Stat> {
        Ok(self.tree.stat(&self.place, path, follow)?)
    }

    /// Sets the time of this directory's last change.
    pub(super) fn set_modified(&self, scope: &CallScope, time: Option<SystemTime>) -> Outcome<()> {
        self.set_modified_at(scope, ITSELF, false, time)
    }

    pub(super) fn set_modified_at(
        &self,
        scope: &CallScope,
        path: &str,
        follow: bool,
        time: Option<SystemTime>,
    ) -> Outcome<()> {
        self.may_change(scope, "set-time", path)?;
        match time {
            Some(time) => Ok(self.tree.set_modified(&self.place, path, follow, time)?),
            None => Ok(()),
        }
    }

    pub(super) fn create_directory(&self, scope: &CallScope, path: &str) -> Outcome<()> {
        self.may_change(scope, "make-directory", path)?;
        Ok(self.tree.create_directory(&self.place, path)?)
    }

    pub(super) fn remove_directory(&self, scope: &CallScope, path: &str) -> Outcome<()> {
        self.may_change(scope, "remove-directory", path)?;
        Ok(self.tree.remove_directory(&self.place, path)?)
    }

    pub(super) fn remove_file(&self, scope: &CallScope, path: &str) -> Outcome<()> {
        self.may_change(scope, "remove", path)?;
        Ok(self.tree.remove_file(&self.place, path)?)
    }

    /// Moves within one granted folder.
    pub(super) fn rename(&self, scope: &CallScope, path: &str, to: &Self, to_path: &str) -> Outcome<()> {
        self.may_change(scope, "rename", path)?;
        to.may_change(scope, "rename", to_path)?;
        if self.number != to.number {
            return Err(ErrorCode::CrossDevice.into());
        }
        Ok(self.tree.rename((&self.place, path), (&to.place, to_path))?)
    }

    /// Makes a symbolic link. An absolute target is refused here, with the code that `wasi:filesystem` asks for.
    pub(super) fn symlink(&self, scope: &CallScope, target: &str, path: &str) -> Outcome<()> {
        self.may_change(scope, "link", path)?;
        if target.starts_with('/') {
            self.denied(scope, "link", path, "a link leads to a place in its own folder".to_owned());
            return Err(ErrorCode::NotPermitted.into());
        }
        Ok(self.tree.symlink(target, &self.place, path)?)
    }

    /// The target of a link. An absolute one is a path of the host, so the guest does not get it.
    pub(super) fn read_link(&self, path: &str) -> Outcome<String> {
        let target = self.tree.read_link(&self.place, path)?;
        if target.starts_with('/') {
            return Err(ErrorCode::NotPermitted.into());
        }
        Ok(target)
    }
}

/// How a tree is to open what a guest asks for. `exclusive` without `create` means nothing, as in POSIX. Requests for
/// synchronised writing are requests: whatever is written is in the tree at once.
fn how(follow: bool, open: OpenFlags, flags: DescriptorFlags) -> Result<How, ErrorCode> {
    let create = open.contains(OpenFlags::CREATE);
    let truncate = open.contains(OpenFlags::TRUNCATE);
    let directory = open.contains(OpenFlags::DIRECTORY);
    let write = flags.contains(DescriptorFlags::WRITE);
    if directory && (create || truncate || open.contains(OpenFlags::EXCLUSIVE)) {
        return Err(ErrorCode::Invalid);
    }
    // Cutting a file is writing it; a handle for reading must not be a way to do so.
    if truncate && !write {
        return Err(ErrorCode::Invalid);
    }
    Ok(How {
        // A handle for neither can still be asked what it is of, and trees open for something.
        read: flags.contains(DescriptorFlags::READ) || !write,
        write,
        create,
        exclusive: create && open.contains(OpenFlags::EXCLUSIVE),
        truncate,
        directory,
        follow,
    })
}

/// The entries of a directory that are still to be told.
pub struct Entries {
    left: std::vec::IntoIter<(String, crate::tree::Kind)>,
    count: usize,
    held: Arc<AtomicUsize>,
}

impl Entries {
    pub(super) fn next(&mut self) -> Option<DirectoryEntry> {
        let (name, kind) = self.left.next()?;
        Some(DirectoryEntry { type_: stat::kind(kind), name })
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        self.held.fetch_sub(self.count, Ordering::SeqCst);
    }
}
