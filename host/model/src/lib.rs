//! The plain types that every part of vox shares.
//!
//! Nothing here runs anything: no engine, no files, no environment. The data of a call goes through these types
//! from left to right (see `ARCHITECTURE.md`):
//!
//! [`SkillRef`] → [`Artifact`] → [`Facts`] → [`Plan`] (or [`Denial`]s) → [`Outcome`].
//!
//! WIT types are [`Type`], their values [`Value`]; [`json`] and [`wave`] turn text into values and back,
//! [`schema`] describes a type as JSON Schema.

mod capability;
mod effect;
mod facts;
mod grant_set;
pub mod json;
mod library;
mod limits;
mod outcome;
mod package;
mod plan;
pub mod programs;
pub mod schema;
mod secret;
mod skill;
mod types;
pub mod units;
mod value;
pub mod wave;

pub use capability::{Capability, UnknownCapability};
pub use effect::{CallScope, Effect, Lease, Recorder, Scope, Unwatched, Verdict};
pub use facts::{CoreShape, Facts, Function, Import, ImportItem, Lookup, LookupError, Param};
pub use grant_set::{GrantOf, GrantSet};
pub use library::{Library, LibraryError, Part};
pub use limits::{Limit, Limits};
pub use outcome::{Effects, Failure, Frame, Outcome, Output, Trap, Usage, WorkerFault};
pub use package::{PackageName, PackageNameError};
pub use plan::{Denial, Need, Outside, Plan, Requirements, Tier, TierOffer};
pub use secret::{BadSecret, BadSecretName, MAX_SECRET, MAX_SECRET_NAME, MIN_SECRET, check_secret, check_secret_name};
pub use skill::{Artifact, Digest, SkillRef, SkillRefError};
pub use types::{
    Case, Enum, Field, Flag, Flags, FunctionId, InterfaceId, InterfaceIdError, Record, Type, TypeName, Variant,
};
pub use value::{MAX_DEPTH, Value};
