//! Who watches a call: what it does is taken down, and what it was granted may be taken back while it runs.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use vox_model::{CallScope, Capability, Digest, Effect, Lease, Recorder, Unwatched, Verdict};

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

/// Keeps what was refused and which requests failed, and passes everything on.
#[derive(Default)]
pub(crate) struct Denials {
    kept: Mutex<Told>,
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

struct Both {
    denials: Arc<Denials>,
    next: Arc<dyn Recorder>,
}

impl Recorder for Both {
    fn record(&self, effect: Effect) {
        let mut kept = self.denials.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = kept.list(&effect)
            && list.len() < MAX_TOLD
            && !list.contains(&effect)
        {
            list.push(effect.clone());
        }
        drop(kept);
        self.next.record(effect);
    }
}

/// The lease of whoever watches. What is for everybody was never granted, so nobody can take it back.
struct Leased(Option<Arc<dyn Lease>>);

impl Lease for Leased {
    fn holds(&self, capability: Capability) -> bool {
        vox_capabilities::free(capability) || self.0.as_ref().is_none_or(|lease| lease.holds(capability))
    }
}

impl Denials {
    /// What the capabilities are told of a call.
    pub(crate) fn scope(self: &Arc<Self>, skill: (&str, Digest), watched: Option<Watched>) -> CallScope {
        let (call, next, lease) = match watched {
            Some(watched) => (watched.call, watched.recorder, Some(watched.lease)),
            None => (String::new(), Arc::new(Unwatched) as Arc<dyn Recorder>, None),
        };
        let lease = Arc::new(Leased(lease));
        let recorder = Arc::new(Both { denials: self.clone(), next });
        CallScope { skill: skill.0.into(), digest: skill.1, call: call.into(), recorder, lease }
    }

    /// What was refused and what failed so far.
    pub(crate) fn take(&self) -> Told {
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
