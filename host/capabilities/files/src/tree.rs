//! What both sides of this crate agree on: a granted folder as a tree of names.
//!
//! [`Tree`] has two implementations, one for folders that are used as they are (read-only, or written through) and one
//! that stages writes in an overlay. The WASI side (`host/`) speaks to trees only and never to the file system.
//!
//! Paths come from guests and are untrusted. A tree resolves them itself, name by name, follows links only inside the
//! folder, and reaches the real file system through descriptors, never through joined paths.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

/// A place inside a granted folder: resolved names from its root, without `.`, `..` and links. Empty is the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place(pub Vec<String>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("."),
            false => f.write_str(&self.0.join("/")),
        }
    }
}

/// What stands at a place. Nothing else is ever shown to a guest or opened: FIFOs, sockets and devices do not exist
/// for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
}

/// What a guest may know of a file. Numbers of the host's file system are not among it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file, or of a link's target.
    pub size: u64,
    /// When it was last changed.
    pub modified: Option<SystemTime>,
    /// Names the object within this call: equal for one object, different for two. Made up, not the host's inode.
    pub id: u64,
}

/// How a file or directory is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// Reading.
    pub read: bool,
    /// Writing; asks for more than a read-only grant gives.
    pub write: bool,
    /// Make the file if it is not there.
    pub create: bool,
    /// Fail if it is there.
    pub exclusive: bool,
    /// Cut it to nothing.
    pub truncate: bool,
    /// Only a directory will do.
    pub directory: bool,
    /// Follow a link at the end of the path.
    pub follow: bool,
}

/// What was opened.
pub enum Opened {
    /// A file.
    File(Arc<dyn OpenFile>),
    /// A directory: from here on paths start at this place.
    Directory(Place),
}

/// Why something cannot be done. Each has a counterpart in `wasi:filesystem`.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// There is nothing of this name.
    #[error("no such file or directory")]
    NotFound,
    /// There is something of this name.
    #[error("it exists already")]
    Exists,
    /// A name on the way is no directory.
    #[error("not a directory")]
    NotDirectory,
    /// It is a directory.
    #[error("it is a directory")]
    IsDirectory,
    /// The directory has entries.
    #[error("the directory is not empty")]
    NotEmpty,
    /// The grant is for reading only.
    #[error("the folder is granted for reading only")]
    ReadOnly,
    /// The path leads out of the folder, or to what is never opened.
    #[error("not permitted")]
    NotPermitted,
    /// The grant was taken back.
    #[error("access was taken back")]
    Access,
    /// Links lead to links without end.
    #[error("too many links")]
    Loop,
    /// A name or a path is too long, or the tree too deep.
    #[error("the name is too long")]
    NameTooLong,
    /// The arguments make no sense: an empty path, a name with a slash or a NUL.
    #[error("invalid argument")]
    Invalid,
    /// It would have to move between folders or out of the overlay's reach.
    #[error("across folders")]
    CrossDevice,
    /// The overlay's limit on bytes or entries is reached.
    #[error("the limit on staged data is reached")]
    Quota,
    /// Too many files are open.
    #[error("too many open files")]
    TooManyOpen,
    /// Not possible here, such as a link whose target leads outward.
    #[error("not supported")]
    Unsupported,
    /// The file system says no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The result of every operation.
pub type FsResult<T> = Result<T, FsError>;

/// A granted folder. Paths are relative to `base`, use `/`, and are resolved by the tree. All calls block for as long
/// as a local file system takes.
pub trait Tree: Send + Sync {
    /// Whether writing is granted at all.
    fn writable(&self) -> bool;
    /// What stands at a path.
    ///
    /// # Errors
    /// See [`FsError`].
    fn stat(&self, base: &Place, path: &str, follow: bool) -> FsResult<Stat>;
    /// Opens a file or a directory.
    ///
    /// # Errors
    /// See [`FsError`].
    fn open(&self, base: &Place, path: &str, how: How) -> FsResult<Opened>;
    /// The entries of a directory, in no particular order, without `.` and `..`.
    ///
    /// # Errors
    /// See [`FsError`].
    fn list(&self, place: &Place) -> FsResult<Vec<(String, Kind)>>;
    /// The target of a link.
    ///
    /// # Errors
    /// See [`FsError`].
    fn read_link(&self, base: &Place, path: &str) -> FsResult<String>;
    /// Makes a directory.
    ///
    /// # Errors
    /// See [`FsError`].
    fn create_directory(&self, base: &Place, path: &str) -> FsResult<()>;
    /// Removes an empty directory.
    ///
    /// # Errors
    /// See [`FsError`].
    fn remove_directory(&self, base: &Place, path: &str) -> FsResult<()>;
    /// Removes a file or a link.
    ///
    /// # Errors
    /// See [`FsError`].
    fn remove_file(&self, base: &Place, path: &str) -> FsResult<()>;
    /// Gives something another place in the same folder, replacing what a rename replaces.
    ///
    /// # Errors
    /// See [`FsError`].
    fn rename(&self, from: (&Place, &str), to: (&Place, &str)) -> FsResult<()>;
    /// Makes a symbolic link; its target must be relative and stay inside the folder.
    ///
    /// # Errors
    /// See [`FsError`].
    fn symlink(&self, target: &str, base: &Place, path: &str) -> FsResult<()>;
    /// Sets the time of the last change.
    ///
    /// # Errors
    /// See [`FsError`].
    fn set_modified(&self, base: &Place, path: &str, follow: bool, time: SystemTime) -> FsResult<()>;
    /// Makes the names in a directory last, whatever happens to the machine. What is staged lasts when it is approved,
    /// and not before.
    ///
    /// # Errors
    /// See [`FsError`].
    fn sync(&self, place: &Place) -> FsResult<()>;
}

/// An open file.
pub trait OpenFile: Send + Sync {
    /// What it is now.
    ///
    /// # Errors
    /// See [`FsError`].
    fn stat(&self) -> FsResult<Stat>;
    /// Reads up to `length` bytes; fewer only at the end of the file.
    ///
    /// # Errors
    /// See [`FsError`].
    fn read_at(&self, offset: u64, length: usize) -> FsResult<Vec<u8>>;
    /// Writes all of the bytes.
    ///
    /// # Errors
    /// See [`FsError`].
    fn write_at(&self, offset: u64, bytes: &[u8]) -> FsResult<()>;
    /// Writes all of the bytes at the end, wherever that is now.
    ///
    /// # Errors
    /// See [`FsError`].
    fn append(&self, bytes: &[u8]) -> FsResult<()>;
    /// Cuts or lengthens it.
    ///
    /// # Errors
    /// See [`FsError`].
    fn set_size(&self, size: u64) -> FsResult<()>;
    /// Sets the time of the last change.
    ///
    /// # Errors
    /// See [`FsError`].
    fn set_modified(&self, time: SystemTime) -> FsResult<()>;
    /// Makes what was written last, whatever happens to the machine. What is staged lasts when it is approved, and not
    /// before.
    ///
    /// # Errors
    /// See [`FsError`]. Then nobody knows how much of it would last.
    fn sync(&self) -> FsResult<()>;
}
