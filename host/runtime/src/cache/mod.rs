//! The cache of facts and compiled code: content-addressed, authenticated, owner-only.
//!
//! ```text
//! <root>/mac.key                 32 random bytes of this installation, mode 0600
//! <root>/v1/<kind>-<key>         entries, mode 0600, written once and never changed
//! <root>/quarantine/             entries that did not check out, kept for a look
//! ```
//!
//! Loading compiled code runs whatever machine code it holds, so an entry is used only if this installation wrote
//! it: its MAC is checked over the very bytes that are loaded: they are read once, into memory that nobody writes to
//! afterwards, and run from there. A damaged entry is put aside and made anew. Every
//! failure to read or write the cache is a miss, never an error of the call; [`Cache::notes`] tells of them.

mod envelope;
mod key;
mod pages;
mod store;

pub use key::{Key, Kind};
pub use pages::Pages;
pub use store::{Cache, CacheError, Usage};
