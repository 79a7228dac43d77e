//! vox itself, through its embedding API and with every limit armed.

use crate::contenders::local::{Timed, local};
use crate::runner::Contender;
use anyhow::{Context as _, Result, bail};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use vox_bundle::{Bundle, Linkable};
use vox_model::{Limits, Outcome, SkillRef, Value};
use vox_runtime::cache::Cache;
use vox_runtime::{CallOptions, Callable, Compiler, Granted, Host, Kept, Program, Services};

/// The first word on the command line that makes this program the compiler of its hosts.
pub const COMPILER: &str = "__compile";

/// Starts a host as the command line does: bundle, cache in this folder, compiler in a process of its own.
///
/// # Errors
/// The engine does not start.
pub fn host(cache: &Path, sandboxes: u32) -> Result<Host> {
    host_with(cache, sandboxes, Services::default())
}

/// [`host`], with what stands behind the capabilities.
///
/// # Errors
/// The engine does not start.
pub fn host_with(cache: &Path, sandboxes: u32, services: Services) -> Result<Host> {
    let bundle = match std::env::var_os("VOX_BUNDLE_DIR").map(PathBuf::from) {
        Some(folder) => &*Box::leak(Box::new(Bundle::from_dir(&folder)?)),
        None => Bundle::embedded(),
    };
    let compiler = Compiler::Child { program: std::env::current_exe()?, arguments: vec![COMPILER.into()] };
    Ok(Host::builder()
        .library(Arc::new(Linkable::new(bundle)))
        .cache(Cache::open(cache)?)
        .compiler(compiler)
        .sandboxes(sandboxes)
        .services(services)
        .build()?)
}

/// Opens a skill and keeps it for good.
///
/// # Errors
/// See [`vox_runtime::OpenError`].
pub fn open(host: &Host, skill: &str, limits: Limits) -> Result<&'static Program> {
    open_with(host, skill, &Granted::default(), limits)
}

/// Opens a skill with what it is granted and keeps it for good.
///
/// # Errors
/// See [`vox_runtime::OpenError`].
pub fn open_with(host: &Host, skill: &str, granted: &Granted, limits: Limits) -> Result<&'static Program> {
    let reference: SkillRef = skill.parse()?;
    if let SkillRef::Bundle(name) = &reference {
        part(host, name)?;
    }
    let program = host.open(&reference, granted, limits)?;
    Ok(Box::leak(Box::new(program)))
}

/// The bytes of a part of the bundle.
///
/// # Errors
/// The bundle was never built, or does not have it.
pub fn part(host: &Host, name: &str) -> Result<Arc<[u8]>> {
    let library = host.library().context("no library")?;
    if library.parts().is_empty() {
        bail!("the bundle was never built: cargo xtask bundle --fresh, or set VOX_BUNDLE_DIR");
    }
    let part = library.part(name).with_context(|| format!("the bundle has no {name}"))?;
    part.artifact.bytes().map_err(anyhow::Error::msg)
}

/// What a call gave.
fn value(outcome: Outcome) -> Result<Value> {
    match outcome.result? {
        Some(Value::Result(Ok(Some(value)))) => Ok(*value),
        Some(Value::Result(Err(error))) => bail!("the skill says {error:?}"),
        Some(value) => Ok(value),
        // A function without a result: nothing to compare.
        None => Ok(Value::Bytes(Vec::new())),
    }
}

fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.into_bytes(),
        Value::Bytes(bytes) => bytes,
        Value::U32(number) => number.to_string().into_bytes(),
        other => format!("{other:?}").into_bytes(),
    }
}

/// A fresh sandbox for every call.
///
/// # Errors
/// There is no such function.
pub fn fresh(program: &'static Program, function: &str, args: Vec<Value>) -> Result<Box<dyn Contender>> {
    let callable = program.function(function)?;
    Ok(local(move || value(callable.call(&args)), bytes))
}

/// A fresh sandbox for every call, so many calls at once, each on a thread.
///
/// # Errors
/// There is no such function.
pub fn crowd(program: &'static Program, function: &str, args: Vec<Value>, at_once: u32) -> Result<Box<dyn Contender>> {
    Ok(Box::new(Crowd { callable: program.function(function)?, args, at_once }))
}

struct Crowd {
    callable: Callable<'static>,
    args: Vec<Value>,
    at_once: u32,
}

impl Contender for Crowd {
    fn once(&mut self) -> Result<Vec<u8>> {
        value(self.callable.call(&self.args)).map(bytes)
    }

    fn batch(&mut self, count: u64) -> Result<Duration> {
        let start = Instant::now();
        let left = AtomicU64::new(count);
        let work = || {
            while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                black_box(value(self.callable.call(&self.args))?);
            }
            Ok::<_, anyhow::Error>(())
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.at_once).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a call panicked")))
        })?;
        Ok(start.elapsed())
    }
}

/// The same in tasks of one runtime, which has a thread for each processor.
///
/// # Errors
/// There is no such function, or the runtime does not start.
pub fn tasks(program: &'static Program, function: &str, args: Vec<Value>, at_once: u32) -> Result<Box<dyn Contender>> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    Ok(Box::new(Tasks { runtime, callable: program.function(function)?, args: args.into(), at_once }))
}

struct Tasks {
    runtime: Runtime,
    callable: Callable<'static>,
    args: Arc<[Value]>,
    at_once: u32,
}

impl Tasks {
    /// Makes calls until so many have begun.
    fn task(&self, left: Arc<AtomicU64>) -> impl Future<Output = Result<()>> + Send + 'static {
        let (callable, args) = (self.callable, self.args.clone());
        async move {
            while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                black_box(value(callable.call_async(&args[..], CallOptions::default()).await)?);
            }
            Ok(())
        }
    }
}

impl Contender for Tasks {
    fn once(&mut self) -> Result<Vec<u8>> {
        let call = self.callable.call_async(&self.args[..], CallOptions::default());
        value(self.runtime.block_on(call)).map(bytes)
    }

    fn batch(&mut self, count: u64) -> Result<Duration> {
        let start = Instant::now();
        let left = Arc::new(AtomicU64::new(count));
        let tasks: Vec<_> = (0..self.at_once).map(|_| self.runtime.spawn(self.task(left.clone()))).collect();
        tasks.into_iter().try_for_each(|task| self.runtime.block_on(task)?)?;
        Ok(start.elapsed())
    }
}

/// One kept sandbox for all calls.
///
/// # Errors
/// There is no such function, or the sandbox cannot be made.
pub fn warm(program: &'static Program, function: &str, args: Vec<Value>) -> Result<Box<dyn Contender>> {
    let callable = program.function(function)?;
    let mut kept = keep(program)?;
    Ok(local(move || value(kept.call(&callable, &args)), bytes))
}

/// A kept sandbox.
///
/// # Errors
/// The sandbox cannot be made.
pub fn keep(program: &'static Program) -> Result<Kept<'static>> {
    program.keep().map_err(|outcome| anyhow::anyhow!("no sandbox: {:?}", outcome.result))
}

/// Calls a function in a kept sandbox.
///
/// # Errors
/// The call fails.
pub fn call(kept: &mut Kept<'_>, callable: &Callable<'_>, args: Vec<Value>) -> Result<Value> {
    value(kept.call(callable, args))
}

/// The echo: what comes out goes in again, so that no copy is measured but those of the call.
///
/// # Errors
/// There is no such function, or the sandbox cannot be made.
pub fn echo(program: &'static Program, function: &str, input: &[u8], kept: bool) -> Result<Box<dyn Contender>> {
    let callable = program.function(function)?;
    let kept = if kept { Some(keep(program)?) } else { None };
    let stage = callable.function().params.len() == 2;
    Ok(Box::new(Echo { callable, kept, stage, ball: input.to_vec() }))
}

struct Echo {
    callable: Callable<'static>,
    kept: Option<Kept<'static>>,
    stage: bool,
    ball: Vec<u8>,
}

impl Echo {
    fn turn(&mut self) -> Result<()> {
        let ball = Value::Bytes(std::mem::take(&mut self.ball));
        // The stage takes settings besides.
        let args = if self.stage { vec![ball, Value::List(Vec::new())] } else { vec![ball] };
        let outcome = match &mut self.kept {
            Some(kept) => kept.call(&self.callable, args),
            None => self.callable.call(args),
        };
        self.ball = match outcome.result? {
            Some(Value::Bytes(ball)) => ball,
            // The stage answers with a result.
            Some(Value::Result(Ok(Some(value)))) => bytes(*value),
            other => bail!("the skill says {other:?}"),
        };
        Ok(())
    }
}

impl Contender for Echo {
    fn once(&mut self) -> Result<Vec<u8>> {
        self.turn()?;
        Ok(self.ball.clone())
    }

    fn batch(&mut self, count: u64) -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..count {
            self.turn()?;
        }
        Ok(start.elapsed())
    }
}

/// Opens a skill from a cache that holds it, and calls it once.
pub fn cached(host: Host, skill: &'static str, function: &'static str, args: Vec<Value>) -> Box<dyn Contender> {
    let open = move || -> Result<Value> { open_and_call(&host, skill, function, args.clone()) };
    local(open, bytes)
}

/// Opens a skill from an empty cache, compiling it, and calls it once. Making the host is not measured.
pub fn uncached(folder: PathBuf, skill: &'static str, function: &'static str, args: Vec<Value>) -> Box<dyn Contender> {
    let mut turn = 0;
    Box::new(Timed(move || {
        turn += 1;
        let cache = folder.join(format!("empty-{turn}"));
        let host = host(&cache, 2)?;
        let start = Instant::now();
        let found = open_and_call(&host, skill, function, args.clone())?;
        let took = start.elapsed();
        std::fs::remove_dir_all(&cache)?;
        Ok((took, bytes(found)))
    }))
}

fn open_and_call(host: &Host, skill: &str, function: &str, args: Vec<Value>) -> Result<Value> {
    let program = host.open(&skill.parse()?, &Granted::default(), Limits::default())?;
    value(program.function(function)?.call(args))
}
