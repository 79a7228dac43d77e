//! The functions of `vox:skill/processes` and `vox:skill/accelerators`.

use crate::bindings::vox::skill::{accelerators, processes as wit};
use crate::limits::MAX_RUNNING;
use crate::process::Process;
use crate::state::{Admitted, ProgramsCtxView, StopOnDrop};
use std::sync::Arc;
use vox_model::programs::{Device, Finished, ProgramError, Status, Stop};
use vox_model::{Capability, Effect, Limit, Verdict};
use wasmtime::component::Resource;
use wasmtime_wasi_io::poll::{DynPollable, subscribe};
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

type Done<T> = wasmtime::Result<Result<T, wit::Error>>;

pub(crate) fn told(error: ProgramError) -> wit::Error {
    match error {
        ProgramError::Denied(text) => wit::Error::Denied(text),
        ProgramError::NotFound(text) => wit::Error::NotFound(text),
        ProgramError::Invalid(text) => wit::Error::Invalid(text),
        ProgramError::Limit { text, .. } => wit::Error::Limit(text),
        error @ (ProgramError::Stopped | ProgramError::Unavailable(_)) => wit::Error::Unavailable(error.to_string()),
    }
}

fn status(status: Status) -> wit::Status {
    match status {
        Status::Exited(code) => wit::Status::Exited(code),
        Status::Signalled(number) => wit::Status::Signalled(number),
    }
}

fn output(finished: Finished) -> wit::Output {
    let Finished { status: ended, stdout, stderr, stdout_lost, stderr_lost } = finished;
    wit::Output { status: status(ended), stdout, stderr, stdout_lost, stderr_lost }
}

/// Does something that blocks on a thread for that.
async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, ProgramError> + Send + 'static,
) -> Result<T, ProgramError> {
    let done = tokio::task::spawn_blocking(act).await;
    done.unwrap_or_else(|error| Err(ProgramError::Unavailable(format!("a thread of the host failed: {error}"))))
}

impl ProgramsCtxView<'_> {
    async fn run_to_end(
        &mut self,
        command: wit::Command,
        devices: Option<Vec<String>>,
    ) -> Result<wit::Output, ProgramError> {
        let Admitted { command, need, shared, about } = self.ctx.admit(command, devices)?;
        let stop = Stop::default();
        // A call that ends while it waits drops this future, and with it the program.
        let guard = StopOnDrop(stop.clone());
        let finished = blocking(move || {
            shared.run(&need, &command, &stop, |done| match done {
                Ok(finished) => {
                    let printed = [&finished.stdout, &finished.stderr].map(|bytes| bytes.len() as u64);
                    about.record(Ok(finished.status.to_string()), printed.iter().sum(), 0);
                }
                Err(error) => about.record(Err(error), 0, 0),
            })
        })
        .await;
        drop(guard);
        Ok(output(finished?))
    }

    async fn start(&mut self, command: wit::Command) -> Result<Process, ProgramError> {
        if command.input.is_some() {
            return Err(ProgramError::Invalid(
                "a program that is spawned reads from its `stdin`: leave `input` out".to_owned(),
            ));
        }
        if Arc::strong_count(&self.ctx.handles) > MAX_RUNNING as usize {
            let text = format!("{MAX_RUNNING} programs run already, which is all that a call may have: drop one first");
            return Err(ProgramError::Limit { limit: Limit::Handles, text });
        }
        let admitted = self.ctx.admit(command, None)?;
        let until = self.ctx.until(&admitted.command);
        Process::start(admitted, until, self.ctx.handles.clone()).await
    }

    /// The granted devices that are present.
    async fn present(&mut self) -> Result<Vec<Device>, ProgramError> {
        if !self.ctx.scope.allows(Capability::Gpu, "list", "devices") {
            return Err(ProgramError::Denied("`gpu` was taken back while the skill ran".to_owned()));
        }
        if self.ctx.gpu.is_empty() {
            return Err(ProgramError::Denied("no accelerator is granted; run with --allow-gpu".to_owned()));
        }
        let programs = self.ctx.programs()?;
        let mut devices = blocking(move || programs.devices()).await?;
        devices.retain(|device| self.ctx.gpu.devices.has(&device.id));
        Ok(devices)
    }

    /// Takes a look at devices down.
    fn looked<T>(&self, target: String, done: Result<T, ProgramError>) -> Result<T, ProgramError> {
        let (verdict, rule) = match &done {
            Ok(_) => (Verdict::Allowed, self.ctx.gpu.flag()),
            Err(error @ ProgramError::Denied(_)) => (Verdict::Denied, error.to_string()),
            Err(error) => (Verdict::Failed, error.to_string()),
        };
        let (capability, action) = (Capability::Gpu, "list".to_owned());
        let effect = Effect { capability, action, target, verdict, rule, received: 0, sent: 0 };
        self.ctx.scope.recorder.record(effect);
        done
    }

    /// The ids of the devices that a skill means, in order.
    async fn chosen(&mut self, asked: &[String]) -> Result<Vec<String>, ProgramError> {
        let shown = |id: &str| vox_cap_log::escape_within(id, 128).text;
        if let Some(id) = asked.iter().find(|id| !self.ctx.gpu.devices.has(id)) {
            let id = shown(id);
            return Err(ProgramError::Denied(format!(
                "the accelerator `{id}` is not granted; run with --allow-gpu={id}"
            )));
        }
        let present = self.present().await?;
        if let Some(id) = asked.iter().find(|id| !present.iter().any(|device| device.id == **id)) {
            return Err(ProgramError::Unavailable(format!("the accelerator `{}` is not present", shown(id))));
        }
        let mut ids: Vec<String> = present.into_iter().map(|device| device.id).collect();
        ids.retain(|id| asked.is_empty() || asked.contains(id));
        ids.sort();
        match ids.is_empty() {
            true => Err(ProgramError::Unavailable("no granted accelerator is present".to_owned())),
            false => Ok(ids),
        }
    }
}

impl wit::Host for ProgramsCtxView<'_> {
    async fn run(&mut self, command: wit::Command) -> Done<wit::Output> {
        Ok(self.run_to_end(command, None).await.map_err(told))
    }

    async fn spawn(&mut self, command: wit::Command) -> Done<Resource<Process>> {
        match self.start(command).await {
            Ok(process) => Ok(Ok(self.table.push(process)?)),
            Err(error) => Ok(Err(told(error))),
        }
    }
}

/// What a stream that was taken already says.
fn taken(what: &str) -> wit::Error {
    wit::Error::Invalid(format!("`{what}` of this program was taken already"))
}

impl wit::HostProcess for ProgramsCtxView<'_> {
    fn stdin(&mut self, process: Resource<Process>) -> Done<Resource<DynOutputStream>> {
        match self.table.get_mut(&process)?.stdin() {
            Some(Ok(stream)) => Ok(Ok(self.table.push(stream)?)),
            Some(Err(error)) => Ok(Err(told(error))),
            None => Ok(Err(taken("stdin"))),
        }
    }

    fn stdout(&mut self, process: Resource<Process>) -> Done<Resource<DynInputStream>> {
        match self.table.get_mut(&process)?.stdout() {
            Some(Ok(stream)) => Ok(Ok(self.table.push(stream)?)),
            Some(Err(error)) => Ok(Err(told(error))),
            None => Ok(Err(taken("stdout"))),
        }
    }

    fn stderr(&mut self, process: Resource<Process>) -> Done<Resource<DynInputStream>> {
        match self.table.get_mut(&process)?.stderr() {
            Some(Ok(stream)) => Ok(Ok(self.table.push(stream)?)),
            Some(Err(error)) => Ok(Err(told(error))),
            None => Ok(Err(taken("stderr"))),
        }
    }

    fn subscribe(&mut self, process: Resource<Process>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, process)
    }

    fn status(&mut self, process: Resource<Process>) -> Done<Option<wit::Status>> {
        let ended = self.table.get(&process)?.ended();
        Ok(ended.transpose().map(|ended| ended.map(status)).map_err(told))
    }

    async fn kill(&mut self, process: Resource<Process>) -> Done<()> {
        self.table.get_mut(&process)?.kill().await;
        Ok(Ok(()))
    }

    fn drop(&mut self, process: Resource<Process>) -> wasmtime::Result<()> {
        self.table.delete(process)?;
        Ok(())
    }
}

impl accelerators::Host for ProgramsCtxView<'_> {
    async fn devices(&mut self) -> Done<Vec<accelerators::Device>> {
        let present = self.present().await;
        let present = self.looked("devices".to_owned(), present);
        let device = |device: Device| {
            let Device { id, vendor, model, memory } = device;
            accelerators::Device { id, vendor, model, memory_bytes: memory }
        };
        Ok(present.map(|all| all.into_iter().map(device).collect()).map_err(told))
    }

    async fn run(&mut self, command: wit::Command, devices: Vec<String>) -> Done<wit::Output> {
        let chosen = self.chosen(&devices).await;
        let target = format!("devices for {}", vox_cap_log::escape_within(&command.program, 256).text);
        match self.looked(target, chosen) {
            Ok(chosen) => Ok(self.run_to_end(command, Some(chosen)).await.map_err(told)),
            Err(error) => Ok(Err(told(error))),
        }
    }
}
