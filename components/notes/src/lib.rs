//! Notes in a folder: this file joins the interface to the modules that do the work.
//!
//! | module | work |
//! |---|---|
//! | `name` | which paths name a note |
//! | `folder` | the granted folder: walking, reading, writing |
//! | `text` | what is done to the text of a note |

mod folder;
mod name;
mod text;

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "skill", generate_all });
}

use bindings::exports::example::notes::notes::{Error, Findings, Guest, Listing, Note};
use folder::Folder;

/// Where the skill sees the granted folder, as its manifest asks for it.
const FOLDER: &str = "notes";

/// Bytes of a note.
const MAX_NOTE: u64 = 1 << 20;

struct Notes;

impl Guest for Notes {
    fn list() -> Result<Listing, Error> {
        let folder = Folder::open(FOLDER)?;
        let found = folder.notes()?;
        let shown = found.paths.into_iter().filter_map(|path| {
            let (head, size) = folder.head(&path)?;
            Some(Note { title: text::title(&head), path, size })
        });
        Ok(Listing { notes: shown.collect(), more: found.more })
    }

    fn read(path: String) -> Result<String, Error> {
        name::checked(&path)?;
        Folder::open(FOLDER)?.read(&path)
    }

    fn search(text: String) -> Result<Findings, Error> {
        if text.is_empty() {
            return Err(Error::EmptyText);
        }
        let folder = Folder::open(FOLDER)?;
        let found = folder.notes()?;
        let mut search = text::Search::of(&text);
        let mut skipped = Vec::new();
        for path in found.paths {
            match folder.read(&path) {
                Ok(content) => search.look(&path, &content),
                Err(_) => skipped.push(path),
            }
            if search.is_full() {
                break;
            }
        }
        let (hits, more) = search.end();
        Ok(Findings { hits, more: more || found.more, skipped })
    }

    fn append(path: String, text: String) -> Result<(), Error> {
        name::checked(&path)?;
        if text.is_empty() {
            return Err(Error::EmptyText);
        }
        let folder = Folder::open(FOLDER)?;
        let before = match folder.read(&path) {
            Ok(before) => before,
            Err(Error::NotFound(_)) => String::new(),
            Err(other) => return Err(other),
        };
        let added = text::appended(&before, &text);
        fits(before.len() + added.len())?;
        folder.append(&path, &added)
    }

    fn edit(path: String, old: String, new: String) -> Result<(), Error> {
        name::checked(&path)?;
        let folder = Folder::open(FOLDER)?;
        let edited = text::edited(&folder.read(&path)?, &old, &new)?;
        fits(edited.len())?;
        folder.write(&path, &edited)
    }
}

/// Whether a note may have so many bytes.
fn fits(bytes: usize) -> Result<(), Error> {
    if bytes as u64 > MAX_NOTE { Err(Error::TooLarge(MAX_NOTE)) } else { Ok(()) }
}

#[cfg(target_family = "wasm")]
bindings::export!(Notes with_types_in bindings);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_has_a_limit() {
        assert!(fits(1 << 20).is_ok());
        assert!(matches!(fits((1 << 20) + 1), Err(Error::TooLarge(MAX_NOTE))));
    }
}
