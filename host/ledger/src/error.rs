//! What can be wrong with a file of the ledger.

use std::io;
use std::path::{Path, PathBuf};

/// A file or folder of the ledger cannot be used. Each says to what it happened and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The operating system refused.
    #[error("{path} cannot be {doing}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as in "cannot be read".
        doing: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Somebody else could have written or read it.
    #[error("{path} is not used, because {why}; {fix}", path = path.display())]
    NotPrivate {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
        /// What mends it, a command where there is one.
        fix: String,
    },
    /// A newer vox wrote it. It is left as it is.
    #[error("{path} has format {found}, and this vox knows formats up to {known}; use the newer vox", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest format known here.
        known: u64,
    },
    /// Its content makes no sense. It was put aside, so that nothing is written over it; nothing of it is in effect.
    #[error("{path} is damaged ({why}) and nothing in it is in effect; {}", put_aside(aside.as_deref()), path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// Where it lies now; none when it could not be moved.
        aside: Option<PathBuf>,
    },
    /// Another process holds the lock and does not let go.
    #[error("another vox holds {path} for too long; wait for it or end it, then try again", path = path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
    /// It would grow past its limit.
    #[error("{path} would grow past {limit} bytes; take something back first", path = path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// The most it may hold, in bytes.
        limit: u64,
    },
}

impl StateError {
    /// For `map_err`: what was being done, to what.
    pub(crate) fn io<E: Into<io::Error>>(path: &Path, doing: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Io { path: path.to_owned(), doing, source: source.into() }
    }
}

fn put_aside(aside: Option<&Path>) -> String {
    match aside {
        Some(path) => format!("it was put aside as {}: look at it, give anew what you want, remove it", path.display()),
        None => "it could not be put aside: move it away yourself".to_owned(),
    }
}
