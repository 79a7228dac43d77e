//! The ways of embedding.

use crate::calls::{Args, Kind, Typed};
use anyhow::{Context as _, Result, bail};
use std::hint::black_box;
use std::path::Path;
use std::str::FromStr;
use std::time::Instant;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, ResourceTable};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// See `Mode` in the benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Stock,
    StockPre,
    Tuned,
    Val,
}

impl FromStr for Mode {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "Stock" => Ok(Self::Stock),
            "StockPre" => Ok(Self::StockPre),
            "Tuned" => Ok(Self::Tuned),
            "Val" => Ok(Self::Val),
            _ => bail!("unknown mode {text}"),
        }
    }
}

/// What the settings of the tuned mode are, for the record.
pub fn about() -> String {
    let scan = if swap_is_off() { "on" } else { "off" };
    format!(
        "wasmtime 48.0.8; stock: default features, Config::default(); tuned: pool of 256, concurrency_support(false), \
         pagemap_scan {scan}, 256 KiB kept resident, no epochs, no limits"
    )
}

/// A component that asks for nothing has no WASI context made for it.
pub struct State(Option<Box<(WasiCtx, ResourceTable)>>);

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let both = self.0.get_or_insert_with(|| Box::new((WasiCtx::builder().build(), ResourceTable::new())));
        WasiCtxView { ctx: &mut both.0, table: &mut both.1 }
    }
}

/// A loaded component.
pub struct Loaded {
    mode: Mode,
    kind: Kind,
    engine: Engine,
    bytes: Vec<u8>,
    component: Component,
    linker: Linker<State>,
    pre: InstancePre<State>,
    index: ComponentExportIndex,
    args: Args,
    warm: Option<(Store<State>, Typed)>,
}

impl Loaded {
    /// Compiles and links it.
    pub fn new(mode: Mode, kind: Kind, component: &Path, args: Vec<Vec<u8>>) -> Result<Self> {
        let engine = Engine::new(&config(mode))?;
        let bytes = std::fs::read(component)?;
        let component = Component::new(&engine, &bytes)?;
        let linker = linker(&engine, &component)?;
        let pre = linker.instantiate_pre(&component)?;
        let (interface, name) = kind.names();
        let instance = interface.and_then(|interface| component.get_export_index(None, interface));
        let index = component.get_export_index(instance.as_ref(), name).context("no such function")?;
        Ok(Self { mode, kind, engine, bytes, component, linker, pre, index, args: Args::new(args), warm: None })
    }

    /// How it is embedded.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// A new store and instance, and the function in it.
    fn sandbox(&self) -> Result<(Store<State>, Typed)> {
        let mut store = Store::new(&self.engine, State(None));
        if matches!(self.mode, Mode::StockPre | Mode::Tuned) {
            let instance = self.pre.instantiate(&mut store)?;
            let func = instance.get_func(&mut store, self.index).context("no such function")?;
            let typed = Typed::of(&store, func, self.kind, false)?;
            return Ok((store, typed));
        }
        let instance = self.linker.instantiate(&mut store, &self.component)?;
        let (interface, name) = self.kind.names();
        let within = match interface {
            Some(interface) => {
                Some(instance.get_export_index(&mut store, None, interface).context("no such interface")?)
            }
            None => None,
        };
        let index = instance.get_export_index(&mut store, within.as_ref(), name).context("no such function")?;
        let func = instance.get_func(&mut store, index).context("no such function")?;
        let typed = Typed::of(&store, func, self.kind, self.mode == Mode::Val)?;
        Ok((store, typed))
    }

    /// A call in a new sandbox.
    pub fn fresh(&self) -> Result<Vec<u8>> {
        let (mut store, func) = self.sandbox()?;
        func.call(&mut store, self.args)
    }

    /// A live sandbox after one call.
    pub fn live(&self) -> Result<Store<State>> {
        let (mut store, func) = self.sandbox()?;
        func.call(&mut store, self.args)?;
        Ok(store)
    }

    /// A call in the sandbox that is kept.
    pub fn warm(&mut self) -> Result<Vec<u8>> {
        if self.warm.is_none() {
            self.warm = Some(self.sandbox()?);
        }
        let (store, func) = self.warm.as_mut().context("no sandbox")?;
        func.call(store, self.args)
    }

    /// Calls in the sandbox that is kept, and how long they took in nanoseconds.
    pub fn warm_batch(&mut self, count: u64) -> Result<u128> {
        self.warm()?;
        let (store, func) = self.warm.as_mut().context("no sandbox")?;
        let start = Instant::now();
        for _ in 0..count {
            black_box(func.call(store, self.args)?);
        }
        Ok(start.elapsed().as_nanos())
    }

    /// Compiles the component again, links it and calls it once.
    pub fn compile(&self) -> Result<Vec<u8>> {
        let component = Component::new(&self.engine, &self.bytes)?;
        let linker = linker(&self.engine, &component)?;
        let pre = linker.instantiate_pre(&component)?;
        let (interface, name) = self.kind.names();
        let instance = interface.and_then(|interface| component.get_export_index(None, interface));
        let index = component.get_export_index(instance.as_ref(), name).context("no such function")?;
        let mut store = Store::new(&self.engine, State(None));
        let instance = pre.instantiate(&mut store)?;
        let func = instance.get_func(&mut store, index).context("no such function")?;
        Typed::of(&store, func, self.kind, false)?.call(&mut store, self.args)
    }
}

fn config(mode: Mode) -> Config {
    let mut config = Config::default();
    if mode == Mode::Tuned {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(256).total_core_instances(1024).total_memories(512).total_tables(1024);
        if swap_is_off() {
            pool.pagemap_scan(Enabled::Auto).linear_memory_keep_resident(256 << 10).table_keep_resident(64 << 10);
        }
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool)).concurrency_support(false);
    }
    config
}

/// The page scan is unsound where a written page may be swapped out.
fn swap_is_off() -> bool {
    std::fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() <= 1)
}

/// WASI only where something is imported.
fn linker(engine: &Engine, component: &Component) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    if component.component_type().imports(engine).len() > 0 {
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    }
    Ok(linker)
}
