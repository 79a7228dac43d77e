//! The checks of the wasm tier. Guests that misbehave in every known way run against a host of their own.

use super::system;
use crate::cache::Cache;
use crate::wasm::engine::{POOL_MEMORY, TICK};
use crate::{Compiler, Host, Program};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vox_capabilities::Granted;
use vox_model::{Artifact, Failure, Library, LibraryError, Limit, Limits, Part, SkillRef, Value};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should.
    Good,
    /// Slower or narrower than it could be, and safe.
    Note,
    /// A limit or a guard does not hold: nothing should be served here.
    Bad,
}

/// One check.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it ended.
    pub state: State,
    /// What was found.
    pub detail: String,
    /// What would change it, where something would.
    pub help: Option<String>,
}

impl Check {
    fn new(name: &'static str, good: bool, detail: impl Into<String>) -> Self {
        let state = if good { State::Good } else { State::Bad };
        Self { name, state, detail: detail.into(), help: None }
    }
}

/// The limits that the misbehaving guests run under: small, so that the check is quick.
fn limits() -> Limits {
    Limits { memory: 16 << 20, time: Duration::from_millis(100), cpu: Duration::from_secs(5), output: 64 << 10 }
}

/// Runs all checks of the wasm tier. Takes about a second.
pub fn check(compiler: Compiler) -> Vec<Check> {
    let mut checks = vec![engine(), recycling()];
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            checks.push(Check::new("self-check", false, format!("no temporary folder: {error}")));
            return checks;
        }
    };
    let host = Cache::open(folder.path()).map_err(|error| error.to_string()).and_then(|cache| {
        let builder = Host::builder().cache(cache).compiler(compiler).library(Arc::new(Guests::new()));
        builder.sandboxes(2).build().map_err(|error| error.to_string())
    });
    let host = match host {
        Ok(host) => host,
        Err(error) => {
            checks.push(Check::new("engine starts", false, error));
            return checks;
        }
    };
    checks.push(ticker(&host));
    checks.extend([
        ends(&host, "a spinning guest ends", "spin", "spin", Limit::Time),
        ends(&host, "a growing guest ends", "grow", "grow", Limit::Memory),
        ends(&host, "a waiting guest ends", "wait", "wait", Limit::Time),
        ends(&host, "a guest that leaks handles ends", "wait", "leak", Limit::Handles),
        canary(&host),
        full_pool(&host),
        tampered(&host, folder.path()),
        other_files(&host),
    ]);
    checks
}

fn engine() -> Check {
    let version = env!("VOX_ENGINE_VERSION");
    Check::new("engine version", version != "unknown", format!("wasmtime {version}, at least 48.0.8 is required"))
}

fn recycling() -> Check {
    let scan = system::page_scan_is_sound();
    let detail = match (scan, system::swap_is_off()) {
        (true, _) => "swap is off and the kernel can scan pages: sandboxes are cleaned in place",
        (false, true) => "the kernel cannot scan pages (Linux 6.7 can): sandboxes are given back to the system",
        (false, false) => "swap is on: sandboxes are given back to the system after each call",
    };
    Check {
        name: "recycling of sandboxes",
        state: if scan { State::Good } else { State::Note },
        detail: detail.to_owned(),
        help: (!scan).then(|| "fresh calls are about twice as fast with swap off: swapoff -a".to_owned()),
    }
}

/// The epoch must go on whatever the threads of this process do.
fn ticker(host: &Host) -> Check {
    let limits = Limits { time: TICK * 8, ..limits() };
    let started = Instant::now();
    let stopped = run(host, "spin", "spin", limits);
    let took = started.elapsed();
    let good = matches!(stopped, Ok(Err(Failure::Limit { limit: Limit::Time, .. }))) && took < Duration::from_secs(1);
    Check::new("ticker", good, format!("a limit of {:?} ended a spinning guest after {took:.0?}", limits.time))
}

fn open(host: &Host, skill: &str, limits: Limits) -> Result<Program, String> {
    let reference = SkillRef::Bundle(skill.to_owned());
    host.open(&reference, &Granted::default(), limits).map_err(|error| error.to_string())
}

type Ended = Result<Result<Option<Value>, Failure>, String>;

fn run(host: &Host, skill: &str, function: &str, limits: Limits) -> Ended {
    let program = open(host, skill, limits)?;
    let callable = program.function(function).map_err(|error| error.to_string())?;
    Ok(callable.call(vec![]).result)
}

fn ends(host: &Host, name: &'static str, skill: &str, function: &str, limit: Limit) -> Check {
    let started = Instant::now();
    match run(host, skill, function, limits()) {
        Ok(Err(Failure::Limit { limit: hit, detail })) if hit == limit => {
            Check::new(name, true, format!("after {:.0?}: {detail}", started.elapsed()))
        }
        Ok(Err(other)) => Check::new(name, false, format!("for another reason: {other}")),
        Ok(Ok(_)) => Check::new(name, false, "it returned"),
        Err(error) => Check::new(name, false, error),
    }
}

/// One hundred sandboxes in the same slots: none may see what another left.
fn canary(host: &Host) -> Check {
    let name = "recycled memory is clean";
    let program = match open(host, "canary", Limits::default()) {
        Ok(program) => program,
        Err(error) => return Check::new(name, false, error),
    };
    let Ok(callable) = program.function("leftovers") else {
        return Check::new(name, false, "the guest lacks its function");
    };
    for round in 0..100 {
        match callable.call(vec![]).result {
            Ok(Some(Value::U32(0))) => {}
            other => return Check::new(name, false, format!("sandbox {round} found {other:?}")),
        }
    }
    Check::new(name, true, "100 sandboxes found nothing of each other")
}

/// More sandboxes than there are give "busy", not an error from deep inside.
fn full_pool(host: &Host) -> Check {
    let name = "a full pool says so";
    let program = match open(host, "answer", limits()) {
        Ok(program) => program,
        Err(error) => return Check::new(name, false, error),
    };
    let kept: Vec<_> = (0..2).map(|_| program.keep()).collect();
    let Ok(callable) = program.function("answer") else {
        return Check::new(name, false, "the guest lacks its function");
    };
    let outcome = callable.call(vec![]).result;
    let good = kept.iter().all(Result::is_ok) && matches!(outcome, Err(Failure::Limit { limit: Limit::Sandboxes, .. }));
    Check::new(name, good, format!("{} of 2 sandboxes in use", kept.iter().flatten().count()))
}

/// Code with one flipped bit must not be loaded.
fn tampered(host: &Host, root: &Path) -> Check {
    let name = "tampered code is refused";
    let spoilt = spoil(&root.join("v1"));
    let called = run(host, "answer", "answer", limits());
    let noticed = host.cache().is_some_and(|cache| !cache.notes().is_empty());
    let good = spoilt.is_ok() && noticed && matches!(called, Ok(Ok(Some(Value::U32(42)))));
    Check::new(name, good, "an entry with a flipped bit was put aside and compiled anew")
}

fn spoil(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("code-")) {
            let mut bytes = std::fs::read(&path)?;
            if let Some(byte) = bytes.get_mut(100) {
                *byte ^= 1;
            }
            std::fs::write(&path, bytes)?;
        }
    }
    Ok(())
}

/// Only binary components are components.
fn other_files(host: &Host) -> Check {
    let others = ["text", "module", "native"];
    let passed: Vec<_> = others.iter().filter(|name| open(host, name, limits()).is_ok()).collect();
    Check::new(
        "only components are loaded",
        passed.is_empty(),
        format!("text, a core module and precompiled code: {} of 3 refused", 3 - passed.len()),
    )
}

/// The guests as a library, so that they go the same way as every skill.
struct Guests(Vec<Part>);

impl Guests {
    fn new() -> Self {
        let native = [&b"\x7fELF"[..], &[0; 64]].concat();
        let guests: [(&str, &[u8]); 8] = [
            ("answer", include_bytes!(concat!(env!("OUT_DIR"), "/answer.wasm"))),
            ("spin", include_bytes!(concat!(env!("OUT_DIR"), "/spin.wasm"))),
            ("grow", include_bytes!(concat!(env!("OUT_DIR"), "/grow.wasm"))),
            ("canary", include_bytes!(concat!(env!("OUT_DIR"), "/canary.wasm"))),
            ("wait", include_bytes!(concat!(env!("OUT_DIR"), "/wait.wasm"))),
            ("text", b"(component)"),
            ("module", b"\0asm\x01\0\0\0"),
            ("native", &native),
        ];
        Self(guests.iter().map(|(name, bytes)| part(name, bytes)).collect())
    }
}

fn part(name: &str, bytes: &[u8]) -> Part {
    Part {
        name: name.to_owned(),
        description: String::new(),
        interface: String::new(),
        size: bytes.len() as u64,
        artifact: Artifact::new(name, crate::locate::digest(bytes), bytes.into()),
    }
}

impl Library for Guests {
    fn parts(&self) -> &[Part] {
        &self.0
    }
    fn link(&self, _: &[u8], _: &[String]) -> Result<Arc<[u8]>, LibraryError> {
        Err(LibraryError("the guests of the self-check import nothing".to_owned()))
    }
}

// The canary's memory has to come from the pool, or recycling would not be what is checked.
const _: () = assert!(8 << 20 <= POOL_MEMORY);
