//! A call of a skill whose import a Python script serves.

use super::local::Local;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use vox_capabilities::subprocess::{ProgramsSetup, ProgramsState, Serving, Unanswered};
use vox_container::{Fallback, Surroundings};
use vox_model::programs::Programs;
use vox_model::{
    CallScope, Capability, Effect, Function, FunctionId, Lease, Limits, Param, Recorder, Scope, Type, Value,
};
use vox_tests::{places, tiers};

/// The interface that is served.
pub const INTERFACE: &str = "test:served/api@0.1.0";

/// What runs programs: this machine itself, or an engine.
pub fn programs(by: &str, state: &Path) -> Result<Arc<dyn Programs>, String> {
    if by == "local" {
        return Ok(Arc::new(Local));
    }
    Ok(Arc::new(fallback(by, state)?))
}

/// Containers of one engine, which was measured.
///
/// # Errors
/// It is not offered here.
pub fn fallback(engine: &str, state: &Path) -> Result<Fallback, String> {
    let path = tiers::search_path(&state.join("bin"), Some(engine)).map_err(|error| error.to_string())?;
    let mut variables: Vec<_> = std::env::vars_os().filter(|(name, _)| name != "PATH").collect();
    variables.push(("PATH".into(), path.into()));
    let fallback = Fallback::new(state.join("containers"), Surroundings::of(variables));
    fallback.offer().map_err(|lack| format!("{lack}; {}", lack.fix))?;
    Ok(fallback)
}

/// Keeps what was taken down.
#[derive(Default)]
pub struct Book(Mutex<Vec<Effect>>, AtomicBool);

impl Recorder for Book {
    fn record(&self, effect: Effect) {
        self.0.lock().unwrap_or_else(|error| panic!("{error}")).push(effect);
    }
}

impl Lease for Book {
    fn holds(&self, _: Capability) -> bool {
        !self.1.load(Ordering::SeqCst)
    }
}

impl Book {
    /// Takes every grant back.
    pub fn revoke(&self) {
        self.1.store(true, Ordering::SeqCst);
    }

    /// All of it.
    pub fn all(&self) -> Vec<Effect> {
        self.0.lock().unwrap_or_else(|error| panic!("{error}")).clone()
    }
}

/// One call of a skill.
pub struct Stage {
    // Before the runtime, which waits for the threads of programs that run.
    state: Option<ProgramsState>,
    runtime: Runtime,
    pub book: Arc<Book>,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// A call that may take so long; its import is served by this script.
    pub fn new(programs: &Arc<dyn Programs>, script: &str, time: Duration) -> Self {
        Self::serving(programs, script, time, &["python3", "-B", "/skill/worker.py"])
    }

    /// The same with another command; the script is `/skill/worker.py`.
    pub fn serving(programs: &Arc<dyn Programs>, script: &str, time: Duration, command: &[&str]) -> Self {
        let made = tempfile::tempdir().and_then(|folder| {
            std::fs::write(folder.path().join("worker.py"), script)?;
            let helper = places::repository().join("container-fallback/workers/vox_worker.py");
            std::fs::copy(helper, folder.path().join("vox_worker.py"))?;
            Ok(folder)
        });
        let folder = made.unwrap_or_else(|error| panic!("{error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let command = command.iter().map(|&word| word.to_owned()).collect();
        let serving = Serving {
            commands: BTreeMap::from([(INTERFACE.to_owned(), command)]),
            folder: folder.path().canonicalize().ok(),
            image: None,
        };
        let setup = ProgramsSetup {
            grant: "python3,python99".parse().unwrap_or_else(|error| panic!("{error}")),
            gpu: Default::default(),
            programs: Some(programs.clone()),
            folders: Vec::new(),
            serving,
            beside: Vec::new(),
            outlet: None,
            limits: Limits { time, ..Limits::default() },
            until: Instant::now() + time,
        };
        let book = Arc::new(Book::default());
        let scope = CallScope::from(Scope { recorder: book.clone(), lease: book.clone(), ..Scope::unwatched("s") });
        let state = Some(ProgramsState::new(scope, setup));
        let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
        Self { state, runtime, book, _folder: folder }
    }

    /// Calls the import.
    pub fn call(&mut self, function: &Function, arguments: Vec<Value>) -> Result<Option<Value>, Unanswered> {
        let state = self.state.as_mut().unwrap_or_else(|| panic!("the call has ended"));
        self.runtime.block_on(state.serve(function, arguments))
    }

    /// Ends the call as one that went well.
    pub fn finish(&mut self) {
        if let Some(state) = self.state.take() {
            state.finish(true);
        }
    }
}

/// A function of the interface.
pub fn function(name: &str, params: Vec<(&str, Type)>, result: Option<Type>) -> Function {
    let param = |(name, ty): (&str, Type)| Param { name: name.to_owned(), ty };
    Function {
        id: FunctionId { interface: Some(INTERFACE.to_owned()), name: name.to_owned() },
        docs: String::new(),
        params: params.into_iter().map(param).collect(),
        result,
        uncallable: None,
    }
}
