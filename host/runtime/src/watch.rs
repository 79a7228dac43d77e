//! Who watches a call: what it does is taken down, and what it was granted may be taken back while it runs.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use vox_model::{CallScope, Capability, Digest, Effect, Lease, Recorder, Scope, Verdict};

/// Refusals, and failures, that an outcome tells of. The audit has all of them.
const MAX_TOLD: usize = 16;

/// Given with a call by whoever makes it.
#[derive(Clone)]
pub struct Watched {
    /// Names the call, see [`call_id`].
    pub call: String,
    /// Takes effects down.
    pub recorder: Arc<dyn Recorder>,
    /// Says whether grants still hold.
    pub lease: Arc<dyn Lease>,
}

/// A new name for a call: 16 hexadecimal digits that nobody can guess.
pub fn call_id() -> String {
    let mut bytes = [0; 8];
    // Without randomness from the system the name is a poor one, and the call still takes place.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().fold(String::with_capacity(16), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// Stands between the capabilities of a call and whoever watches it: keeps what was refused and which requests failed,
/// and passes everything on.
pub(crate) struct Denials {
    kept: Mutex<Told>,
    watched: Option<Watched>,
}

/// What an outcome tells of.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) denied: Vec<Effect>,
    pub(crate) failed: Vec<Effect>,
}

impl Told {
    /// Where an effect belongs; none where it is not told. What fails in a folder the skill knows as much about as
    /// anybody; of a request it gets a code only.
    fn list(&mut self, effect: &Effect) -> Option<&mut Vec<Effect>> {
        match (effect.verdict, effect.capability) {
            (Verdict::Denied, _) => Some(&mut self.denied),
            (Verdict::Failed, Capability::HttpOut) => Some(&mut self.failed),
            _ => None,
        }
    }
}

impl Recorder for Denials {
    fn record(&self, effect: Effect) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = kept.list(&effect)
            && list.len() < MAX_TOLD
            && !list.contains(&effect)
        {
            list.push(effect.clone());
        }
        drop(kept);
        if let Some(watched) = &self.watched {
            watched.recorder.record(effect);
        }
    }
}

impl Lease for Denials {
    fn holds(&self, capability: Capability) -> bool {
        // What is for everybody was never granted, so nobody can take it back.
        vox_capabilities::free(capability)
            || self.watched.as_ref().is_none_or(|watched| watched.lease.holds(capability))
    }
}

impl Denials {
    pub(crate) fn new(watched: Option<Watched>) -> Arc<Self> {
        Arc::new(Self { kept: Mutex::default(), watched })
    }

    /// What the capabilities are told of a call.
    pub(crate) fn scope(self: &Arc<Self>, (package, digest): (&Arc<str>, Digest)) -> CallScope {
        let call = self.watched.as_ref().map(|watched| watched.call.clone()).unwrap_or_default();
        let (recorder, lease) = (self.clone(), self.clone());
        Scope { skill: package.clone(), digest, call, recorder, lease }.into()
    }

    /// What was refused and what failed so far.
    pub(crate) fn take(&self) -> Told {
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
