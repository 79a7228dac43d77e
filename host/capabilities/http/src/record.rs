//! What is taken down about one exchange, and what every part of it looks at.

use crate::problem::Problem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vox_model::{CallScope, Capability, Effect, Verdict};

/// Bytes of a target in the record. It is text of the skill.
const MAX_TARGET: usize = 512;

/// What an exchange is in the record.
const ACTION: &str = "request";

/// What a credential is in the record.
const SECRET: &str = "secret";

/// One exchange as it is taken down: exactly one effect, whatever becomes of it, and one for each credential.
pub(crate) struct Record {
    scope: CallScope,
    target: String,
    rule: String,
    sent: Arc<AtomicU64>,
    received: u64,
    /// What is taken down when nothing else was said.
    otherwise: (Verdict, String),
    closed: bool,
}

impl Record {
    pub(crate) fn new(scope: &CallScope, target: String) -> Self {
        Self {
            scope: scope.clone(),
            target,
            rule: String::new(),
            sent: Arc::default(),
            received: 0,
            otherwise: (Verdict::Failed, "the call ended before the answer came".to_owned()),
            closed: false,
        }
    }

    /// Counts what goes out; shared with the body of the request.
    pub(crate) fn sent(&self) -> Arc<AtomicU64> {
        self.sent.clone()
    }

    /// Counts what reached the skill.
    pub(crate) fn receive(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    /// The line of the grant that let it through.
    pub(crate) fn granted_by(&mut self, rule: String) {
        self.rule = rule;
    }

    /// The answer is with the skill: from here on it was done, however much of it is read.
    pub(crate) fn answered(&mut self) {
        self.otherwise = (Verdict::Allowed, self.rule.clone());
    }

    /// Whether the grant still holds; takes the refusal down where it does not, in place of everything else.
    pub(crate) fn holds(&mut self) -> bool {
        let holds = !self.closed && self.scope.allows(Capability::HttpOut, ACTION, &self.target);
        self.closed |= !holds;
        holds
    }

    /// What became of it.
    pub(crate) fn close(&mut self, verdict: Verdict, rule: impl Into<String>) {
        if !std::mem::replace(&mut self.closed, true) {
            self.scope.recorder.record(Effect {
                capability: Capability::HttpOut,
                action: ACTION.to_owned(),
                target: std::mem::take(&mut self.target),
                verdict,
                rule: rule.into(),
                received: self.received,
                sent: self.sent.load(Ordering::Relaxed),
            });
        }
    }

    /// It came to its end: what [`Self::answered`] said is taken down.
    pub(crate) fn done(&mut self) {
        let (verdict, rule) = std::mem::replace(&mut self.otherwise, (Verdict::Failed, String::new()));
        self.close(verdict, rule);
    }

    /// It did not.
    pub(crate) fn settle(&mut self, problem: &Problem) {
        if let Problem::Leak(name) = problem {
            self.credential(name, problem.verdict(), problem.to_string());
        }
        self.close(problem.verdict(), problem.to_string());
    }

    /// Takes nothing down: a flood of requests must not become a flood of effects.
    pub(crate) fn silence(&mut self) {
        self.closed = true;
    }

    /// What became of a credential, an effect of its own.
    pub(crate) fn credential(&self, name: &str, verdict: Verdict, rule: String) {
        self.scope.recorder.record(Effect {
            capability: Capability::HttpOut,
            action: SECRET.to_owned(),
            target: format!("{name} for {}", self.target),
            verdict,
            rule,
            received: 0,
            sent: 0,
        });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.done();
    }
}

/// The request as it is named in the record: without its query, which is data, and cut.
pub(crate) fn target(method: &http::Method, uri: &http::Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    // What stands before an `@` could be a password that the skill was given.
    let host = authority.rsplit('@').next().unwrap_or_default();
    let more = if uri.query().is_some() { "?…" } else { "" };
    let scheme = uri.scheme_str().unwrap_or_default();
    let mut text: String = format!("{method} {scheme}://{host}{}", uri.path()).escape_default().to_string();
    text.truncate(MAX_TARGET);
    text + more
}
