//! Components that import folders and requests, embedded as the documentation of wasmtime-wasi and wasmtime-wasi-http
//! has it: asynchronously, on a runtime of tokio with its default settings.

use crate::embed::Mode;
use crate::sender::Sender;
use anyhow::{Context as _, Result, bail};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use tokio::runtime::Runtime;
use wasmtime::component::{Component, Func, InstancePre, Linker, ResourceTable, TypedFunc};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView, default_hooks};

/// How guests see the folder.
const GUEST: &str = "/data";

/// Which function. See `Kind` in the benchmarks for the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Granted,
    Get,
    Repeat,
    Read,
    Fill,
}

impl FromStr for Kind {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "Granted" => Ok(Self::Granted),
            "Get" => Ok(Self::Get),
            "Repeat" => Ok(Self::Repeat),
            "Read" => Ok(Self::Read),
            "Fill" => Ok(Self::Fill),
            _ => bail!("unknown kind {text}"),
        }
    }
}

impl Kind {
    /// The interface, where the function is in one, and the function.
    fn names(self) -> (Option<&'static str>, &'static str) {
        match self {
            Self::Granted => (None, "echo"),
            Self::Get => (Some("test:http/api@0.1.0"), "get"),
            Self::Repeat => (Some("test:http/api@0.1.0"), "repeat"),
            Self::Read => (Some("test:files/work@0.1.0"), "read"),
            Self::Fill => (Some("test:files/work@0.1.0"), "fill"),
        }
    }
}

/// The data of a store.
struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    /// In place of the default, where an authority of one's own is to be trusted.
    sender: Option<Sender>,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let hooks: &mut dyn WasiHttpHooks = match &mut self.sender {
            Some(sender) => sender,
            None => default_hooks(),
        };
        WasiHttpCtxView { hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

/// A function with its type checked.
enum Typed {
    Echo(TypedFunc<(Vec<u8>,), (Vec<u8>,)>),
    Text(TypedFunc<(String,), (Result<String, String>,)>),
    Texts(TypedFunc<(String, u32), (Result<String, String>,)>),
    Fill(TypedFunc<(String, u32), (Result<u32, String>,)>),
}

impl Typed {
    fn of(store: &Store<State>, func: Func, kind: Kind) -> Result<Self> {
        Ok(match kind {
            Kind::Granted => Self::Echo(func.typed(store)?),
            Kind::Get | Kind::Read => Self::Text(func.typed(store)?),
            Kind::Repeat => Self::Texts(func.typed(store)?),
            Kind::Fill => Self::Fill(func.typed(store)?),
        })
    }

    async fn call(&self, store: &mut Store<State>, arg: &[u8], count: u32) -> Result<Vec<u8>> {
        let text = || String::from_utf8(arg.to_vec());
        match self {
            Self::Echo(func) => Ok(func.call_async(store, (arg.to_vec(),)).await?.0),
            Self::Text(func) => {
                let found = func.call_async(store, (text()?,)).await?.0;
                Ok(found.map_err(anyhow::Error::msg)?.into_bytes())
            }
            Self::Texts(func) => {
                let found = func.call_async(store, (text()?, count)).await?.0;
                Ok(found.map_err(anyhow::Error::msg)?.into_bytes())
            }
            Self::Fill(func) => {
                let found = func.call_async(store, (text()?, count)).await?.0;
                Ok(found.map_err(anyhow::Error::msg)?.to_string().into_bytes())
            }
        }
    }
}

/// A loaded component.
pub struct Served {
    ready: Arc<Ready>,
    runtime: Runtime,
    warm: Option<(Store<State>, Typed)>,
}

/// All that a call needs.
struct Ready {
    mode: Mode,
    kind: Kind,
    engine: Engine,
    component: Component,
    linker: Linker<State>,
    pre: InstancePre<State>,
    arg: Vec<u8>,
    /// How often the function does what it does, where it is told.
    count: u32,
    folder: Option<PathBuf>,
    sender: Option<Sender>,
}

impl Served {
    /// Compiles and links it.
    pub fn new(mode: Mode, kind: Kind, component: &Path, mut args: Vec<Vec<u8>>) -> Result<Self> {
        if !matches!(mode, Mode::Stock | Mode::StockPre) {
            bail!("components with imports are embedded as they come");
        }
        let engine = Engine::new(&Config::default())?;
        let component = Component::from_file(&engine, component)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        let pre = linker.instantiate_pre(&component)?;
        let count = match kind {
            Kind::Repeat if args.len() > 1 => String::from_utf8(args.remove(1))?.parse()?,
            _ => 1,
        };
        let more = (args.len() > 1).then(|| args.remove(1));
        let arg = args.pop().context("no argument")?;
        let (folder, sender) = match (kind, more) {
            (Kind::Get | Kind::Repeat, authority) => (None, authority.map(Sender::trusting)),
            (_, folder) => (folder.map(String::from_utf8).transpose()?.map(PathBuf::from), None),
        };
        let ready = Ready { mode, kind, engine, component, linker, pre, arg, count, folder, sender };
        Ok(Self { ready: Arc::new(ready), runtime: Runtime::new()?, warm: None })
    }

    /// Does it once and gives the result.
    pub fn once(&mut self, work: &str) -> Result<Vec<u8>> {
        match work {
            "Fresh" => self.runtime.block_on(self.ready.fresh()),
            "Warm" => {
                let (mut store, func) = self.take_warm()?;
                let result = self.runtime.block_on(self.ready.call(&mut store, &func));
                self.warm = Some((store, func));
                result
            }
            _ => bail!("unknown work"),
        }
    }

    /// Does it several times, and how long that took in nanoseconds.
    pub fn run(&mut self, work: &str, count: u64) -> Result<u128> {
        if work == "Warm" {
            let (mut store, func) = self.take_warm()?;
            let start = Instant::now();
            for _ in 0..count {
                black_box(self.runtime.block_on(self.ready.call(&mut store, &func))?);
            }
            let took = start.elapsed();
            self.warm = Some((store, func));
            return Ok(took.as_nanos());
        }
        let start = Instant::now();
        for _ in 0..count {
            black_box(self.runtime.block_on(self.ready.fresh())?);
        }
        Ok(start.elapsed().as_nanos())
    }

    /// The same in fresh sandboxes, so many of them at once, each in a task.
    pub fn run_at_once(&self, count: u64, at_once: u64) -> Result<u128> {
        let start = Instant::now();
        let left = Arc::new(AtomicU64::new(count));
        let tasks: Vec<_> = (0..at_once)
            .map(|_| {
                let (ready, left) = (self.ready.clone(), left.clone());
                self.runtime.spawn(async move {
                    while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                        black_box(ready.fresh().await?);
                    }
                    Ok::<_, anyhow::Error>(())
                })
            })
            .collect();
        for task in tasks {
            self.runtime.block_on(task)??;
        }
        Ok(start.elapsed().as_nanos())
    }

    /// The sandbox that is kept, made when it is asked for first.
    fn take_warm(&mut self) -> Result<(Store<State>, Typed)> {
        match self.warm.take() {
            Some(warm) => Ok(warm),
            None => self.runtime.block_on(self.ready.sandbox()),
        }
    }
}

impl Ready {
    /// A new store and instance, and the function in it.
    async fn sandbox(&self) -> Result<(Store<State>, Typed)> {
        let mut wasi = WasiCtx::builder();
        if let Some(folder) = &self.folder {
            wasi.preopened_dir(folder, GUEST, FsPerms::ReadWrite)?;
        }
        let state = State {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            sender: self.sender.clone(),
        };
        let mut store = Store::new(&self.engine, state);
        let instance = match self.mode {
            Mode::StockPre => self.pre.instantiate_async(&mut store).await?,
            _ => self.linker.instantiate_async(&mut store, &self.component).await?,
        };
        let (interface, name) = self.kind.names();
        let within = match interface {
            Some(name) => Some(instance.get_export_index(&mut store, None, name).context("no such interface")?),
            None => None,
        };
        let index = instance.get_export_index(&mut store, within.as_ref(), name).context("no such function")?;
        let func = instance.get_func(&mut store, index).context("no such function")?;
        let typed = Typed::of(&store, func, self.kind)?;
        Ok((store, typed))
    }

    async fn call(&self, store: &mut Store<State>, func: &Typed) -> Result<Vec<u8>> {
        func.call(store, &self.arg, self.count).await
    }

    async fn fresh(&self) -> Result<Vec<u8>> {
        let (mut store, func) = self.sandbox().await?;
        self.call(&mut store, &func).await
    }
}
