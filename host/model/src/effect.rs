//! What capabilities report about a call, and what they know of it.

use crate::{Capability, Digest};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Something that a skill did, or tried to do, outside its sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Effect {
    /// Under which capability.
    pub capability: Capability,
    /// What was done, one word: `read`, `write`, `request`, `get`.
    pub action: String,
    /// To what: a path as the skill sees it, `GET https://api.example.org/v1`, a key. Text of the skill, so untrusted;
    /// never a secret.
    pub target: String,
    /// Whether it was let through.
    pub verdict: Verdict,
    /// The grant or the rule that decided, in the words in which it was given.
    pub rule: String,
    /// Bytes that reached the skill.
    pub received: u64,
    /// Bytes that left it.
    pub sent: u64,
}

/// What became of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was granted and done.
    Allowed,
    /// It was not granted.
    Denied,
    /// It was granted and could not be done.
    Failed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Failed => "failed",
        })
    }
}

/// Takes effects down. Called from within calls, so it must neither block for long nor panic.
pub trait Recorder: Send + Sync {
    /// Takes one effect down.
    fn record(&self, effect: Effect);
}

/// Whether what was granted at the start of a call still holds: a person may take it back while the call runs.
pub trait Lease: Send + Sync {
    /// Whether this capability is still granted. Asked before every effect, so it must be quick.
    fn holds(&self, capability: Capability) -> bool;
}

/// What a capability knows of the call that it serves, and nothing more. Every capability of a call has the same.
#[derive(Clone)]
pub struct CallScope(Arc<Scope>);

/// Who calls what, and who watches; see [`CallScope`].
pub struct Scope {
    /// The skill's name, as people write it.
    pub skill: Arc<str>,
    /// Its digest: what persistent data of the skill is keyed by is never the name alone.
    pub digest: Digest,
    /// Names the call in the audit.
    pub call: String,
    /// Where effects are taken down.
    pub recorder: Arc<dyn Recorder>,
    /// Whether the grants still hold.
    pub lease: Arc<dyn Lease>,
}

impl From<Scope> for CallScope {
    fn from(scope: Scope) -> Self {
        Self(Arc::new(scope))
    }
}

impl Deref for CallScope {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        &self.0
    }
}

impl CallScope {
    /// A scope of a call that nobody watches.
    pub fn unwatched(skill: &str) -> Self {
        Scope::unwatched(skill).into()
    }

    /// Whether a capability is still granted; takes the refusal down where it is not.
    pub fn allows(&self, capability: Capability, action: &str, target: &str) -> bool {
        let holds = self.lease.holds(capability);
        if !holds {
            self.recorder.record(Effect {
                capability,
                action: action.to_owned(),
                target: target.to_owned(),
                verdict: Verdict::Denied,
                rule: "the grant was taken back".to_owned(),
                received: 0,
                sent: 0,
            });
        }
        holds
    }
}

impl fmt::Debug for CallScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallScope").field("skill", &self.skill).field("call", &self.call).finish_non_exhaustive()
    }
}

/// Takes nothing down and takes nothing back: for calls that nobody watches, such as those of tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Recorder for Unwatched {
    fn record(&self, _: Effect) {}
}

impl Lease for Unwatched {
    fn holds(&self, _: Capability) -> bool {
        true
    }
}

impl Scope {
    /// A scope of a call that nobody watches.
    pub fn unwatched(skill: &str) -> Self {
        Self {
            skill: skill.into(),
            digest: Digest([0; 32]),
            call: String::new(),
            recorder: Arc::new(Unwatched),
            lease: Arc::new(Unwatched),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Books(Mutex<Vec<Effect>>);

    impl Recorder for Books {
        fn record(&self, effect: Effect) {
            self.0.lock().unwrap().push(effect);
        }
    }

    /// Everything but the store was taken back.
    struct StoreAlone;

    impl Lease for StoreAlone {
        fn holds(&self, capability: Capability) -> bool {
            capability == Capability::Kv
        }
    }

    #[test]
    fn what_was_taken_back_is_refused_and_taken_down() {
        let books = Arc::new(Books::default());
        let scope = Scope { recorder: books.clone(), lease: Arc::new(StoreAlone), ..Scope::unwatched("s") };
        let scope = CallScope::from(scope);
        assert!(scope.allows(Capability::Kv, "get", "a"));
        assert!(books.0.lock().unwrap().is_empty(), "who did it takes it down");
        assert!(!scope.allows(Capability::HttpOut, "request", "GET https://a.example/"));
        let expected = Effect {
            capability: Capability::HttpOut,
            action: "request".to_owned(),
            target: "GET https://a.example/".to_owned(),
            verdict: Verdict::Denied,
            rule: "the grant was taken back".to_owned(),
            received: 0,
            sent: 0,
        };
        assert_eq!(*books.0.lock().unwrap(), [expected]);
    }

    #[test]
    fn a_call_that_nobody_watches_keeps_its_grants() {
        let scope = CallScope::unwatched("s");
        assert!(Capability::ALL.iter().all(|capability| scope.allows(*capability, "use", "")));
        assert_eq!(format!("{scope:?}"), r#"CallScope { skill: "s", call: "", .. }"#);
    }

    #[test]
    fn verdicts_have_words() {
        let words = [Verdict::Allowed, Verdict::Denied, Verdict::Failed].map(|verdict| verdict.to_string());
        assert_eq!(words, ["allowed", "denied", "failed"]);
    }
}
