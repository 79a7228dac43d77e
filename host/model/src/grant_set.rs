//! What a store of grants wants to know about them.

use crate::Capability;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What one capability is granted, as its state holds it during a call: the whole grant, of which it sees its part.
pub type GrantOf<G> = Arc<dyn AsRef<G> + Send + Sync>;

/// All that a store of grants wants to know about a grant; what can be granted, the capabilities define.
///
/// The laws, where *covers* means "allows at least all that the other allows":
/// - `Default` allows nothing, and `is_empty` says whether a value does;
/// - after `a.merge(&b)`, `a` covers both and nothing beyond;
/// - `a.without(&b)` is what of `a` is not covered by `b`: empty exactly when `b` covers `a`;
/// - after `a.subtract(&b)`, nothing that `b` allows is allowed by `a`. Where what is left cannot be said, more goes;
/// - `capabilities` names each capability under which anything is allowed, and no other.
pub trait GrantSet: Serialize + DeserializeOwned + Default + Clone + PartialEq {
    /// Adds what the other allows.
    fn merge(&mut self, other: &Self);
    /// Takes away what the other allows, and rather more than less.
    fn subtract(&mut self, denied: &Self);
    /// What this allows and the other does not: what widened.
    #[must_use]
    fn without(&self, other: &Self) -> Self;
    /// Whether nothing is allowed.
    fn is_empty(&self) -> bool;
    /// What is allowed in plain words, one line each, without control characters.
    fn describe(&self) -> Vec<String>;
    /// Under which capabilities anything is allowed.
    fn capabilities(&self) -> BTreeSet<Capability>;
}
