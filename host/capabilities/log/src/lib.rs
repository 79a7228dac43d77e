//! Log lines of skills: `vox:skill/logging` and `wasi:logging/logging`.
//!
//! A skill may log without a grant, so lines are untrusted, bounded and never part of a result: control and direction
//! characters are escaped, long lines are cut, and what goes beyond the budget of a call is counted instead of kept.
//! Where lines go is the embedder's choice, see [`LogSink`].

mod escape;
mod grant;
mod sink;
mod state;

pub use escape::{Escaped, escape, escape_within};
pub use grant::{Grant, Request};
pub use sink::{Level, Line, LogSink, TracingSink};
pub use state::{LINE_COST, LogState, MAX_CALL, MAX_CONTEXT, MAX_LINE};

use wasmtime::component::{HasData, Linker};

#[allow(missing_docs, reason = "generated; the WIT has the documentation")]
mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package vox:cap-log;
            world imports {
                import vox:skill/logging@0.1.0;
                import wasi:logging/logging@0.1.0-draft;
            }
        ",
        path: ["../../../wit/skill/logging.wit", "wit/logging.wit"],
        world: "vox:cap-log/imports",
    });
}

use bindings::vox::skill::logging as ours;
use bindings::wasi::logging::logging as wasi;

impl ours::Host for LogState {
    fn write(&mut self, level: ours::Level, context: String, message: String) {
        let level = match level {
            ours::Level::Trace => Level::Trace,
            ours::Level::Debug => Level::Debug,
            ours::Level::Info => Level::Info,
            ours::Level::Warn => Level::Warn,
            ours::Level::Error => Level::Error,
        };
        self.write(level, &context, &message);
    }
}

impl wasi::Host for LogState {
    fn log(&mut self, level: wasi::Level, context: String, message: String) {
        let level = match level {
            wasi::Level::Trace => Level::Trace,
            wasi::Level::Debug => Level::Debug,
            wasi::Level::Info => Level::Info,
            wasi::Level::Warn => Level::Warn,
            wasi::Level::Error | wasi::Level::Critical => Level::Error,
        };
        self.write(level, &context, &message);
    }
}

/// What the embedder's store has to offer: the state of this capability and nothing else.
pub trait LogView: Send {
    /// The log of the call.
    fn log(&mut self) -> &mut LogState;
}

/// Names the part of the store that the host functions of this capability see.
pub struct VoxLog;

impl HasData for VoxLog {
    type Data<'a> = &'a mut LogState;
}

/// Links `vox:skill/logging` and `wasi:logging/logging`.
///
/// # Errors
/// An interface was linked already.
pub fn add_to_linker<T: LogView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    ours::add_to_linker::<T, VoxLog>(linker, T::log)?;
    wasi::add_to_linker::<T, VoxLog>(linker, T::log)
}
