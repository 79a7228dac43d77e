//! Stock wasmtime, asked over a pipe by the benchmarks: see `../../src/contenders/child.rs` for the protocol.

mod calls;
mod embed;
mod sender;
mod wasi;

use anyhow::{Context as _, Result, bail};
use embed::{Loaded, Mode};
use std::collections::HashMap;
use std::hint::black_box;
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::time::Instant;
use wasi::Served;

/// A component, in one of two ways: those that import folders and requests are called asynchronously.
enum Embedded {
    Plain(Box<Loaded>),
    Wasi(Box<Served>),
}

fn main() -> Result<()> {
    let mut loaded = HashMap::new();
    let mut output = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split('\t').collect();
        match answer(&words, &mut loaded) {
            Ok(value) => writeln!(output, "ok {value}")?,
            Err(error) => writeln!(output, "error {}", format!("{error:#}").replace('\n', " "))?,
        }
        output.flush()?;
    }
    Ok(())
}

fn answer(words: &[&str], all: &mut HashMap<String, Embedded>) -> Result<String> {
    match words {
        ["load", id, mode, kind, component, args @ ..] => {
            let args = args.iter().map(std::fs::read).collect::<Result<_, _>>()?;
            all.insert((*id).to_owned(), load(mode.parse()?, kind, Path::new(component), args)?);
            Ok(String::new())
        }
        ["once", id, work, file] => {
            let result = match all.get_mut(*id).context("no such component")? {
                Embedded::Plain(loaded) => once(loaded, work)?,
                Embedded::Wasi(served) => served.once(work)?,
            };
            std::fs::write(file, result)?;
            Ok(String::new())
        }
        ["run", id, work, count] => {
            let nanos = match all.get_mut(*id).context("no such component")? {
                Embedded::Plain(loaded) => run(loaded, work, count.parse()?)?,
                Embedded::Wasi(served) => served.run(work, count.parse()?)?,
            };
            Ok(nanos.to_string())
        }
        ["crowd", id, count, at_once] => {
            let Embedded::Wasi(served) = all.get(*id).context("no such component")? else {
                bail!("calls at once are measured of components that wait");
            };
            served.run_at_once(count.parse()?, at_once.parse()?).map(|nanos| nanos.to_string())
        }
        ["memory", id, count] => {
            let Embedded::Plain(loaded) = all.get(*id).context("no such component")? else {
                bail!("memory is measured of components without imports");
            };
            memory(loaded, count.parse()?).map(|bytes| bytes.to_string())
        }
        ["drop", id] => {
            all.remove(*id);
            Ok(String::new())
        }
        ["about"] => Ok(embed::about()),
        _ => bail!("unknown command"),
    }
}

fn load(mode: Mode, kind: &str, component: &Path, args: Vec<Vec<u8>>) -> Result<Embedded> {
    match kind.parse::<wasi::Kind>() {
        Ok(kind) => Ok(Embedded::Wasi(Box::new(Served::new(mode, kind, component, args)?))),
        Err(_) => Ok(Embedded::Plain(Box::new(Loaded::new(mode, kind.parse()?, component, args)?))),
    }
}

fn once(loaded: &mut Loaded, work: &str) -> Result<Vec<u8>> {
    match work {
        "Fresh" => loaded.fresh(),
        "Warm" => loaded.warm(),
        "Compile" => loaded.compile(),
        _ => bail!("unknown work"),
    }
}

fn run(loaded: &mut Loaded, work: &str, count: u64) -> Result<u128> {
    if work == "Warm" && loaded.mode() != Mode::Val {
        return loaded.warm_batch(count);
    }
    let start = Instant::now();
    for _ in 0..count {
        black_box(once(loaded, work)?);
    }
    Ok(start.elapsed().as_nanos())
}

/// Memory of one live instance after one call.
fn memory(loaded: &Loaded, count: u32) -> Result<f64> {
    drop(loaded.live()?);
    let before = pss()?;
    let live: Vec<_> = (0..count).map(|_| loaded.live()).collect::<Result<_>>()?;
    let after = pss()?;
    drop(live);
    Ok((after - before) / f64::from(count))
}

/// The proportional share of this process in all memory, in bytes.
fn pss() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = text.lines().find(|line| line.starts_with("Pss:")).context("no Pss")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kib * 1024.0)
}
