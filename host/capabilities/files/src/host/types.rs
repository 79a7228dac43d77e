//! The functions of `wasi:filesystem`, one after the other: each finds its handles and hands over.
//!
//! A handle that is not in the table ends the guest, and so does one that no longer fits in; everything else that can
//! go wrong is an error code.

use super::bindings::wasi::filesystem::{preopens, types};
use super::fault::Outcome;
use super::stream::Position;
use super::{Descriptor, Entries, Fault, File, FilesCtxView, Folder, Object, stat};
use crate::tree::{Kind, Stat};
use types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode, Filesize, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

type Handle = Resource<Descriptor>;

/// The file of a handle. What is done to files alone finds a bad descriptor in a directory.
fn file<'t>(table: &'t ResourceTable, handle: &Handle) -> Outcome<&'t File> {
    match &table.get(handle)?.0 {
        Object::File(file) => Ok(file),
        Object::Folder(_) => Err(ErrorCode::BadDescriptor.into()),
    }
}

/// The file of a handle, for what is done to its content: directories have none.
fn content<'t>(table: &'t ResourceTable, handle: &Handle) -> Outcome<&'t File> {
    match &table.get(handle)?.0 {
        Object::File(file) => Ok(file),
        Object::Folder(_) => Err(ErrorCode::IsDirectory.into()),
    }
}

/// The directory of a handle.
fn folder<'t>(table: &'t ResourceTable, handle: &Handle) -> Outcome<&'t Folder> {
    match &table.get(handle)?.0 {
        Object::Folder(folder) => Ok(folder),
        Object::File(_) => Err(ErrorCode::NotDirectory.into()),
    }
}

fn follows(flags: PathFlags) -> bool {
    flags.contains(PathFlags::SYMLINK_FOLLOW)
}

impl FilesCtxView<'_> {
    /// What a handle is of, and the number of its folder.
    fn object(&self, handle: &Handle) -> Outcome<(u32, Stat)> {
        match &self.table.get(handle)?.0 {
            Object::File(file) => Ok((file.folder, file.file.stat()?)),
            Object::Folder(folder) => Ok((folder.number, folder.stat()?)),
        }
    }
}

impl preopens::Host for FilesCtxView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Handle, String)>> {
        let folders = self.ctx.preopens()?;
        let mut all = Vec::with_capacity(folders.len());
        for folder in folders {
            let handle = self.table.push(Descriptor::folder(folder.clone()))?;
            all.push((handle, folder.guest.to_string()));
        }
        Ok(all)
    }
}

impl types::Host for FilesCtxView<'_> {
    fn convert_error_code(&mut self, fault: Fault) -> wasmtime::Result<ErrorCode> {
        match fault {
            Fault::Code(code) => Ok(code),
            Fault::Trap(error) => Err(error),
        }
    }

    /// Errors of file streams carry their code; those of other streams have nothing to do with files.
    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(self.table.get(&error)?.downcast_ref::<ErrorCode>().copied())
    }
}

impl types::HostDescriptor for FilesCtxView<'_> {
    fn read_via_stream(&mut self, handle: Handle, offset: Filesize) -> Outcome<Resource<DynInputStream>> {
        let stream: DynInputStream = Box::new(content(self.table, &handle)?.input(offset)?);
        Ok(self.table.push(stream)?)
    }

    fn write_via_stream(&mut self, handle: Handle, offset: Filesize) -> Outcome<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(content(self.table, &handle)?.output(Position::At(offset))?);
        Ok(self.table.push(stream)?)
    }

    fn append_via_stream(&mut self, handle: Handle) -> Outcome<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(content(self.table, &handle)?.output(Position::End)?);
        Ok(self.table.push(stream)?)
    }

    /// Taken note of, and no more.
    fn advise(&mut self, handle: Handle, offset: Filesize, length: Filesize, _: Advice) -> Outcome<()> {
        file(self.table, &handle)?;
        offset.checked_add(length).map(drop).ok_or_else(|| ErrorCode::Invalid.into())
    }

    /// As [`Self::sync`]: what a file has besides its data is little, and two ways are one more to get wrong.
    fn sync_data(&mut self, handle: Handle) -> Outcome<()> {
        self.sync(handle)
    }

    fn get_flags(&mut self, handle: Handle) -> Outcome<DescriptorFlags> {
        match &self.table.get(&handle)?.0 {
            Object::File(file) => Ok(file.flags()),
            Object::Folder(folder) => Ok(folder.flags()),
        }
    }

    fn get_type(&mut self, handle: Handle) -> Outcome<DescriptorType> {
        match &self.table.get(&handle)?.0 {
            Object::File(_) => Ok(stat::kind(Kind::File)),
            Object::Folder(_) => Ok(stat::kind(Kind::Directory)),
        }
    }

    fn set_size(&mut self, handle: Handle, size: Filesize) -> Outcome<()> {
        content(self.table, &handle)?.set_size(size)
    }

    /// Times of access are not kept; setting one does nothing, if it is a time at all.
    fn set_times(&mut self, handle: Handle, accessed: NewTimestamp, modified: NewTimestamp) -> Outcome<()> {
        let descriptor = self.table.get(&handle)?;
        stat::time(accessed)?;
        let modified = stat::time(modified)?;
        match &descriptor.0 {
            Object::File(file) => file.set_modified(modified),
            Object::Folder(folder) => folder.set_modified(&self.ctx.scope, modified),
        }
    }

    fn read(&mut self, handle: Handle, length: Filesize, offset: Filesize) -> Outcome<(Vec<u8>, bool)> {
        content(self.table, &handle)?.read(length, offset)
    }

    fn write(&mut self, handle: Handle, bytes: Vec<u8>, offset: Filesize) -> Outcome<Filesize> {
        content(self.table, &handle)?.write(&bytes, offset)
    }

    fn read_directory(&mut self, handle: Handle) -> Outcome<Resource<Entries>> {
        let entries = folder(self.table, &handle)?.entries(&self.ctx.listed)?;
        Ok(self.table.push(entries)?)
    }

    fn sync(&mut self, handle: Handle) -> Outcome<()> {
        match &self.table.get(&handle)?.0 {
            Object::File(file) => Ok(file.file.sync()?),
            Object::Folder(folder) => Ok(folder.tree.sync(&folder.place)?),
        }
    }

    fn create_directory_at(&mut self, handle: Handle, path: String) -> Outcome<()> {
        folder(self.table, &handle)?.create_directory(&self.ctx.scope, &path)
    }

    fn stat(&mut self, handle: Handle) -> Outcome<DescriptorStat> {
        self.object(&handle).map(|(_, object)| stat::stat(&object))
    }

    fn stat_at(&mut self, handle: Handle, flags: PathFlags, path: String) -> Outcome<DescriptorStat> {
        let object = folder(self.table, &handle)?.stat_at(&path, follows(flags))?;
        Ok(stat::stat(&object))
    }

    fn set_times_at(
        &mut self,
        handle: Handle,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Outcome<()> {
        let folder = folder(self.table, &handle)?;
        stat::time(accessed)?;
        folder.set_modified_at(&self.ctx.scope, &path, follows(flags), stat::time(modified)?)
    }

    /// Hard links are never made: two names for one file would carry rights from one place to another.
    fn link_at(&mut self, handle: Handle, _: PathFlags, _: String, other: Handle, _: String) -> Outcome<()> {
        folder(self.table, &handle)?;
        folder(self.table, &other)?;
        Err(ErrorCode::Unsupported.into())
    }

    fn open_at(
        &mut self,
        handle: Handle,
        path_flags: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Outcome<Handle> {
        let folder = folder(self.table, &handle)?;
        let (follow, subdirectories) = (follows(path_flags), self.ctx.subdirectories);
        let opened = folder.open(&self.ctx.scope, &path, follow, (open, flags), subdirectories)?;
        Ok(self.table.push(opened)?)
    }

    fn readlink_at(&mut self, handle: Handle, path: String) -> Outcome<String> {
        folder(self.table, &handle)?.read_link(&path)
    }

    fn remove_directory_at(&mut self, handle: Handle, path: String) -> Outcome<()> {
        folder(self.table, &handle)?.remove_directory(&self.ctx.scope, &path)
    }

    fn rename_at(&mut self, handle: Handle, path: String, to: Handle, to_path: String) -> Outcome<()> {
        let to = folder(self.table, &to)?;
        folder(self.table, &handle)?.rename(&self.ctx.scope, &path, to, &to_path)
    }

    fn symlink_at(&mut self, handle: Handle, target: String, path: String) -> Outcome<()> {
        folder(self.table, &handle)?.symlink(&self.ctx.scope, &target, &path)
    }

    fn unlink_file_at(&mut self, handle: Handle, path: String) -> Outcome<()> {
        folder(self.table, &handle)?.remove_file(&self.ctx.scope, &path)
    }

    /// Objects that cannot be looked at are not known to be the same.
    fn is_same_object(&mut self, one: Handle, other: Handle) -> wasmtime::Result<bool> {
        let identity = |handle: &Handle| match self.object(handle) {
            Ok((folder, object)) => Ok(Some((folder, object.id))),
            Err(Fault::Code(_)) => Ok(None),
            Err(Fault::Trap(error)) => Err(error),
        };
        let (one, other) = (identity(&one)?, identity(&other)?);
        Ok(one.is_some() && one == other)
    }

    fn metadata_hash(&mut self, handle: Handle) -> Outcome<MetadataHashValue> {
        let (folder, object) = self.object(&handle)?;
        Ok(self.ctx.key.hash(folder, &object)?)
    }

    fn metadata_hash_at(&mut self, handle: Handle, flags: PathFlags, path: String) -> Outcome<MetadataHashValue> {
        let folder = folder(self.table, &handle)?;
        let object = folder.stat_at(&path, follows(flags))?;
        Ok(self.ctx.key.hash(folder.number, &object)?)
    }

    fn drop(&mut self, handle: Handle) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl types::HostDirectoryEntryStream for FilesCtxView<'_> {
    fn read_directory_entry(&mut self, stream: Resource<Entries>) -> Outcome<Option<DirectoryEntry>> {
        Ok(self.table.get_mut(&stream)?.next())
    }

    fn drop(&mut self, stream: Resource<Entries>) -> wasmtime::Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}
