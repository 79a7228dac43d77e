//! Memory of a live instance: the proportional share of a process that holds many, less what it had before.

use crate::contenders::child::{Kind, Mode, Remote, Work, remote, script};
use crate::contenders::vox;
use crate::context::Context;
use crate::inputs::TEXT;
use crate::model::{Entry, Floor, Row, Status, Unit};
use crate::stats::{median, ratio};
use anyhow::{Context as _, Result, bail};
use std::path::Path;
use std::process::Command;
use vox_model::Limits;

/// Live instances.
const COUNT: u32 = 200;

/// The word on the command line that makes this program one that is measured.
pub const MEASURED: &str = "__memory";

/// The most that an idle pure instance of vox may have.
const MOST: f64 = 64.0 * 1024.0;

/// Measures one kind of sandbox, in bytes.
type Way<'a> = Box<dyn Fn() -> Result<f64> + 'a>;

/// Measures everybody in a process of its own, in turn.
pub fn rows(context: &Context) -> Result<Vec<Row>> {
    let host = context.host()?;
    let ready = vox::open(&host, "regex", Limits::default()).map(|_| ());
    let stock = context
        .part(&host, "regex")
        .and_then(|path| remote(context.stock(), (Mode::Stock, Kind::Escape, Work::Fresh), &path, &[TEXT.as_bytes()]));
    let scripted = |mode| script(context.scripts(), mode, Work::Fresh, TEXT);
    let cache = context.temporary("cache");
    let kinds: [(&str, Way); 5] = [
        ("vox, a kept sandbox", Box::new(move || in_process(&cache))),
        ("stock wasmtime, a live store", remotely(stock)),
        ("Lua 5.4, a state", remotely(scripted(Mode::Lua))),
        ("QuickJS, a context of a shared runtime", remotely(scripted(Mode::QuickJsContext))),
        ("QuickJS, a runtime with a context", remotely(scripted(Mode::QuickJs))),
    ];
    let mut samples: Vec<Result<Vec<f64>>> = kinds.iter().map(|_| Ok(Vec::new())).collect();
    if let Err(error) = ready {
        samples[0] = Err(error);
    }
    for _ in 0..context.settings.rounds {
        for ((_, measure), samples) in kinds.iter().zip(&mut samples) {
            let Ok(list) = samples else { continue };
            match measure() {
                Ok(bytes) => list.push(bytes),
                Err(error) => *samples = Err(error),
            }
        }
    }
    let base = samples[0].as_ref().map(Clone::clone).unwrap_or_default();
    let entries =
        kinds.iter().zip(samples).enumerate().map(|(at, ((label, _), samples))| entry(at, label, samples, &base));
    Ok(vec![Row {
        name: "memory".to_owned(),
        title: "memory of a live idle instance after one call of `regex.escape`".to_owned(),
        unit: Unit::Bytes,
        entries: entries.collect(),
        notes: vec![format!("PSS of a process with {COUNT} of them, less its PSS with none, divided by {COUNT}.")],
    }])
}

fn entry(at: usize, label: &str, samples: Result<Vec<f64>>, base: &[f64]) -> Entry {
    let samples = match samples {
        Ok(samples) => samples,
        Err(error) => return Entry::without(label, Status::Skipped(format!("{error:#}"))),
    };
    Entry {
        value: Some(median(&samples)),
        ratio: (at > 0 && base.len() == samples.len()).then(|| ratio(base, &samples)),
        floor: (at == 0).then_some(Floor::ValueAtMost(MOST)),
        samples,
        ..Entry::without(label, Status::Measured)
    }
}

fn remotely(child: Result<Remote>) -> Box<dyn Fn() -> Result<f64>> {
    Box::new(move || match &child {
        Ok(child) => child.memory(COUNT),
        Err(error) => bail!("{error:#}"),
    })
}

fn in_process(cache: &Path) -> Result<f64> {
    let output = Command::new(std::env::current_exe()?).arg(MEASURED).arg(cache).output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Makes kept sandboxes and gives the memory of one.
///
/// # Errors
/// They cannot be made.
pub fn measure(cache: &Path) -> Result<f64> {
    let host = vox::host(cache, COUNT + 8)?;
    let program = vox::open(&host, "regex", Limits::default())?;
    let escape = program.function("escape")?;
    growth(|| {
        let mut kept = vox::keep(program)?;
        vox::call(&mut kept, &escape, vec![TEXT.into()])?;
        Ok(kept)
    })
}

/// How much one more instance adds. One is made and dropped before, so that what all share does not count.
fn growth<T>(mut make: impl FnMut() -> Result<T>) -> Result<f64> {
    drop(make()?);
    let mut live = Vec::with_capacity(COUNT as usize);
    let before = pss()?;
    for _ in 0..COUNT {
        live.push(make()?);
    }
    let after = pss()?;
    drop(live);
    Ok((after - before) / f64::from(COUNT))
}

/// The proportional share of this process in all memory, in bytes.
fn pss() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = text.lines().find(|line| line.starts_with("Pss:")).context("the kernel gives no PSS")?;
    let kib: f64 = line.split_whitespace().nth(1).context("PSS without a number")?.parse()?;
    Ok(kib * 1024.0)
}
