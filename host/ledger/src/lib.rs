//! What a person gave, what was done with it, and their secrets.
//!
//! - [`Grants`]: who may do what, until when, and what is forbidden; a [`Watch`] cuts running calls when something is
//!   taken back.
//! - [`Trust`]: which project files may speak for the person.
//! - [`Secrets`]: values that only the host ever sees.
//! - [`Audit`]: what calls did, one line each.
//!
//! Everything lives below one folder that the caller names. Nothing here reads the environment, the home folder or the
//! terminal. A missing folder is an empty ledger: it is made by the first write. What a grant *is* stays open: the
//! capabilities define it, and this crate needs only [`GrantSet`] of it.

#[cfg(test)]
extern crate self as vox_ledger;

mod audit;
mod document;
mod error;
mod grants;
mod private;
mod project;
mod secrets;
mod text;

pub use audit::{
    Audit, AuditError, Bounds, CallAbout, CallRecorder, Consented, Ended, Event, Filter, Reading, Record, Started,
};
pub use error::StateError;
pub use grants::{
    Added, Answer, Asking, Changed, Consent, Decision, Denied, Entry, EntryId, EntryIdError, GrantSet, Grants,
    GrantsError, Life, NewGrant, Revoke, Source, Standing, Terms, Use, Watch,
};
pub use jiff::Timestamp;
pub use project::{Project, ProjectStanding, Trust, TrustError};
pub use secrecy::SecretString;
pub use secrets::{SecretError, SecretInfo, Secrets};
