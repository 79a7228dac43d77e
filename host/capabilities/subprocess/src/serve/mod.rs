//! Imports that a command of the skill serves: `[serve]` of its manifest.
//!
//! ```text
//! component ─call→ arguments as JSON ─frame→ command ─frame→ JSON, read by the type of the result → component
//! ```
//!
//! The command is a program of the call's session, started with the first call of its interface, ended with the call of the
//! skill. It is untrusted: whatever it sends is read under limits, and only a value of the right type gets on. The protocol
//! stands in docs/adr/0015-image-skills.md.

mod frame;
mod message;
mod worker;

pub use message::PROTOCOL;
pub(crate) use worker::Worker;

use crate::bindings::vox::skill::processes as wit;
use crate::limits::{MAX_RUNNING, SERVE_MARGIN};
use crate::process::Process;
use crate::state::ProgramsState;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use vox_model::programs::ProgramError;
use vox_model::{CallScope, Capability, Effect, Function, Limit, Value, Verdict, WorkerFault};
use worker::Broken;

/// What commands serve of the imports of a skill. The default is nothing.
#[derive(Clone, Debug, Default)]
pub struct Serving {
    /// Program and arguments, by the full name of the interface.
    pub commands: BTreeMap<String, Vec<String>>,
    /// The folder of the skill, absolute and without links: `/skill` for its commands, for reading alone.
    pub folder: Option<PathBuf>,
    /// The image of all programs of the call by its content; none for that of the back end.
    pub image: Option<String>,
}

/// Why a call of an imported function has no value. The skill does not hear of it: its call ends.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unanswered {
    /// The command crashed, or its answer is none.
    #[error(transparent)]
    Fault(WorkerFault),
    /// A limit of the call was reached.
    #[error("{text}")]
    Limit {
        /// Which one.
        limit: Limit,
        /// What was allowed, in words.
        text: String,
    },
    /// What runs programs failed.
    #[error("{0}")]
    Unavailable(String),
}

impl ProgramsState {
    /// Has the command of the function's interface answer a call.
    ///
    /// # Errors
    /// See [`Unanswered`]. After each of them the command is ended.
    pub async fn serve(&mut self, function: &Function, arguments: Vec<Value>) -> Result<Option<Value>, Unanswered> {
        let target = function.id.to_string();
        if !self.scope.allows(Capability::Subprocess, "call", &target) {
            let text = format!("`{}` was taken back while the skill ran", Capability::Subprocess);
            return Err(untold(function, ProgramError::Denied(text)));
        }
        let mut entry = Entry::of(&self.scope, target, self.grant.flag());
        let answered = self.answered(function, &arguments, &mut entry).await;
        entry.end(&answered);
        answered
    }

    async fn answered(
        &mut self,
        function: &Function,
        arguments: &[Value],
        entry: &mut Entry,
    ) -> Result<Option<Value>, Unanswered> {
        let interface = function.id.interface.as_deref().unwrap_or_default();
        let most = self.limits.crossing();
        let until = self.until.checked_sub(SERVE_MARGIN.min(self.limits.time / 10)).unwrap_or(self.until);
        // Where the caller gives up waiting, the command is dropped with this future: it is in the middle of something.
        let mut worker = match self.workers.remove(interface) {
            Some(worker) => worker,
            None => self.begin(function, interface, most, until).await?,
        };
        let id = worker.next_id();
        let request = message::request(id, function, arguments);
        if request.len() as u64 > most {
            let text =
                format!("the arguments of {} are {} bytes of JSON, at most {most} fit", function.id, request.len());
            return Err(Unanswered::Limit { limit: Limit::Output, text });
        }
        entry.sent = request.len() as u64;
        let answer = match worker.exchange(&request, most, until).await {
            Ok(answer) => answer,
            Err(broken) => return Err(worker.explain(function, broken).await),
        };
        entry.received = answer.len() as u64;
        let value = match message::answer(&answer, id, function) {
            Ok(value) => value,
            Err(what) => return Err(worker.explain(function, Broken::Wrong(what)).await),
        };
        self.take_over().await.map_err(|error| untold(function, error))?;
        self.workers.insert(interface.to_owned(), worker);
        Ok(value)
    }

    /// Starts the command of an interface and greets it.
    async fn begin(
        &mut self,
        function: &Function,
        interface: &str,
        most: u64,
        until: Instant,
    ) -> Result<Worker, Unanswered> {
        let words = self.serving.commands.get(interface).cloned().unwrap_or_default();
        let Some((program, arguments)) = words.split_first() else {
            return Err(Unanswered::Unavailable(format!("no command serves {interface}")));
        };
        if Arc::strong_count(&self.handles) > MAX_RUNNING as usize {
            let text = format!("{MAX_RUNNING} programs run already, which is all that a call may have");
            return Err(Unanswered::Limit { limit: Limit::Handles, text });
        }
        let command = wit::Command {
            program: program.clone(),
            arguments: arguments.to_vec(),
            environment: Vec::new(),
            working_folder: None,
            input: None,
            limits: wit::Limits { time_ms: None, output_bytes: None, memory_bytes: None },
        };
        let admitted = self.admit(command, None).map_err(|error| untold(function, error))?;
        let process = Process::start(admitted, self.until, self.handles.clone()).await;
        let mut worker = process.and_then(Worker::of).map_err(|error| untold(function, error))?;
        match worker.greet(interface, most, until).await {
            Ok(()) => Ok(worker),
            Err(broken) => Err(worker.explain(function, broken).await),
        }
    }

    /// What the command wrote to granted folders is there for the component when it has its answer.
    async fn take_over(&self) -> Result<(), ProgramError> {
        let Some(shared) = self.shared.clone() else { return Ok(()) };
        let taken = tokio::task::spawn_blocking(move || shared.take_now()).await;
        taken.unwrap_or_else(|error| Err(ProgramError::Unavailable(format!("a thread of the host failed: {error}"))))
    }
}

/// What an error of a program means for the call that waits for its answer.
fn untold(function: &Function, error: ProgramError) -> Unanswered {
    match error {
        ProgramError::Limit { limit, text } => Unanswered::Limit { limit, text: format!("{}: {text}", function.id) },
        // What was refused has been taken down, and is told with the outcome.
        ProgramError::Denied(text) | ProgramError::NotFound(text) | ProgramError::Invalid(text) => {
            let what = vox_cap_log::escape_within(&text, 512).text;
            Unanswered::Fault(WorkerFault { function: function.id.to_string(), what, stderr: String::new() })
        }
        error @ (ProgramError::Stopped | ProgramError::Unavailable(_)) => Unanswered::Unavailable(error.to_string()),
    }
}

/// A call as it is taken down; one that nobody waits for any more as well.
struct Entry {
    scope: CallScope,
    target: String,
    rule: String,
    started: Instant,
    received: u64,
    sent: u64,
    told: bool,
}

impl Entry {
    fn of(scope: &CallScope, target: String, rule: String) -> Self {
        Self { scope: scope.clone(), target, rule, started: Instant::now(), received: 0, sent: 0, told: false }
    }

    fn end(&mut self, answered: &Result<Option<Value>, Unanswered>) {
        match answered {
            Ok(_) => self.tell(Verdict::Allowed, "answered", self.rule.clone()),
            Err(error) => {
                let rule = vox_cap_log::escape_within(&error.to_string(), 512).text;
                self.tell(Verdict::Failed, "failed", rule);
            }
        }
    }

    fn tell(&mut self, verdict: Verdict, end: &str, rule: String) {
        self.told = true;
        self.scope.recorder.record(Effect {
            capability: Capability::Subprocess,
            action: "call".to_owned(),
            target: format!("{}: {end} after {} ms", self.target, self.started.elapsed().as_millis()),
            verdict,
            rule,
            received: self.received,
            sent: self.sent,
        });
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.told {
            self.tell(Verdict::Failed, "ended", "the call ended before the answer came".to_owned());
        }
    }
}
