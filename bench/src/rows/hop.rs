//! One hop of a pipeline of 3 and of 10 stages.

use crate::contenders::child::{Kind, Mode, Work, remote};
use crate::contenders::local::{NativeEcho, local};
use crate::contenders::process::{Process, find};
use crate::context::Context;
use crate::guests;
use crate::model::Row;
use crate::runner::{Contender, Plan};
use anyhow::{Result, anyhow, bail};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use vox_model::{Limits, Value};
use vox_runtime::pipeline::Unattended;
use vox_runtime::pipeline::{self, Checked, Resolve};
use vox_runtime::{Granted, Host, Program};

/// What goes through, in bytes.
const INPUT: &[u8; 16] = b"sixteen bytes \"\"";

/// Both lengths.
pub fn rows(context: &Context) -> Result<Vec<Row>> {
    let host = context.host()?;
    let component = context.file("hop.wasm", &guests::echo()?)?;
    [3, 10].into_iter().map(|stages| row(context, &host, &component, stages)).collect()
}

fn row(context: &Context, host: &Host, component: &Path, stages: u32) -> Result<Row> {
    let mut plan =
        Plan::new("hop", format!("one hop of a pipeline of {stages} stages, 16 bytes")).per_call(f64::from(stages));
    plan.add("vox pipeline, every stage in a fresh sandbox", checked(host, component, stages));
    for (label, mode) in [
        ("stock wasmtime, every stage a new instance", Mode::Stock),
        ("wasmtime tuned by hand, every stage a new instance, no limits", Mode::Tuned),
    ] {
        let made = remote(context.stock(), (mode, Kind::Echo, Work::Fresh), component, &[INPUT]);
        plan.add(label, made.map(|made| made.stages(stages).boxed()));
    }
    plan.add("native functions that copy in and out", Ok(native(stages)));
    plan.add("processes: a pipe of jq", pipe_of_jq(stages));
    plan.incomparable();
    Ok(plan.run(context.settings))
}

/// Every stage is the same skill.
struct One(Arc<Program>);

impl Resolve for One {
    fn open(&mut self, _: &str) -> Result<Arc<Program>, (String, Option<String>)> {
        Ok(self.0.clone())
    }
}

fn checked(host: &Host, component: &Path, stages: u32) -> Result<Box<dyn Contender>> {
    let text = vec!["guest.echo"; stages as usize].join(" | ");
    let reference = component.display().to_string().parse()?;
    let program = Arc::new(host.open(&reference, &Granted::default(), Limits::default())?);
    let parsed = pipeline::parse(&text).map_err(|error| anyhow!("{error}"))?;
    let checked = pipeline::check(&text, &parsed, &mut One(program)).map_err(|error| anyhow!("{error}"))?;
    let bytes: fn(Value) -> Vec<u8> = |value| match value {
        Value::Bytes(bytes) => bytes,
        other => format!("{other:?}").into_bytes(),
    };
    Ok(local(move || run(&checked), bytes))
}

fn run(checked: &Checked) -> Result<Value> {
    match checked.run(Some(Value::Bytes(INPUT.to_vec())), &mut Unattended).1.result? {
        Some(value) => Ok(value),
        None => bail!("no value"),
    }
}

fn native(stages: u32) -> Box<dyn Contender> {
    let mut echo = NativeEcho::new(INPUT.len());
    let work = move || {
        let mut ball = INPUT.to_vec();
        for _ in 0..stages {
            ball = echo.call(black_box(&ball));
        }
        Ok(ball)
    };
    local(work, |ball| ball)
}

fn pipe_of_jq(stages: u32) -> Result<Box<dyn Contender>> {
    let jq = find("jq")?.display().to_string();
    let words = vec![format!("'{jq}' ."); stages as usize].join(" | ");
    let shell = find("sh")?;
    Ok(Process::new(&shell, ["-c", &format!("echo '\"sixteen bytes\"' | {words}")]).boxed())
}
