//! Asking whether a grant still holds, and taking down what was done with it.

use crate::tree::{FsError, FsResult, Place};
use vox_model::{CallScope, Capability, Effect, Verdict};

/// Bytes of a guest's path that are taken down: what is longer is refused anyway.
const MAX_TARGET: usize = 4096;

/// One granted folder's side of the audit.
pub(crate) struct Audit {
    scope: CallScope,
    /// The grant, as the flag that gives it.
    rule: String,
    guest: String,
}

impl Audit {
    pub(crate) fn new(scope: CallScope, rule: String, guest: String) -> Self {
        Self { scope, rule, guest }
    }

    pub(crate) fn scope(&self) -> &CallScope {
        &self.scope
    }

    /// A path as the guest sees it.
    pub(crate) fn target(&self, base: &Place, path: &str) -> String {
        let mut target = self.guest.trim_end_matches('/').to_owned();
        for part in base.0.iter().map(String::as_str).chain([path]).filter(|part| !part.is_empty()) {
            target.push('/');
            target.push_str(part);
        }
        if target.len() > MAX_TARGET {
            target.truncate(target.floor_char_boundary(MAX_TARGET));
            target.push('…');
        }
        target
    }

    /// Does something that is taken down, whatever comes of it.
    pub(crate) fn act<T>(
        &self,
        capability: Capability,
        action: &str,
        target: String,
        act: impl FnOnce() -> FsResult<T>,
    ) -> FsResult<T> {
        if !self.scope.allows(capability, action, &target) {
            return Err(FsError::Access);
        }
        let done = act();
        if let Some(verdict) = verdict(done.as_ref().err()) {
            self.record(capability, action, target, verdict);
        }
        done
    }

    /// Does something of which only a refusal is taken down.
    pub(crate) fn glance<T>(
        &self,
        capability: Capability,
        action: &str,
        target: impl Fn() -> String,
        act: impl FnOnce() -> FsResult<T>,
    ) -> FsResult<T> {
        if !self.scope.lease.holds(capability) && !self.scope.allows(capability, action, &target()) {
            return Err(FsError::Access);
        }
        let done = act();
        if verdict(done.as_ref().err()) == Some(Verdict::Denied) {
            self.record(capability, action, target(), Verdict::Denied);
        }
        done
    }

    fn record(&self, capability: Capability, action: &str, target: String, verdict: Verdict) {
        self.scope.recorder.record(Effect {
            capability,
            action: action.to_owned(),
            target,
            verdict,
            rule: self.rule.clone(),
            received: 0,
            sent: 0,
        });
    }
}

/// What an error means for the audit; none for what was taken down where it was found.
fn verdict(error: Option<&FsError>) -> Option<Verdict> {
    match error {
        None => Some(Verdict::Allowed),
        Some(FsError::Access) => None,
        Some(FsError::NotPermitted | FsError::ReadOnly) => Some(Verdict::Denied),
        Some(_) => Some(Verdict::Failed),
    }
}
