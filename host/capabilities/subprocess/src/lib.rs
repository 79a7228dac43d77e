//! Programs for skills: `vox:skill/processes` and `vox:skill/accelerators`.
//!
//! ```text
//! skill ─run→ admit (grant, sizes, audit) → session (one container for the call) → program
//!                                              └ folders: mount before, take over after
//! ```
//!
//! What runs programs stands behind `vox_model::programs`, and so do the folders: this crate knows neither containers nor
//! overlays. It says who may run what, keeps one session for a call, keeps both sides of the folders alike, and takes every
//! program down.
//!
//! Imported interfaces of the skill's own can be served by a command (`serve`): a program of the same session that answers
//! calls with typed values, one after the other.

mod call;
mod direct;
pub mod gpu;
mod grant;
mod host;
mod limits;
mod names;
mod process;
mod seat;
mod serve;
mod state;
#[cfg(test)]
mod tests;

pub use direct::Order;
pub use grant::{BadName, Grant, Request, variable};
pub use limits::{MAX_ARGUMENTS, MAX_COMMAND, MAX_PROGRAMS, MAX_RUNNING, MAX_VARIABLES};
pub use names::Names;
pub use serve::{PROTOCOL, Serving, Unanswered};
pub use state::{ProgramsCtxView, ProgramsSetup, ProgramsState};

use wasmtime::component::{HasData, Linker};

#[allow(missing_docs, reason = "generated; the WIT has the documentation")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../../wit/skill",
        inline: "
            package vox:cap-subprocess;
            world imports {
                import vox:skill/processes@0.1.0;
                import vox:skill/accelerators@0.1.0;
            }
        ",
        world: "vox:cap-subprocess/imports",
        imports: {
            // Programs take their time, and so do engines.
            "vox:skill/processes.run": async | trappable,
            "vox:skill/processes.spawn": async | trappable,
            "vox:skill/processes.[method]process.kill": async | trappable,
            "vox:skill/accelerators.devices": async | trappable,
            "vox:skill/accelerators.run": async | trappable,
            default: trappable,
        },
        with: {
            "wasi:io": wasmtime_wasi_io::bindings::wasi::io,
            "vox:skill/processes.process": crate::process::Process,
        },
    });
}

use bindings::vox::skill::{accelerators, processes};

/// What the embedder's store has to offer: the state of this capability, the table of resources, nothing else.
pub trait ProgramsView: Send {
    /// The programs of the call.
    fn programs(&mut self) -> ProgramsCtxView<'_>;
}

/// Names the part of the store that the host functions of this capability see.
pub struct VoxPrograms;

impl HasData for VoxPrograms {
    type Data<'a> = ProgramsCtxView<'a>;
}

/// Links `vox:skill/processes` and `vox:skill/accelerators`. Guests have to be called with `call_async`, on a runtime of
/// tokio with its drivers on.
///
/// # Errors
/// An interface was linked already.
pub fn add_to_linker<T: ProgramsView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    processes::add_to_linker::<T, VoxPrograms>(linker, T::programs)?;
    accelerators::add_to_linker::<T, VoxPrograms>(linker, T::programs)
}
