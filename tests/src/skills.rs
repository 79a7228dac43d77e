//! Opening and calling skills through the embedding API, as a program that embeds vox does.

use std::path::Path;
use std::sync::Arc;
use vox_bundle::{Bundle, Linkable};
use vox_model::{Failure, Limit, Limits, Outcome, SkillRef, Value};
use vox_runtime::{Compiler, Granted, Host, HostBuilder, OpenError, Program};

/// A host that compiles in process and keeps nothing.
///
/// # Panics
/// The engine does not start.
pub fn host() -> Host {
    built(Host::builder())
}

/// Makes a host that compiles in process.
///
/// # Panics
/// The engine does not start.
pub fn built(builder: HostBuilder) -> Host {
    let builder = builder.compiler(Compiler::InProcess).sandboxes(8);
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// The bundle that is tested: the fresh one, or the one that is embedded.
///
/// # Errors
/// There is none.
pub fn bundle() -> Result<Arc<Linkable>, String> {
    Ok(Arc::new(match crate::places::bundle()? {
        None => Linkable::new(Bundle::embedded()),
        Some(folder) => {
            let bundle = Bundle::from_dir(&folder).map_err(|error| error.to_string())?;
            Linkable::new(Box::leak(Box::new(bundle)))
        }
    }))
}

/// A file as a reference to a skill.
pub fn file(path: &Path) -> SkillRef {
    SkillRef::File(path.to_owned())
}

/// Writes a component to a file of its own, which is gone when the folder is dropped.
///
/// # Panics
/// The file cannot be written.
pub fn placed(component: &[u8]) -> (tempfile::TempDir, SkillRef) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let path = folder.path().join("skill.wasm");
    std::fs::write(&path, component).unwrap_or_else(|error| panic!("{error}"));
    (folder, SkillRef::File(path))
}

/// Opens a component that stands in memory.
///
/// # Errors
/// The stage that says no.
pub fn open(host: &Host, component: &[u8], limits: Limits) -> Result<Program, OpenError> {
    let (_folder, reference) = placed(component);
    host.open(&reference, &Granted::default(), limits)
}

/// Opens a component that must open.
///
/// # Panics
/// It does not.
pub fn opened(host: &Host, component: &[u8], limits: Limits) -> Program {
    open(host, component, limits).unwrap_or_else(|error| panic!("{error}"))
}

/// Opens a guest of `tests/guests`.
///
/// # Panics
/// It does not open.
pub fn opened_file(host: &Host, path: &Path, limits: Limits) -> Program {
    host.open(&file(path), &Granted::default(), limits).unwrap_or_else(|error| panic!("{error}"))
}

/// Calls a function.
///
/// # Panics
/// There is no such function.
pub fn call(program: &Program, function: &str, args: Vec<Value>) -> Outcome {
    program.function(function).unwrap_or_else(|error| panic!("{error}")).call(args)
}

/// The limit that ended a call.
///
/// # Panics
/// It ended in another way.
pub fn limit(outcome: &Outcome) -> Limit {
    match &outcome.result {
        Err(Failure::Limit { limit, .. }) => *limit,
        other => panic!("a limit should have ended it: {other:?}"),
    }
}
