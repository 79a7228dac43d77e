//! The compiler's own process: one component in, one artefact out.

use crate::wasm::engine;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};

/// What the parent says about limits, on the command line: they are not secret and not hostile.
pub(super) struct Limits {
    pub(super) memory: u64,
    pub(super) cpu_seconds: u64,
}

impl Limits {
    pub(super) fn to_args(&self) -> [String; 2] {
        [self.memory.to_string(), self.cpu_seconds.to_string()]
    }

    fn from_args(args: &[String]) -> Option<Self> {
        match args {
            [memory, cpu] => Some(Self { memory: memory.parse().ok()?, cpu_seconds: cpu.parse().ok()? }),
            _ => None,
        }
    }
}

/// Runs the compiler process: takes limits from `args`, a component from `input`, and writes compiled code to
/// `output`. Gives the exit status; what went wrong stands on `errors`.
///
/// Called by the program that the host starts again as its compiler, before anything else happens in it.
pub fn compile_child(args: &[String], input: &mut dyn Read, output: &mut dyn Write, errors: &mut dyn Write) -> u8 {
    match compile(args, input, output) {
        Ok(()) => 0,
        Err(error) => {
            let _ = write!(errors, "{error}");
            1
        }
    }
}

fn compile(args: &[String], input: &mut dyn Read, output: &mut dyn Write) -> Result<(), String> {
    let limits = Limits::from_args(args).ok_or("the compiler process needs its limits")?;
    confine(&limits).map_err(|error| format!("the limits cannot be set: {error}"))?;
    let mut component = Vec::new();
    input.read_to_end(&mut component).map_err(|error| error.to_string())?;
    let engine = engine::compiler().map_err(|error| format!("{error:#}"))?;
    let code = engine.precompile_component(&component).map_err(|error| format!("{error:#}"))?;
    output.write_all(&code).map_err(|error| error.to_string())
}

/// Limits of the process itself: they hold whatever the code generator does. Where it was started under a stricter one,
/// that stays.
fn confine(limits: &Limits) -> rustix::io::Result<()> {
    let confined = |resource, limit: u64| {
        let limit = Some(getrlimit(resource).maximum.map_or(limit, |maximum| maximum.min(limit)));
        setrlimit(resource, Rlimit { current: limit, maximum: limit })
    };
    confined(Resource::As, limits.memory)?;
    confined(Resource::Cpu, limits.cpu_seconds)?;
    confined(Resource::Core, 0)?;
    confined(Resource::Fsize, 0)
}
