//! What the store of one call holds, and how it is linked: the joints between the capabilities and the engine.

use crate::base::{self, Base, Invocation, Sink};
use crate::granted::{Granted, Requests};
use crate::services::Services;
use std::sync::Arc;
use std::time::Instant;
use vox_cap_config::{ConfigState, ConfigView};
use vox_cap_files::host::{Files, FilesCtxView, FilesView, Subdirectories};
use vox_cap_files::{Folders, Sealed};
use vox_cap_http::{Http, HttpCtxView, HttpView};
use vox_cap_kv::{KvCtxView, KvState, KvView};
use vox_cap_log::{LogState, LogView};
use vox_cap_random::{RandomState, RandomView};
use vox_cap_subprocess::{Order, ProgramsCtxView, ProgramsSetup, ProgramsState, ProgramsView, Serving, Unanswered};
use vox_model::programs::{ProgramError, SharedFolder, Status, Stop};
use vox_model::{CallScope, Digest, Function, Limits, Value};
use wasmtime::component::Linker;
use wasmtime_wasi::{ResourceTable, WasiCtxView, WasiView};

/// Resources that the host keeps for a guest, such as streams and descriptors (`docs/limits.md`, "Handles").
const MAX_RESOURCES: usize = 1024;

/// The data of a store: the meter of whoever runs the call, and the state of every capability. Each host function sees
/// its own state through a view of this, and nothing else of it.
pub struct CallData<M> {
    /// What the call may use and has used.
    pub meter: M,
    /// What the guest writes to standard output.
    pub stdout: Sink,
    /// What the guest writes to standard error.
    pub stderr: Sink,
    table: ResourceTable,
    base: Base,
    files: Files,
    http: Option<Http>,
    kv: KvState,
    config: ConfigState,
    log: LogState,
    random: RandomState,
    programs: ProgramsState,
}

/// What a call is set up with.
pub struct Setup<'a> {
    /// Arguments and standard input.
    pub invocation: Invocation,
    /// Where standard output and standard error go.
    pub streams: (Sink, Sink),
    /// What was granted.
    pub granted: &'a Arc<Granted>,
    /// What the manifest asks for, where there is one.
    pub requests: Option<&'a Requests>,
    /// What commands serve of its imports.
    pub serving: Serving,
    /// What stands behind the capabilities.
    pub services: &'a Services,
    /// Who calls what, and who watches.
    pub scope: CallScope,
    /// The limits of the call, for what runs outside the sandbox.
    pub limits: Limits,
    /// When the call is over at the latest.
    pub until: Instant,
    /// Folders that programs see besides the granted ones.
    pub beside: Vec<Arc<dyn SharedFolder>>,
}

/// The capabilities of a call could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A granted folder cannot be opened.
    #[error(transparent)]
    Folder(#[from] vox_cap_files::OpenFolderError),
    /// The network cannot be reached.
    #[error("{0}")]
    Network(String),
    /// The settings are too many.
    #[error(transparent)]
    Config(#[from] vox_cap_config::Invalid),
}

/// What is left of a call.
#[derive(Debug, Default)]
pub struct Finished {
    /// The change sets that it staged, one for each folder.
    pub changes: Vec<Digest>,
    /// Why something that was staged could not be kept.
    pub lost: Vec<String>,
    /// Whether the skill asked for its folders and has none.
    pub no_folder: bool,
    /// What a person has to be told besides, in sentences.
    pub notes: Vec<String>,
}

impl<M> CallData<M> {
    /// The data of a fresh call.
    ///
    /// # Errors
    /// A capability that was granted cannot be served now; see [`SetupError`].
    pub fn new(meter: M, setup: Setup<'_>) -> Result<Self, SetupError> {
        let Setup {
            invocation,
            streams: (stdout, stderr),
            granted,
            requests,
            serving,
            services,
            scope,
            limits,
            until,
            beside,
        } = setup;
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let mut folders = Folders::new(granted.clone(), services.changes.clone(), scope.clone());
        // Programs see the folders from the start.
        let shared = match runs_programs(granted, &serving) || !beside.is_empty() {
            true => folders.open()?.iter().map(|folder| folder.shared.clone()).collect(),
            false => Vec::new(),
        };
        let http = match granted.http.is_empty() {
            true => None,
            false => {
                let client = services.client().map_err(SetupError::Network)?;
                let owner = scope.skill.clone();
                Some(Http::new(&client, granted.clone(), scope.clone(), owner, Some(until)))
            }
        };
        let programs_too = http.as_ref().filter(|_| !granted.subprocess.is_empty());
        let programs = ProgramsSetup {
            grant: granted.subprocess.clone(),
            gpu: granted.gpu.clone(),
            programs: services.programs_for(granted).cloned(),
            folders: shared,
            beside,
            serving,
            outlet: programs_too.map(|http| http.outlet()),
            limits,
            until,
        };
        let files = Files::new(folders, Subdirectories::Inherited, scope.clone());
        let unasked = vox_cap_config::Request::default();
        let settings = requests.map_or(&unasked, |requests| &requests.config);
        Ok(Self {
            base: Base::new(invocation, granted.clone(), scope.clone()),
            kv: KvState::new(scope.clone(), granted.kv.clone(), services.kv.clone()),
            config: ConfigState::new(scope.clone(), &granted.config, settings)?,
            random: RandomState::new(scope.clone(), &granted.random),
            programs: ProgramsState::new(scope.clone(), programs),
            log: LogState::new(scope, services.log.clone()),
            meter,
            stdout,
            stderr,
            table,
            files,
            http,
        })
    }

    /// Runs a program as the call itself: what it prints goes where the call's own output goes.
    ///
    /// # Errors
    /// It was not granted, did not run, or was ended; see [`ProgramError`].
    pub fn run_program(&mut self, order: Order, stop: &Stop) -> Result<Status, ProgramError> {
        let (out, err) = (self.stdout.clone(), self.stderr.clone());
        self.programs.run_through(order, stop, |bytes| out.put(bytes), |bytes| err.put(bytes))
    }

    /// Has a command answer a call of an imported function.
    ///
    /// # Errors
    /// There is no answer, or none of the right type. The call cannot go on.
    pub async fn serve(&mut self, function: &Function, arguments: Vec<Value>) -> Result<Option<Value>, Unanswered>
    where
        M: Send,
    {
        self.programs.serve(function, arguments).await
    }

    /// Ends the call: keeps what was staged where it went well, and throws it away where it did not.
    pub fn finish(self, keep: bool) -> Finished {
        let Self { files, table, programs, .. } = self;
        let no_folder = files.asked_in_vain();
        // Nothing of the guest may still hold a file when its changes are sealed, and no program may still write one.
        drop(table);
        let folders = files.into_folders();
        let notes = programs.finish(keep);
        let Sealed { changes, lost } = if keep { folders.seal() } else { Sealed::default() };
        Finished { changes, lost, no_folder, notes }
    }
}

/// Whether programs may run in calls with these grants, for the skill or in answer to what it imports.
pub fn runs_programs(granted: &Granted, serving: &Serving) -> bool {
    !granted.subprocess.is_empty() || !granted.gpu.is_empty() || !serving.commands.is_empty()
}

impl<M: Send> WasiView for CallData<M> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: self.base.context(&self.stdout, &self.stderr), table: &mut self.table }
    }
}

impl<M: Send> FilesView for CallData<M> {
    fn files(&mut self) -> FilesCtxView<'_> {
        FilesCtxView { ctx: &mut self.files, table: &mut self.table }
    }
}

impl<M: Send> KvView for CallData<M> {
    fn kv(&mut self) -> KvCtxView<'_> {
        KvCtxView { ctx: &mut self.kv, table: &mut self.table }
    }
}

impl<M: Send> ConfigView for CallData<M> {
    fn config(&mut self) -> &mut ConfigState {
        &mut self.config
    }
}

impl<M: Send> LogView for CallData<M> {
    fn log(&mut self) -> &mut LogState {
        &mut self.log
    }
}

impl<M: Send> RandomView for CallData<M> {
    fn random(&mut self) -> &mut RandomState {
        &mut self.random
    }
}

impl<M: Send> ProgramsView for CallData<M> {
    fn programs(&mut self) -> ProgramsCtxView<'_> {
        ProgramsCtxView { ctx: &mut self.programs, table: &mut self.table }
    }
}

impl<M: Send> HttpView for CallData<M> {
    #[allow(clippy::expect_used, reason = "both look at the same grants, and the trait has no error")]
    fn http(&mut self) -> HttpCtxView<'_> {
        // `link` gives a component wasi:http only where `new` made the state.
        let http = self.http.as_mut().expect("wasi:http is linked only where it is granted");
        HttpCtxView { http, table: &mut self.table }
    }
}

/// Links everything that calls with these grants are served: base WASI, and each capability.
///
/// # Errors
/// An interface was linked twice.
pub fn link<M: Send + 'static>(linker: &mut Linker<CallData<M>>, granted: &Granted) -> wasmtime::Result<()> {
    base::link(linker)?;
    vox_cap_files::host::add_to_linker(linker)?;
    vox_cap_clock::add_to_linker(linker)?;
    vox_cap_random::add_to_linker(linker)?;
    vox_cap_log::add_to_linker(linker)?;
    vox_cap_config::add_to_linker(linker)?;
    vox_cap_kv::add_to_linker(linker)?;
    vox_cap_subprocess::add_to_linker(linker)?;
    if !granted.http.is_empty() {
        vox_cap_http::link(linker)?;
    }
    Ok(())
}
