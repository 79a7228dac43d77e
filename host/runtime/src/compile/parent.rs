//! Starting the compiler process and not trusting it.

use std::ffi::OsString;
use std::io::{Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How code is compiled.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// In a child process with limits: this program, started with these arguments, must call
    /// [`compile_child`](crate::compile_child) with the arguments that follow.
    Child {
        /// The program.
        program: PathBuf,
        /// What makes it the compiler.
        arguments: Vec<OsString>,
    },
    /// In this process, without limits. For programs that load only components they trust, and for tests.
    #[cfg(feature = "compiler")]
    InProcess,
    /// Not at all: only what the cache holds can run.
    None,
}

/// What a compilation may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Bytes of address space.
    pub memory: u64,
    /// Wall-clock and processor time, each.
    pub time: Duration,
}

impl CompileLimits {
    /// The limits for a component of this size: 1 GiB and 20 seconds, and for those above 4 MiB, which hold
    /// language interpreters, 3 GiB and 90 seconds.
    pub fn for_size(bytes: u64) -> Self {
        match bytes > 4 << 20 {
            false => Self { memory: 1 << 30, time: Duration::from_secs(20) },
            true => Self { memory: 3 << 30, time: Duration::from_secs(90) },
        }
    }
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler refuses the component.
    #[error("the component does not compile: {0}")]
    Rejected(String),
    /// It used more than it may.
    #[error("compiling the component took more than {0}")]
    Limit(String),
    /// The compiler process ended without an answer.
    #[error("the compiler process ended with {0}: the component is rejected")]
    Died(String),
    /// The compiler process could not be started or talked to.
    #[error("the compiler process cannot be run: {0}")]
    Unavailable(String),
    /// This host compiles nothing.
    #[error("the component is not in the cache, and this host does not compile")]
    NoCompiler,
}

impl Compiler {
    /// Compiles a component.
    ///
    /// # Errors
    /// See [`CompileError`].
    pub fn compile(&self, component: &[u8], limits: CompileLimits) -> Result<Vec<u8>, CompileError> {
        match self {
            Self::Child { program, arguments } => {
                let mut command = Command::new(program);
                command.args(arguments);
                in_child(command, component, limits)
            }
            #[cfg(feature = "compiler")]
            Self::InProcess => crate::wasm::engine::compiler()
                .and_then(|engine| engine.precompile_component(component))
                .map_err(|error| CompileError::Rejected(format!("{error:#}"))),
            Self::None => Err(CompileError::NoCompiler),
        }
    }
}

#[cfg(not(feature = "compiler"))]
fn in_child(_: Command, _: &[u8], _: CompileLimits) -> Result<Vec<u8>, CompileError> {
    Err(CompileError::NoCompiler)
}

#[cfg(feature = "compiler")]
fn in_child(mut command: Command, component: &[u8], limits: CompileLimits) -> Result<Vec<u8>, CompileError> {
    let told = super::child::Limits { memory: limits.memory, cpu_seconds: limits.time.as_secs().max(1) };
    command.args(told.to_args()).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| CompileError::Unavailable(format!("{}: {error}", command.get_program().display())))?;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        // The child reads all before it writes anything, yet it may also die at once: then writing fails, and
        // its status says why.
        scope.spawn(move || input.map(|mut pipe| pipe.write_all(component)));
        let code = scope.spawn(move || read_capped(output, 1 << 30));
        let message = scope.spawn(move || read_capped(errors, 16 << 10));
        let status = wait(&mut child, limits.time);
        let code = code.join().unwrap_or_default();
        let message = message.join().unwrap_or_default();
        answer(status?, code, &message, limits)
    })
}

fn read_capped(pipe: Option<impl Read>, cap: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(cap).read_to_end(&mut bytes);
    }
    bytes
}

/// Waits for the child and kills it when its time is over.
fn wait(child: &mut Child, time: Duration) -> Result<ExitStatus, CompileError> {
    let until = Instant::now() + time;
    let mut pause = Duration::from_micros(200);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < until => {}
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(CompileError::Limit(format!("{time:?}")));
            }
            Err(error) => return Err(CompileError::Unavailable(error.to_string())),
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

fn answer(status: ExitStatus, code: Vec<u8>, message: &[u8], limits: CompileLimits) -> Result<Vec<u8>, CompileError> {
    let message = vox_inspect::docs::clean(&String::from_utf8_lossy(message).replace('\n', " "));
    match status.code() {
        // The parent will sign this: it must at least be what it is signed as.
        Some(0) if is_component_code(&code) => Ok(code),
        Some(0) => Err(CompileError::Died("an answer that is not compiled code".to_owned())),
        Some(1) => Err(CompileError::Rejected(message)),
        _ => {
            use std::os::unix::process::ExitStatusExt as _;
            // SIGKILL and SIGXCPU come from the CPU limit, SIGABRT from an allocation beyond the memory limit.
            match status.signal() {
                Some(9 | 24) => Err(CompileError::Limit(format!("{:?} of CPU time", limits.time))),
                Some(6) => Err(CompileError::Limit(format!("{} MiB of memory", limits.memory >> 20))),
                _ => Err(CompileError::Died(status.to_string())),
            }
        }
    }
}

fn is_component_code(code: &[u8]) -> bool {
    wasmtime::Engine::detect_precompiled(code) == Some(wasmtime::Precompiled::Component)
}
