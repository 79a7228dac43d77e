//! Base WASI, linked without effect.
//!
//! Language runtimes import clocks, randomness, standard streams and file systems whether a program uses them or
//! not. They are always linked, and what they reach without a grant is nothing: no folders, no environment, frozen
//! clocks, an empty standard input, and output into capped buffers. Randomness alone is real, because a predictable
//! source that looks like a random one is worse than either; a skill that draws on it is merely not deterministic.
//! Sockets are not linked at all.

mod stdio;

pub use stdio::Sink;

use vox_cap_clock::{Grant, Monotonic, Wall};
use vox_model::{CallScope, GrantOf};
use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::p2::bindings::cli;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiView};
use wasmtime_wasi_io::bindings::wasi::io;

/// What a program is started with.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// Arguments, the program's own name first.
    pub arguments: Vec<String>,
    /// Standard input, whole.
    pub input: Vec<u8>,
}

/// What of WASI the engine's own implementation serves: arguments, standard streams, and the clocks as granted. Made when
/// the guest first uses one of them, which most calls of a typed function never do.
pub(crate) struct Base {
    invocation: Invocation,
    granted: GrantOf<Grant>,
    scope: CallScope,
    context: Option<Box<WasiCtx>>,
}

impl Base {
    pub(crate) fn new(invocation: Invocation, granted: GrantOf<Grant>, scope: CallScope) -> Self {
        Self { invocation, granted, scope, context: None }
    }

    /// The engine's state, with output into these sinks.
    pub(crate) fn context(&mut self, stdout: &Sink, stderr: &Sink) -> &mut WasiCtx {
        self.context.get_or_insert_with(|| {
            let Invocation { arguments, input } = std::mem::take(&mut self.invocation);
            let clock = (*self.granted).as_ref();
            let context = WasiCtx::builder()
                .args(&arguments)
                .stdin(MemoryInputPipe::new(input))
                .stdout(stdout.clone())
                .stderr(stderr.clone())
                .wall_clock(Wall::new(clock, &self.scope))
                .monotonic_clock(Monotonic::new(clock, &self.scope))
                .allow_tcp(false)
                .allow_udp(false)
                .allow_ip_name_lookup(false)
                .build();
            Box::new(context)
        })
    }
}

/// What the stream interfaces see of a call: its table of resources and nothing else.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links streams, standard streams, arguments and exit; sockets are left out on purpose.
///
/// # Errors
/// An interface was linked already.
pub(crate) fn link<T: WasiView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let l = linker;
    io::error::add_to_linker::<T, Table>(l, |t| t.ctx().table)?;
    io::poll::add_to_linker::<T, Table>(l, |t| t.ctx().table)?;
    io::streams::add_to_linker::<T, Table>(l, |t| t.ctx().table)?;
    cli::exit::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::environment::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::stdin::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::stdout::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::stderr::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_input::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_output::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_stdin::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_stdout::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_stderr::add_to_linker::<T, WasiCli>(l, T::cli)?;
    Ok(())
}
