//! What the engine's errors mean.

use super::meter::{Meter, Stop};
use rustix::io::Errno;
use vox_capabilities::files::OpenFolderError;
use vox_capabilities::subprocess::Unanswered;
use vox_inspect::docs::clean;
use vox_model::{Failure, Frame, Limit, Limits, Trap};
use wasmtime::component::ResourceTableError;
use wasmtime_wasi::I32Exit;

/// The longest name of a function that is shown, in characters. Names are the guest's own text.
const MAX_NAME: usize = 128;

/// The longest panic message that is shown, in characters.
const MAX_PANIC: usize = 2048;

/// Sorts an error of the engine into what happened. `stderr` is what the guest wrote there.
pub(crate) fn classify(error: &wasmtime::Error, meter: &Meter, stderr: &[u8]) -> Failure {
    let limits = meter.limits();
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return stopped(*stop, limits);
    }
    if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
        return Failure::Exit(u8::try_from(*status).unwrap_or(1));
    }
    if let Some(unanswered) = error.downcast_ref::<Unanswered>() {
        return unserved(unanswered);
    }
    if let Some(unopened) = error.downcast_ref::<OpenFolderError>() {
        return Failure::Setup(unopened.to_string());
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        let detail = "all sandboxes of this host are in use".to_owned();
        return Failure::Limit { limit: Limit::Sandboxes, detail };
    }
    if error.downcast_ref::<Errno>() == Some(&Errno::NOMEM) {
        let text = "the system gives no more memory to this process: free some, or raise its limit (ulimit -v)";
        return Failure::Setup(text.to_owned());
    }
    let trap = error.downcast_ref::<wasmtime::Trap>();
    if trap == Some(&wasmtime::Trap::StackOverflow) {
        let detail = "the guest recursed beyond its stack of 512 KiB".to_owned();
        return Failure::Limit { limit: Limit::Stack, detail };
    }
    // The text is the engine's: it has no type of its own for this error.
    let root = error.root_cause().to_string();
    if root.contains("fuel allocated for hostcalls has been exhausted") {
        let detail =
            format!("one value that crossed the border of the sandbox was larger than {}", bytes(limits.crossing()));
        return Failure::Limit { limit: Limit::Output, detail };
    }
    if root.contains("instance count too high")
        || root.contains("table count too high")
        || root.contains("memory count too high")
    {
        let detail = "the component makes more instances, memories or tables than one sandbox may".to_owned();
        return Failure::Limit { limit: Limit::Handles, detail };
    }
    if error.is::<ResourceTableError>() || (root.contains("handle") && root.contains("limit")) {
        let detail = "the guest held more than 1,024 handles".to_owned();
        return Failure::Limit { limit: Limit::Handles, detail };
    }
    match meter.refused() {
        // A guest that was refused memory and then traps died of it: allocators abort.
        Some(Limit::Memory) => memory(meter),
        Some(limit) => Failure::Limit { limit, detail: "the guest asked for more tables".to_owned() },
        None => Failure::Trap(Trap {
            message: clean(&trap.map_or(root, |trap| trap.to_string())),
            panic: panic_message(stderr),
            frames: frames(error),
        }),
    }
}

/// What it means for the call that a command did not answer.
fn unserved(unanswered: &Unanswered) -> Failure {
    match unanswered.clone() {
        Unanswered::Fault(fault) => Failure::Worker(fault),
        Unanswered::Limit { limit, text } => Failure::Limit { limit, detail: text },
        Unanswered::Unavailable(text) => Failure::Setup(text),
    }
}

fn stopped(stop: Stop, limits: &Limits) -> Failure {
    match stop {
        Stop::Cancelled => Failure::Cancelled,
        Stop::Time => out_of_time(limits),
        Stop::Cpu => {
            Failure::Limit { limit: Limit::Cpu, detail: format!("the guest computed for more than {:?}", limits.cpu) }
        }
    }
}

/// The failure of a call that ran, or waited, until its time was over.
pub(crate) fn out_of_time(limits: &Limits) -> Failure {
    Failure::Limit { limit: Limit::Time, detail: format!("the call took longer than {:?}", limits.time) }
}

fn memory(meter: &Meter) -> Failure {
    Failure::Limit {
        limit: Limit::Memory,
        detail: format!(
            "the guest had {} and asked for more, at most {} is allowed",
            bytes(meter.memory()),
            bytes(meter.limits().memory)
        ),
    }
}

/// A number of bytes for people.
fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} bytes"),
        1024..0x10_0000 => format!("{} KiB", count >> 10),
        _ => format!("{} MiB", count >> 20),
    }
}

/// The message of a Rust panic in what the guest wrote to standard error, else the last thing it wrote there.
fn panic_message(stderr: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(stderr);
    let text = text.trim_end();
    let start = text.rfind("panicked at").map_or_else(
        || text.rfind('\n').map_or(0, |newline| newline + 1),
        |at| text[..at].rfind('\n').map_or(0, |newline| newline + 1),
    );
    let message: String = text[start..]
        .lines()
        .filter(|line| !line.starts_with("note: run with `RUST_BACKTRACE"))
        .collect::<Vec<_>>()
        .join("\n");
    let message: String = message.chars().take(MAX_PANIC).collect();
    (!message.is_empty()).then(|| clean(&message))
}

fn frames(error: &wasmtime::Error) -> Vec<Frame> {
    let trace = error.downcast_ref::<wasmtime::WasmBacktrace>();
    let frame = |frame: &wasmtime::FrameInfo| {
        let name = frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), shortened);
        Frame { function: one_line(&name), module: frame.module().name().map(one_line) }
    };
    let all: Vec<Frame> = trace.map(|t| t.frames().iter().map(frame).collect()).unwrap_or_default();
    trimmed(all)
}

/// A name of the guest's, cut and escaped; line breaks too, or it could write lines of its own into a message.
fn one_line(name: &str) -> String {
    clean(&name.chars().take(MAX_NAME).collect::<String>()).replace('\n', "\\n")
}

/// Leaves out the machinery of a panic and of the bindings: a person looks for their own functions.
fn trimmed(frames: Vec<Frame>) -> Vec<Frame> {
    let machinery = |frame: &Frame| {
        let name = frame.function.as_str();
        ["rust_panic", "__rust", "rust_begin_unwind", "9panicking", "3std3sys", "abort", "cabi_realloc"]
            .iter()
            .any(|part| name.contains(part))
    };
    let own: Vec<Frame> = frames.iter().filter(|f| !machinery(f)).cloned().collect();
    if own.is_empty() { frames } else { own }
}

/// Takes the hash off a Rust symbol (`_ZN…17h<16 digits>E`), which says nothing to anybody; the rest stays as the
/// guest wrote it, because the product build has no shortenedr (docs/adr/0002-engine.md).
fn shortened(name: &str) -> String {
    match name.strip_suffix('E').and_then(|name| name.rsplit_once("17h")) {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => path.to_owned(),
        _ => name.to_owned(),
    }
}
