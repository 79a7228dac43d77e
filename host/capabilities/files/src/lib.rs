//! Folders for skills: what was granted, a view of it that a guest cannot leave, writes that are staged until somebody
//! approves them, and the approval.
//!
//! ```text
//! FolderGrant ─Folder::open→ Tree (what the guest sees) + Staged ─seal→ ChangeSet ─review→ text ─approve→ the live folder
//! ```
//!
//! - [`grant`] reads `--allow-read DIR[::GUEST]` and the `[files]` section of a manifest.
//! - [`tree`] is what both sides of the crate agree on; [`Folder`] opens one, [`Folders`] those of a call.
//! - [`changes`] keeps what a call staged, shows it, and applies it so that after any crash the live folder is wholly
//!   old or wholly new.
//!
//! Everything that only Linux has sits in `sys`.

mod audit;
pub mod changes;
mod direct;
mod folder;
mod folders;
mod front;
pub mod grant;
pub mod host;
mod ids;
mod overlay;
mod place;
mod quota;
mod sys;
pub mod tree;
mod walk;

#[cfg(test)]
mod tests;

pub use folder::{Folder, OpenFolderError};
pub use folders::{Folders, Sealed};
pub use grant::{Access, FolderGrant, Grant, GrantError, Request};
pub use overlay::Staged;
pub use quota::Quota;
