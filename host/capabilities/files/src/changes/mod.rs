//! What a call staged, until somebody decides: sealed, kept, shown, applied or thrown away.
//!
//! ```text
//! seal (after the call) → Store → review → approve → check → apply → the live folder
//!                                       └→ discard        └→ conflict: nothing changed
//! ```
//!
//! A change set is named by the digest of its list, and an approval names that digest: what is applied is what was
//! shown. How applying survives a crash stands in `apply`.

mod apply;
mod approve;
mod check;
mod choose;
mod danger;
mod escape;
mod journal;
mod list;
mod recover;
mod review;
mod seal;
mod steps;
mod store;

pub use crate::sys::Stamp;
pub use approve::{Applied, Approval, ApproveError, Choice};
pub use check::Conflict;
pub use danger::{Danger, Hazard};
pub use escape::line as escaped;
pub use list::{Action, After, Before, Change, ChangeSet, Header, ListError};
pub use recover::{Recovered, Stuck};
pub use review::{Entry, Review, ReviewError, View};
pub use seal::SealError;
pub use store::{Listed, Store, StoreError};

#[cfg(test)]
pub(crate) use apply::Event;
#[cfg(test)]
pub(crate) use journal::Stage;
pub(crate) use list::VERSION;
pub(crate) use seal::seal;
