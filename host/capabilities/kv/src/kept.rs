//! What lies in the folder of stores, for the person whose disk it is: seeing it and taking it away.

use crate::disk::unusable;
use crate::fault::Fault;
use crate::home::{EXTENSION, Home, slug};
use std::fs::TryLockError;
use std::io::ErrorKind;
use std::time::SystemTime;

/// A store as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name: readable letters of its owner's name, then a hash.
    pub name: String,
    /// Bytes of the file, which are more than those of keys and values.
    pub bytes: u64,
    /// When it was last written.
    pub changed: Option<SystemTime>,
}

impl Home {
    /// All stores, by name.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn stores(&self) -> Result<Vec<Kept>, Fault> {
        let wrong = |error: std::io::Error| unusable(self.folder(), &error);
        let entries = match std::fs::read_dir(self.folder()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(wrong)?,
        };
        let mut stores = Vec::new();
        for entry in entries {
            let entry = entry.map_err(wrong)?;
            let file = entry.file_name();
            let Some(name) = file.to_str().and_then(|file| file.strip_suffix(EXTENSION)) else { continue };
            let about = entry.metadata().map_err(wrong)?;
            stores.push(Kept { name: name.to_owned(), bytes: about.len(), changed: about.modified().ok() });
        }
        stores.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(stores)
    }

    /// The stores whose name begins like this. Letters that no name has are taken for those that stand in their place.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn find(&self, start: &str) -> Result<Vec<Kept>, Fault> {
        let mut stores = self.stores()?;
        let start = slug(start);
        stores.retain(|store| !start.is_empty() && store.name.starts_with(&start));
        Ok(stores)
    }

    /// Removes a store by its whole name, with all that its skill kept, damaged or not. Says whether there was one.
    ///
    /// # Errors
    /// A call uses it, or it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<bool, Fault> {
        if !self.stores()?.iter().any(|store| store.name == name) {
            return Ok(false);
        }
        let path = self.folder().join(format!("{name}{EXTENSION}"));
        let wrong = |error: std::io::Error| unusable(&path, &error);
        let file = match vox_private::open_to_write(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            opened => opened.map_err(wrong)?,
        };
        // Whoever uses a store holds this lock for as long. Held until the file is gone.
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Fault::Busy),
            Err(TryLockError::Error(error)) => return Err(wrong(error)),
        }
        std::fs::remove_file(&path).and_then(|()| vox_private::sync(self.folder())).map_err(wrong)?;
        Ok(true)
    }
}
