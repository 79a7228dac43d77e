//! One JSON file with a format version, replaced whole, written by one process at a time.
//!
//! JSON and not a database: there are tens of entries, a person can read them, every reader sees the file before or
//! after a change without taking a lock, and one `stat` tells whether it changed. A database that belongs to one process
//! at a time could be neither read nor changed by a second vox while the first one serves.

use crate::StateError;
use crate::private::{Folder, Identity, PATIENCE};
use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The largest file that is read or written, in bytes: the person's disk and our memory.
const MAX_FILE: u64 = 8 << 20;

/// What a document holds; its JSON has the field `version`.
pub(crate) trait Body: Serialize + DeserializeOwned + Default {
    /// The format that is written, and the newest that is read.
    const VERSION: u64;
    /// What no writer of this format ever writes, although it parses.
    fn check(&self) -> Result<(), String>;
}

/// A document.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    root: PathBuf,
    name: &'static str,
}

/// What was read, with the open file it came from.
pub(crate) struct Loaded<T> {
    pub(crate) body: T,
    /// None when there is no file. Held open so that no later file can have its identity.
    pub(crate) file: Option<(File, Identity)>,
}

#[derive(Deserialize)]
struct Header {
    version: u64,
}

impl Document {
    pub(crate) fn new(root: &Path, name: &'static str) -> Self {
        Self { root: root.to_owned(), name }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.root.join(self.name)
    }

    /// Reads without a lock. A damaged file is an error and stays where it is.
    pub(crate) fn peek<T: Body>(&self) -> Result<Loaded<T>, StateError> {
        match Folder::existing(&self.root)? {
            Some(folder) => self.parse(&folder),
            None => Ok(Loaded { body: T::default(), file: None }),
        }
    }

    /// Reads; a damaged file is put aside and reported.
    pub(crate) fn load<T: Body>(&self) -> Result<T, StateError> {
        match self.peek() {
            Ok(loaded) => Ok(loaded.body),
            Err(StateError::Damaged { .. }) => {
                let folder = Folder::made(&self.root)?;
                let _lock = folder.lock(&self.lock_name(), PATIENCE)?;
                self.parse_or_put_aside(&folder)
            }
            Err(error) => Err(error),
        }
    }

    /// Changes the document under its lock. What `change` gives says whether there is anything to write; when this
    /// returns, it is durable.
    pub(crate) fn update<T: Body, R, E: From<StateError>>(
        &self,
        change: impl FnOnce(&mut T) -> Result<(R, bool), E>,
    ) -> Result<R, E> {
        let folder = Folder::made(&self.root)?;
        let _lock = folder.lock(&self.lock_name(), PATIENCE)?;
        let mut body = self.parse_or_put_aside(&folder)?;
        let (result, changed) = change(&mut body)?;
        if changed {
            let mut text = serde_json::to_vec_pretty(&body)
                .map_err(|error| StateError::io(&self.path(), "written")(std::io::Error::other(error)))?;
            text.push(b'\n');
            if text.len() as u64 > MAX_FILE {
                return Err(StateError::Full { path: self.path(), limit: MAX_FILE }.into());
            }
            folder.replace(&format!("{}.new", self.name), self.name, &text)?;
        }
        Ok(result)
    }

    /// Damaged files that were put aside and that nobody has removed yet.
    pub(crate) fn damaged(&self) -> Result<Vec<PathBuf>, StateError> {
        let Some(folder) = Folder::existing(&self.root)? else { return Ok(Vec::new()) };
        let prefix = format!("{}.damaged-", self.name);
        Ok(folder.names()?.iter().filter(|name| name.starts_with(&prefix)).map(|name| folder.at(name)).collect())
    }

    fn lock_name(&self) -> String {
        format!("{}.lock", self.name)
    }

    fn parse<T: Body>(&self, folder: &Folder) -> Result<Loaded<T>, StateError> {
        let mut text = Vec::new();
        let Some(file) = folder.read(self.name, MAX_FILE, &mut text)? else {
            return Ok(Loaded { body: T::default(), file: None });
        };
        let identity = Identity::of(&file).map_err(StateError::io(&self.path(), "looked at"))?;
        let damaged = |why: String| {
            // The parser quotes what it met, and who damaged the file may have chosen it.
            StateError::Damaged { path: self.path(), why: crate::text::line(&why, 200), aside: None }
        };
        if text.len() as u64 > MAX_FILE {
            return Err(damaged(format!("it is larger than {MAX_FILE} bytes")));
        }
        let header: Header = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if header.version > T::VERSION {
            return Err(StateError::Newer { path: self.path(), found: header.version, known: T::VERSION });
        }
        let body: T = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        body.check().map_err(damaged)?;
        Ok(Loaded { body, file: Some((file, identity)) })
    }

    /// The caller holds the lock.
    fn parse_or_put_aside<T: Body>(&self, folder: &Folder) -> Result<T, StateError> {
        let (path, why) = match self.parse(folder) {
            Ok(loaded) => return Ok(loaded.body),
            Err(StateError::Damaged { path, why, .. }) => (path, why),
            Err(error) => return Err(error),
        };
        let taken = folder.names()?;
        let stamp = Timestamp::now().as_millisecond();
        let aside = (stamp..).map(|n| format!("{}.damaged-{n}", self.name)).find(|name| !taken.contains(name));
        let moved = aside.filter(|aside| folder.rename(self.name, aside).is_ok_and(|moved| moved));
        if moved.is_some() {
            folder.sync()?;
        }
        Err(StateError::Damaged { path, why, aside: moved.map(|name| folder.at(&name)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Numbers {
        version: u64,
        numbers: Vec<u32>,
    }

    impl Body for Numbers {
        const VERSION: u64 = 3;
        fn check(&self) -> Result<(), String> {
            if self.numbers.contains(&13) { Err("13 is never written".to_owned()) } else { Ok(()) }
        }
    }

    fn put(root: &Path, text: &str) {
        let path = root.join("n.json");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn add(document: &Document, n: u32) -> Result<(), StateError> {
        document.update(|body: &mut Numbers| {
            body.version = 3;
            body.numbers.push(n);
            Ok(((), true))
        })
    }

    #[test]
    fn a_missing_file_is_an_empty_one_and_reading_makes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        let document = Document::new(&root, "n.json");
        assert_eq!(document.load::<Numbers>().unwrap(), Numbers::default());
        assert!(!root.exists());
        add(&document, 1).unwrap();
        assert_eq!(document.load::<Numbers>().unwrap().numbers, [1]);
        assert!(!root.join("n.json.new").exists());
    }

    #[test]
    fn damaged_files_are_put_aside_reported_and_never_written_over() {
        let cut = "{\"version\": 3, \"numbers\": [1";
        let odd = "{\"version\": 3, \"numbers\": [1], \"extra\": true}";
        let wrong = "{\"version\": 3, \"numbers\": [13]}";
        for bad in ["", cut, odd, wrong, "{\"numbers\": []}", "\0\0\0\0", "null"] {
            for writes in [false, true] {
                let home = tempfile::tempdir().unwrap();
                let root = home.path().join("root");
                let document = Document::new(&root, "n.json");
                add(&document, 1).unwrap();
                put(&root, bad);
                let error = match writes {
                    true => add(&document, 2).unwrap_err(),
                    false => document.load::<Numbers>().unwrap_err(),
                };
                let StateError::Damaged { aside: Some(aside), .. } = &error else { panic!("{bad}: {error}") };
                assert_eq!(std::fs::read_to_string(aside).unwrap(), bad);
                assert_eq!(document.damaged().unwrap(), std::slice::from_ref(aside));
                assert_eq!(document.load::<Numbers>().unwrap(), Numbers::default());
            }
        }
    }

    #[test]
    fn a_newer_format_is_refused_and_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        let document = Document::new(&root, "n.json");
        add(&document, 1).unwrap();
        let newer = "{\"version\": 4, \"whatever\": {}}";
        put(&root, newer);
        for error in [document.load::<Numbers>().unwrap_err(), add(&document, 2).unwrap_err()] {
            assert!(matches!(error, StateError::Newer { found: 4, known: 3, .. }), "{error}");
        }
        assert_eq!(std::fs::read_to_string(root.join("n.json")).unwrap(), newer);
        assert!(document.damaged().unwrap().is_empty());
    }

    #[test]
    fn a_failed_change_writes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        let document = Document::new(&root, "n.json");
        add(&document, 1).unwrap();
        let full = document.update(|body: &mut Numbers| {
            body.numbers = vec![u32::MAX; MAX_FILE as usize / 8];
            Ok::<_, StateError>(((), true))
        });
        assert!(matches!(full, Err(StateError::Full { .. })));
        assert_eq!(document.load::<Numbers>().unwrap().numbers, [1]);
    }
}
