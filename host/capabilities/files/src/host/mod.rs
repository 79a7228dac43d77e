//! `wasi:filesystem`, served from trees.
//!
//! A guest starts with a handle for each granted folder and reaches everything else from there, by path. This side knows
//! handles, rights, numbers and streams; names, links and the real file system are the business of the [`Tree`]s.
//!
//! Rights go one way. A handle has at most those of the directory it was opened from, and the handle of a granted folder
//! has `mutate-directory` only if the folder is granted for writing. Trees check the grant once more by themselves.

#[allow(missing_docs, reason = "generated; the WIT has the documentation")]
mod bindings;
mod fault;
mod file;
mod folder;
#[cfg(test)]
mod memory;
mod stat;
mod stream;
#[cfg(test)]
mod tests;
mod types;

pub use bindings::wasi::filesystem::types::ErrorCode;
pub use fault::Fault;
pub use folder::{Entries, Subdirectories};

use self::file::File;
use self::folder::Folder;
use self::stat::HashKey;
use crate::folder::OpenFolderError;
use crate::folders::Folders;
use crate::tree::{Place, Tree};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use vox_model::CallScope;
use wasmtime::component::{HasData, Linker, ResourceTable};

/// The granted folders of one call. Owned by its store.
pub struct Files {
    granted: Folders,
    /// As the guest gets them; none before it asks.
    preopens: Option<Vec<Folder>>,
    subdirectories: Subdirectories,
    /// Where refusals are taken down that no tree hears of.
    scope: CallScope,
    key: HashKey,
    /// Entries that are held for directories which the guest lists now.
    listed: Arc<AtomicUsize>,
    /// Whether the guest asked which folders it has, and has none.
    asked_in_vain: bool,
}

impl Files {
    /// The folders of a fresh call, which are opened when the guest asks for them.
    pub fn new(granted: Folders, subdirectories: Subdirectories, scope: CallScope) -> Self {
        let (key, listed) = (HashKey::default(), Arc::default());
        Self { granted, preopens: None, subdirectories, scope, key, listed, asked_in_vain: false }
    }

    /// The folders as the guest gets them.
    fn preopens(&mut self) -> Result<&[Folder], OpenFolderError> {
        let preopens = match self.preopens.take() {
            Some(preopens) => preopens,
            None => preopened(self.granted.open()?.iter().map(|folder| (folder.shared.guest(), folder.tree.clone()))),
        };
        self.asked_in_vain |= preopens.is_empty();
        Ok(self.preopens.insert(preopens))
    }

    /// The folders alone, when no guest will ask any more.
    pub fn into_folders(self) -> Folders {
        self.granted
    }

    /// Whether the guest asked which folders it has, and has none.
    pub fn asked_in_vain(&self) -> bool {
        self.asked_in_vain
    }
}

/// Trees, each with the path under which the guest sees it. One that is given twice counts as one folder.
fn preopened<'a>(trees: impl Iterator<Item = (&'a str, Arc<dyn Tree>)>) -> Vec<Folder> {
    let mut folders: Vec<Folder> = Vec::new();
    for (number, (guest, tree)) in (0..).zip(trees) {
        let same = folders.iter().find(|folder| Arc::ptr_eq(&folder.tree, &tree));
        let number = same.map_or(number, |folder| folder.number);
        let mutate = tree.writable();
        folders.push(Folder { tree, number, guest: guest.into(), place: Place::default(), mutate });
    }
    folders
}

/// What a guest's handle stands for.
pub struct Descriptor(Object);

enum Object {
    File(File),
    Folder(Folder),
}

impl Descriptor {
    fn file(file: File) -> Self {
        Self(Object::File(file))
    }

    fn folder(folder: Folder) -> Self {
        Self(Object::Folder(folder))
    }
}

/// The granted folders while a guest calls, and the call's table of resources.
pub struct FilesCtxView<'a> {
    /// The folders.
    pub ctx: &'a mut Files,
    /// The handles of the guest, of all interfaces together.
    pub table: &'a mut ResourceTable,
}

/// A store that has granted folders.
pub trait FilesView: Send {
    /// They, and the table of resources.
    fn files(&mut self) -> FilesCtxView<'_>;
}

/// Marks what the interfaces see of a store: the folders and the table.
pub struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = FilesCtxView<'a>;
}

/// Links `wasi:filesystem/types` and `wasi:filesystem/preopens`, in every version of 0.2. The streams that they give
/// are those of wasmtime-wasi-io, which has to be linked as `wasi:io`.
///
/// # Errors
/// One of them was linked already.
pub fn add_to_linker<T: FilesView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    bindings::wasi::filesystem::types::add_to_linker::<T, HasFiles>(linker, T::files)?;
    bindings::wasi::filesystem::preopens::add_to_linker::<T, HasFiles>(linker, T::files)
}
