//! What a call may still do with programs: admission and the audit.

use crate::bindings::vox::skill::processes as wit;
use crate::call::{Need, Seat, Shared};
use crate::grant::{Grant, variable};
use crate::limits::{MAX_ARGUMENTS, MAX_COMMAND, MAX_PROGRAMS, MAX_SHOWN, MAX_VARIABLES};
use crate::serve::{Serving, Worker};
use crate::{gpu, seat};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vox_model::programs::{Command, Outlet, ProgramError, Programs, SharedFolder, Stop};
use vox_model::{CallScope, Capability, Effect, Limits, Verdict};
use wasmtime::component::ResourceTable;

/// What the host functions see of a call.
pub struct ProgramsCtxView<'a> {
    /// The programs of the call.
    pub ctx: &'a mut ProgramsState,
    /// The table that processes and streams are kept in.
    pub table: &'a mut ResourceTable,
}

/// What the programs of a call are set up with.
pub struct ProgramsSetup {
    /// Which programs.
    pub grant: Grant,
    /// Which devices.
    pub gpu: gpu::Grant,
    /// What runs programs; none where the host has nothing that does.
    pub programs: Option<Arc<dyn Programs>>,
    /// The granted folders, in order.
    pub folders: Vec<Arc<dyn SharedFolder>>,
    /// The way of programs to the network; none where the skill was granted none.
    pub outlet: Option<Arc<dyn Outlet>>,
    /// Folders that programs see besides, and that the skill itself was not granted: those of its own scripts.
    pub beside: Vec<Arc<dyn SharedFolder>>,
    /// What commands serve of the imports.
    pub serving: Serving,
    /// The limits of the call.
    pub limits: Limits,
    /// When the call is over at the latest.
    pub until: Instant,
}

/// The programs of one call.
pub struct ProgramsState {
    pub(crate) scope: CallScope,
    pub(crate) grant: Grant,
    pub(crate) gpu: gpu::Grant,
    pub(crate) limits: Limits,
    pub(crate) until: Instant,
    guests: Vec<String>,
    pub(crate) shared: Option<Arc<Shared>>,
    pub(crate) serving: Serving,
    /// What serves imports, by interface. One that is asked right now is not in here.
    pub(crate) workers: BTreeMap<String, Worker>,
    started: u32,
    /// Spawned programs whose handles the skill has.
    pub(crate) handles: Arc<()>,
}

/// A command that may run.
pub(crate) struct Admitted {
    pub(crate) command: Command,
    pub(crate) need: Need,
    pub(crate) shared: Arc<Shared>,
    pub(crate) about: About,
}

/// A command as it is taken down.
#[derive(Clone)]
pub(crate) struct About {
    scope: CallScope,
    capability: Capability,
    shown: String,
    rule: String,
    sent: u64,
    started: Instant,
}

impl About {
    /// Takes a program down, with how it ended.
    pub(crate) fn record(&self, how: Result<String, &ProgramError>, received: u64, sent: u64) {
        let (verdict, rule, end) = match how {
            Ok(end) => (Verdict::Allowed, self.rule.clone(), end),
            Err(error @ ProgramError::Denied(_)) => (Verdict::Denied, error.to_string(), "denied".to_owned()),
            Err(error) => {
                (Verdict::Failed, vox_cap_log::escape_within(&error.to_string(), 512).text, "failed".to_owned())
            }
        };
        let took = self.started.elapsed().as_millis();
        self.scope.recorder.record(Effect {
            capability: self.capability,
            action: "run".to_owned(),
            target: format!("{}: {end} after {took} ms", self.shown),
            verdict,
            rule,
            received,
            sent: self.sent + sent,
        });
    }
}

/// A command on one line, as a shell would take it, cut.
fn shown(command: &wit::Command) -> String {
    let mut line = String::new();
    for word in std::iter::once(&command.program).chain(&command.arguments) {
        let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c));
        let word = if plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) };
        if !line.is_empty() {
            line.push(' ');
        }
        let room = MAX_SHOWN.saturating_sub(line.len());
        let escaped = vox_cap_log::escape_within(&word, room);
        line.push_str(&escaped.text);
        if escaped.cut > 0 || room == 0 {
            line.push('…');
            break;
        }
    }
    line
}

impl ProgramsState {
    /// The programs of a fresh call. Nothing is started before the first one.
    pub fn new(scope: CallScope, setup: ProgramsSetup) -> Self {
        let ProgramsSetup { grant, gpu, programs, folders, beside, serving, outlet, limits, until } = setup;
        let guests = folders.iter().map(|folder| folder.guest().to_owned()).collect();
        // No program starts in what stands beside, and none is told of it as granted.
        let seen = folders.into_iter().chain(beside);
        let seats = seen.map(|folder| Seat { seat: seat::seat(folder.guest()), folder }).collect();
        let shared =
            programs.map(|programs| Arc::new(Shared::new(programs, seats, &serving, outlet, scope.call.to_string())));
        Self {
            scope,
            grant,
            gpu,
            limits,
            until,
            guests,
            shared,
            serving,
            workers: BTreeMap::new(),
            started: 0,
            handles: Arc::new(()),
        }
    }

    /// Ends all programs of the call and takes over the last of what they wrote where that is wanted. Gives what people have
    /// to be told, in sentences.
    pub fn finish(mut self, keep: bool) -> Vec<String> {
        let started = std::mem::take(&mut self.started);
        let Some(shared) = self.shared.take().filter(|_| started > 0) else { return Vec::new() };
        let mut workers = std::mem::take(&mut self.workers);
        match keep {
            // The end of their input is the end of their work: they get a moment for it, as long as the session lives.
            true => workers.values_mut().for_each(Worker::dismiss),
            false => workers.clear(),
        }
        let left = shared.end(keep);
        drop(workers);
        let weaker = shared.programs.offer().ok().and_then(|offered| offered.weaker);
        left.into_iter().map(|line| format!("left out of what programs wrote: {line}")).chain(weaker).collect()
    }

    /// What runs programs.
    pub(crate) fn programs(&self) -> Result<Arc<dyn Programs>, ProgramError> {
        let shared = self.shared.as_ref();
        shared
            .map(|shared| shared.programs.clone())
            .ok_or_else(|| ProgramError::Unavailable("this host runs no programs".to_owned()))
    }

    /// When a program that may take so long is over.
    pub(crate) fn until(&self, command: &Command) -> Instant {
        Instant::now().checked_add(command.time).map_or(self.until, |end| end.min(self.until))
    }

    /// Whether a command may run, and all that is needed for it. A refusal is taken down.
    pub(crate) fn admit(
        &mut self,
        asked: wit::Command,
        devices: Option<Vec<String>>,
    ) -> Result<Admitted, ProgramError> {
        let capability = if devices.is_some() { Capability::Gpu } else { Capability::Subprocess };
        let about = About {
            scope: self.scope.clone(),
            capability,
            shown: shown(&asked),
            rule: if devices.is_some() { self.gpu.flag() } else { self.grant.flag() },
            sent: asked.input.as_ref().map_or(0, |input| input.len() as u64),
            started: Instant::now(),
        };
        for needed in [Capability::Subprocess, capability] {
            if !self.scope.allows(needed, "run", &about.shown) {
                return Err(ProgramError::Denied(format!("`{needed}` was taken back while the skill ran")));
            }
        }
        let checked = self.check(&asked).and_then(|()| self.command(asked));
        match checked {
            Ok((command, memory)) => {
                let need = Need { memory, devices: devices.unwrap_or_default() };
                let shared = self
                    .shared
                    .clone()
                    .ok_or_else(|| ProgramError::Unavailable("this host runs no programs".to_owned()))?;
                self.started += 1;
                Ok(Admitted { command, need, shared, about })
            }
            Err(error) => {
                about.record(Err(&error), 0, 0);
                Err(error)
            }
        }
    }

    fn check(&self, asked: &wit::Command) -> Result<(), ProgramError> {
        let escaped = |text: &str| vox_cap_log::escape_within(text, 256).text;
        if !self.grant.programs.has(&asked.program) {
            let name = escaped(&asked.program);
            return Err(ProgramError::Denied(format!(
                "running `{name}` is not granted; run with --allow-subprocess={name}"
            )));
        }
        let lacking = asked.environment.iter().find(|one| !self.grant.environment.contains(&one.name));
        if let Some(one) = lacking {
            let name = escaped(&one.name);
            return Err(ProgramError::Denied(format!("setting `{name}` is not granted; run with --allow-env {name}")));
        }
        if self.started >= MAX_PROGRAMS {
            let text = format!("the call has run {MAX_PROGRAMS} programs, which is all that a call may");
            return Err(ProgramError::Limit { limit: vox_model::Limit::Handles, text });
        }
        let invalid = |text: String| Err(ProgramError::Invalid(text));
        if asked.arguments.len() > MAX_ARGUMENTS || asked.environment.len() > MAX_VARIABLES {
            return invalid(format!("a program has at most {MAX_ARGUMENTS} arguments and {MAX_VARIABLES} variables"));
        }
        let texts = || {
            let variables = asked.environment.iter().flat_map(|one| [&one.name, &one.value]);
            std::iter::once(&asked.program).chain(&asked.arguments).chain(variables)
        };
        if texts().any(|text| text.contains('\0')) || asked.program.is_empty() {
            return invalid("a program has a name, and neither it nor arguments and variables contain NUL".to_owned());
        }
        if let Some(one) = asked.environment.iter().find(|one| variable(&one.name).is_err()) {
            return invalid(format!("{:?} is no name of a variable", escaped(&one.name)));
        }
        let bytes: usize = texts().map(|text| text.len() + 1).sum();
        if bytes > MAX_COMMAND {
            return invalid(format!("arguments and variables have {bytes} bytes together; at most {MAX_COMMAND} fit"));
        }
        Ok(())
    }

    /// The command as it is run, and the memory that it may have.
    fn command(&self, asked: wit::Command) -> Result<(Command, u64), ProgramError> {
        let guests: Vec<&str> = self.guests.iter().map(String::as_str).collect();
        let folder = seat::working(asked.working_folder.as_deref(), &guests)?;
        let wit::Limits { time_ms, output_bytes, memory_bytes } = asked.limits;
        let left = self.until.saturating_duration_since(Instant::now());
        let command = Command {
            program: asked.program,
            arguments: asked.arguments,
            environment: asked.environment.into_iter().map(|one| (one.name, one.value)).collect(),
            folder,
            input: asked.input.unwrap_or_default(),
            time: time_ms.map_or(left, |time| Duration::from_millis(time).min(left)),
            cpu: self.limits.cpu,
            output: output_bytes.map_or(self.limits.output, |bytes| bytes.min(self.limits.output)),
        };
        Ok((command, memory_bytes.map_or(self.limits.memory, |bytes| bytes.min(self.limits.memory))))
    }
}

impl Drop for ProgramsState {
    fn drop(&mut self) {
        self.workers.clear();
        // A call that was not finished keeps nothing.
        if let Some(shared) = self.shared.take().filter(|_| self.started > 0) {
            shared.end(false);
        }
    }
}

/// Stops a program when whoever waits for it gives up.
pub(crate) struct StopOnDrop(pub(crate) Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}
