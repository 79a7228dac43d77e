//! Base WASI, linked without effect.
//!
//! Language runtimes import clocks, randomness, standard streams and file systems whether a program uses them or
//! not. They are always linked, and what they reach is nothing: no folders, no environment, frozen clocks, an
//! empty standard input, and output into capped buffers. Randomness alone is real, because a predictable source
//! that looks like a random one is worse than either; a skill that draws on it is merely not deterministic.
//! Sockets are not linked at all.

mod stdio;

pub use stdio::Sink;

use std::time::Duration;
use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, ResourceTable, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_io::bindings::wasi::io;

/// Resources that the host keeps for a guest, such as streams and pollables (`docs/limits.md`, "Handles").
const MAX_RESOURCES: usize = 1024;

/// Bytes of randomness in one request.
const MAX_RANDOM: u64 = 64 << 10;

/// What a program is started with.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// Arguments, the program's own name first.
    pub arguments: Vec<String>,
    /// Standard input, whole.
    pub input: Vec<u8>,
}

/// The WASI side of one call.
pub struct BaseState {
    ctx: WasiCtx,
    table: ResourceTable,
    /// What the guest writes to standard output.
    pub stdout: Sink,
    /// What the guest writes to standard error.
    pub stderr: Sink,
}

impl BaseState {
    /// The state of a fresh call.
    pub fn new(invocation: &Invocation, stdout: Sink, stderr: Sink) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let ctx = WasiCtx::builder()
            .args(&invocation.arguments)
            .stdin(MemoryInputPipe::new(invocation.input.clone()))
            .stdout(stdout.clone())
            .stderr(stderr.clone())
            .wall_clock(Frozen)
            .monotonic_clock(Frozen)
            .max_random_size(MAX_RANDOM)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        Self { ctx, table, stdout, stderr }
    }
}

impl WasiView for BaseState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.ctx, table: &mut self.table }
    }
}

/// Clocks that stand still at their origin, so that a skill without the grant `clock` can measure nothing.
struct Frozen;

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1_000_000
    }
    fn now(&self) -> u64 {
        0
    }
}

/// What the stream interfaces see of a call: its table of resources and nothing else.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links base WASI, interface by interface; sockets are left out on purpose.
///
/// # Errors
/// An interface was linked already.
pub fn link<T: WasiView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let l = linker;
    io::error::add_to_linker::<T, Table>(l, |t| t.ctx().table)?;
    io::poll::add_to_linker::<T, Table>(l, |t| t.ctx().table)?;
    io::streams::add_to_linker::<T, Table>(l, |t| t.ctx().table)?;
    clocks::wall_clock::add_to_linker::<T, WasiClocks>(l, T::clocks)?;
    clocks::monotonic_clock::add_to_linker::<T, WasiClocks>(l, T::clocks)?;
    filesystem::preopens::add_to_linker::<T, WasiFilesystem>(l, T::filesystem)?;
    filesystem::types::add_to_linker::<T, WasiFilesystem>(l, T::filesystem)?;
    random::random::add_to_linker::<T, WasiRandom>(l, |t| t.ctx().ctx.random())?;
    random::insecure::add_to_linker::<T, WasiRandom>(l, |t| t.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<T, WasiRandom>(l, |t| t.ctx().ctx.random())?;
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
