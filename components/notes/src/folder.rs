//! The granted folder.

use crate::MAX_NOTE;
use crate::bindings::exports::example::notes::notes::Error;
use crate::name::{self, MAX_DEPTH, SUFFIX};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Notes that are looked at.
const MAX_NOTES: usize = 2000;

/// Bytes at the beginning of a note in which its title is looked for.
const HEAD: u64 = 4 << 10;

/// The folder of the notes.
pub struct Folder {
    root: PathBuf,
}

/// The notes of a folder.
pub struct Found {
    /// Their paths, in order.
    pub paths: Vec<String>,
    /// Whether there are more than are looked at.
    pub more: bool,
}

impl Folder {
    /// The folder that the skill sees under this path.
    ///
    /// # Errors
    /// [`Error::NoFolder`], or why it cannot be looked at.
    pub fn open(root: &str) -> Result<Self, Error> {
        match fs::metadata(root) {
            Ok(about) if about.is_dir() => Ok(Self { root: root.into() }),
            Ok(_) => Err(Error::NoFolder),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::NoFolder),
            Err(error) => Err(explained(&error, root)),
        }
    }

    /// The paths of all notes.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn notes(&self) -> Result<Found, Error> {
        let mut found = Found { paths: Vec::new(), more: false };
        self.walk(String::new(), 1, &mut found)?;
        found.paths.sort();
        Ok(found)
    }

    /// Takes up the notes below a folder, which is empty for the root and ends in `/` otherwise.
    fn walk(&self, below: String, level: usize, found: &mut Found) -> Result<(), Error> {
        let wrong =
            |error: io::Error| explained(&error, if below.is_empty() { "the folder of the notes" } else { &below });
        let mut names = Vec::new();
        for entry in fs::read_dir(self.place(&below)).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let kind = entry.file_type().map_err(wrong)?;
            // A name that is no text could not be given to `read`.
            if let Ok(name) = entry.file_name().into_string() {
                names.push((name, kind));
            }
        }
        // Where there are too many, the same ones are left out every time.
        names.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, kind) in names {
            let path = format!("{below}{name}");
            if name.starts_with('.') {
                continue;
            }
            if kind.is_dir() {
                match level < MAX_DEPTH {
                    true => self.walk(format!("{path}/"), level + 1, found)?,
                    false => found.more = true,
                }
            } else if kind.is_file() && name.ends_with(SUFFIX) && name::checked(&path).is_ok() {
                if found.paths.len() == MAX_NOTES {
                    found.more = true;
                    return Ok(());
                }
                found.paths.push(path);
            }
        }
        Ok(())
    }

    /// The text of a note.
    ///
    /// # Errors
    /// It is not there, too large, or no text.
    pub fn read(&self, path: &str) -> Result<String, Error> {
        let mut bytes = Vec::new();
        let read = File::open(self.place(path)).and_then(|file| {
            // A folder opens for reading, and what its read says is not the same everywhere.
            if file.metadata()?.is_dir() {
                return Err(ErrorKind::IsADirectory.into());
            }
            file.take(MAX_NOTE + 1).read_to_end(&mut bytes)
        });
        read.map_err(|error| explained(&error, path))?;
        if bytes.len() as u64 > MAX_NOTE {
            return Err(Error::TooLarge(MAX_NOTE));
        }
        String::from_utf8(bytes).map_err(|_| Error::NotText(path.to_owned()))
    }

    /// The beginning of a note, and how many bytes it has; none where it is gone since it was found. One that cannot be
    /// read begins with nothing: `read` says why.
    pub fn head(&self, path: &str) -> Option<(String, u64)> {
        let place = self.place(path);
        let size = fs::metadata(&place).ok()?.len();
        let mut bytes = Vec::new();
        let _ = File::open(place).and_then(|file| file.take(HEAD).read_to_end(&mut bytes));
        // What is no text has no title; a character that is cut at the end does no harm.
        Some((String::from_utf8_lossy(&bytes).into_owned(), size))
    }

    /// Puts a text behind a note, which is made with its folder where there is none.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&self, path: &str, text: &str) -> Result<(), Error> {
        let place = self.place(path);
        let written = (|| {
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            OpenOptions::new().append(true).create(true).open(&place)?.write_all(text.as_bytes())
        })();
        written.map_err(|error: io::Error| explained(&error, path))
    }

    /// Puts a text in the place of a note.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &str, text: &str) -> Result<(), Error> {
        fs::write(self.place(path), text).map_err(|error| explained(&error, path))
    }

    fn place(&self, path: &str) -> PathBuf {
        // A `/` at the end is nothing to the root, and no path here is absolute.
        self.root.join(Path::new(path))
    }
}

/// An error of the file system for the caller.
fn explained(error: &io::Error, path: &str) -> Error {
    match error.kind() {
        ErrorKind::NotFound => Error::NotFound(path.to_owned()),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Error::Denied(path.to_owned()),
        ErrorKind::IsADirectory => Error::Failed(format!("{path} is a folder")),
        ErrorKind::NotADirectory => Error::Failed(format!("a part of {path} is a file, not a folder")),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Error::Failed(format!("{path}: a call cannot write that much"))
        }
        _ => Error::Failed(format!("{path}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is gone afterwards.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("vox-notes-{}-{name}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn put(&self, path: &str, content: impl AsRef<[u8]>) {
            let file = self.0.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }

        fn folder(&self) -> Folder {
            Folder::open(self.0.to_str().unwrap()).unwrap_or_else(|error| panic!("{error:?}"))
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn paths(place: &Place) -> Vec<String> {
        place.folder().notes().unwrap_or_else(|error| panic!("{error:?}")).paths
    }

    #[test]
    fn notes_are_the_markdown_files() {
        let place = Place::new("walk");
        for path in ["b.md", "a/z.md", "a/b/c.md", ".hidden.md", ".git/x.md", "a.txt", "c.MD", "d\\e.md"] {
            place.put(path, "# x\n");
        }
        assert_eq!(paths(&place), ["a/b/c.md", "a/z.md", "b.md"]);
        let deep = "d/".repeat(MAX_DEPTH - 1);
        place.put(&format!("{deep}last.md"), "");
        assert!(!place.folder().notes().unwrap().more);
        assert!(paths(&place).contains(&format!("{deep}last.md")));
        place.put(&format!("{deep}d/beyond.md"), "");
        let found = place.folder().notes().unwrap();
        assert!(found.more && !found.paths.iter().any(|path| path.contains("beyond")));
    }

    #[test]
    fn notes_have_a_limit() {
        let place = Place::new("many");
        (0..MAX_NOTES).for_each(|number| place.put(&format!("{number:05}.md"), ""));
        let found = place.folder().notes().unwrap();
        assert_eq!((found.paths.len(), found.more), (MAX_NOTES, false));
        place.put("99999.md", "");
        let found = place.folder().notes().unwrap();
        assert_eq!((found.paths.len(), found.more), (MAX_NOTES, true));
        assert!(!found.paths.contains(&"99999.md".to_owned()));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let place = Place::new("read");
        place.put("latin.md", b"\xe9");
        place.put("most.md", "x".repeat(MAX_NOTE as usize));
        place.put("large.md", "x".repeat(MAX_NOTE as usize + 1));
        let folder = place.folder();
        assert!(folder.read("most.md").is_ok());
        assert!(matches!(folder.read("large.md"), Err(Error::TooLarge(MAX_NOTE))));
        assert!(matches!(folder.read("latin.md"), Err(Error::NotText(path)) if path == "latin.md"));
        assert!(matches!(folder.read("no.md"), Err(Error::NotFound(path)) if path == "no.md"));
        assert!(matches!(folder.write("no/x.md", ""), Err(Error::NotFound(_))));
        fs::create_dir(place.0.join("folder.md")).unwrap();
        assert!(matches!(folder.read("folder.md"), Err(Error::Failed(why)) if why == "folder.md is a folder"));
        let (head, size) = folder.head("large.md").unwrap();
        assert_eq!((head.len() as u64, size), (HEAD, MAX_NOTE + 1));
        assert!(folder.head("no.md").is_none());
        let none = place.0.join("none");
        assert!(matches!(Folder::open(none.to_str().unwrap()), Err(Error::NoFolder)));
    }

    #[test]
    fn folders_of_a_note_are_made() {
        let place = Place::new("write");
        let folder = place.folder();
        folder.append("a/b/c.md", "one\n").unwrap();
        folder.append("a/b/c.md", "two\n").unwrap();
        assert_eq!(folder.read("a/b/c.md").unwrap(), "one\ntwo\n");
        folder.write("a/b/c.md", "x").unwrap();
        assert_eq!(folder.read("a/b/c.md").unwrap(), "x");
        assert!(matches!(folder.append("a/b/c.md/d.md", "x"), Err(Error::Failed(_))));
    }
}
