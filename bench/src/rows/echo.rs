//! Bytes in and out.

use crate::contenders::child::{Kind, Mode, Remote, Work, remote};
use crate::contenders::local::NativeEcho;
use crate::contenders::vox;
use crate::context::Context;
use crate::guests;
use crate::inputs::noise;
use crate::model::Row;
use crate::runner::{Contender, Plan};
use anyhow::Result;
use std::path::Path;
use std::time::{Duration, Instant};
use vox_model::Limits;
use vox_runtime::Host;

const SIZES: [(usize, &str); 5] =
    [(1 << 10, "1 KB"), (64 << 10, "64 KB"), (1 << 20, "1 MB"), (16 << 20, "16 MB"), (64 << 20, "64 MB")];

/// Where dynamic values need gigabytes.
const LARGEST_VAL: usize = 1 << 20;

/// All sizes.
pub fn rows(context: &Context) -> Result<Vec<Row>> {
    let host = context.host()?;
    let component = context.file("echo.wasm", &guests::echo()?)?;
    SIZES.iter().map(|(size, label)| row(context, &host, &component, *size, label)).collect()
}

/// The default limits, raised where the payload itself is larger.
fn limits(size: usize) -> Limits {
    let default = Limits::default();
    let size = size as u64;
    Limits {
        memory: default.memory.max(size + (1 << 20)),
        output: if size > 4 << 20 { size + (1 << 20) } else { default.output },
        ..default
    }
}

fn row(context: &Context, host: &Host, component: &Path, size: usize, label: &str) -> Result<Row> {
    let input = noise(size);
    let limits = limits(size);
    let mut plan = Plan::new("echo", format!("bytes echo, {label}: `list<u8>` in and out"));
    let program = vox::open(host, &component.display().to_string(), limits)?;
    plan.add("vox, a kept sandbox", vox::echo(program, "echo", &input, true));
    plan.add("native function that copies in and out", Ok(Box::new(Native::new(&input))));
    if size == 1 << 20 {
        // At least 60 % of its throughput.
        plan.floor(0.6);
    }
    plan.add("vox, a kept sandbox, `vox:skill/transform`", vox::echo(program, "run", &input, true));
    plan.add("vox, a fresh sandbox", vox::echo(program, "echo", &input, false));
    for (label, mode, work) in [
        ("stock wasmtime, the same instance", Mode::Stock, Work::Warm),
        ("stock wasmtime, a new instance", Mode::Stock, Work::Fresh),
        ("stock wasmtime, the same instance, dynamic values", Mode::Val, Work::Warm),
    ] {
        if mode == Mode::Val && size > LARGEST_VAL {
            plan.add(label, Err(anyhow::anyhow!("a value for each byte would take gigabytes")));
            continue;
        }
        plan.add(label, remote(context.stock(), (mode, Kind::Echo, work), component, &[&input]).map(Remote::boxed));
    }
    plan.note(format!(
        "Limits of vox: memory {} MiB, output {} MiB. What comes out is what goes in next, so that only copies of the call count.",
        limits.memory >> 20,
        limits.output >> 20
    ));
    Ok(plan.run(context.settings))
}

/// The native echo, played as vox's is.
struct Native {
    echo: NativeEcho,
    ball: Vec<u8>,
}

impl Native {
    fn new(input: &[u8]) -> Self {
        Self { echo: NativeEcho::new(input.len()), ball: input.to_vec() }
    }
}

impl Contender for Native {
    fn once(&mut self) -> Result<Vec<u8>> {
        self.ball = self.echo.call(&self.ball);
        Ok(self.ball.clone())
    }

    fn batch(&mut self, count: u64) -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..count {
            self.ball = self.echo.call(&self.ball);
        }
        Ok(start.elapsed())
    }
}
