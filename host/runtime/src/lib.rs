//! The embedding API of vox: open a skill, call its typed functions, read the outcome.
//!
//! ```
//! use vox_runtime::{Compiler, Granted, Host};
//! use vox_model::{Limits, Value};
//! # fn component() -> std::path::PathBuf {
//! #     let text = include_str!("doctor/guests/answer.wat");
//! #     let path = std::env::temp_dir().join(format!("vox-doc-{}.wasm", std::process::id()));
//! #     std::fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
//! #     path
//! # }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A host holds what calls share. This one compiles in process, which is for components one trusts: programs
//! // that take skills from strangers start a `Compiler::Child` and keep a `Cache`.
//! let host = Host::builder().compiler(Compiler::InProcess).build()?;
//!
//! // Opening goes through every stage: locate, inspect, decide, prepare.
//! let skill = host.open(&component().to_str().unwrap().parse()?, &Granted::default(), Limits::default())?;
//! assert_eq!(skill.plan().reason, "it imports nothing, so the component sandbox serves all of it");
//!
//! // Every call gets a sandbox of its own.
//! let outcome = skill.function("answer")?.call(vec![]);
//! assert_eq!(outcome.result?, Some(Value::U32(42)));
//! # std::fs::remove_file(component())?;
//! # Ok(())
//! # }
//! ```
//!
//! Programs that wait asynchronously await `call_async` instead, on a tokio runtime of their own.
//!
//! The stages, and what each says no with, stand in `ARCHITECTURE.md`. This crate never reads the environment, the
//! home folder or the terminal: what it needs is handed to [`HostBuilder`].

#[cfg(not(unix))]
compile_error!("the runtime's cache and compiler process need a Unix system; see docs/adr/0005-platforms.md");

pub mod cache;
mod compile;
mod decide;
pub mod doctor;
mod folder;
mod host;
mod locate;
pub mod pipeline;
mod program;
mod script;
mod scripts;
mod skill;
mod wasm;
mod watch;

#[cfg(feature = "compiler")]
pub use compile::compile_child;
pub use compile::{CompileError, CompileLimits, Compiler};
pub use decide::{Admitted, Refused, decide, offers};
pub use folder::SkillFolder;
pub use host::{Host, HostBuilder, HostError, Observer, OpenError};
pub use locate::{LocateError, digest};
pub use program::{Callable, FunctionError, Kept, Program};
pub use script::{Script, ScriptCall};
pub use scripts::{Listed, ScriptError, Scripts};
pub use skill::Skill;
pub use vox_capabilities::base::Invocation;
pub use vox_capabilities::{Granted, Services};
pub use wasm::engine::{POOL_MEMORY, Pool, TICK};
pub use wasm::meter::Cancel;
pub use wasm::sandbox::CallOptions;
pub use watch::{Watched, call_id};
