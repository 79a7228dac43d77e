//! Lua and QuickJS, asked over a pipe by the benchmarks: see `../../src/contenders/child.rs` for the protocol.

mod lua;
mod quickjs;

use anyhow::{Context as _, Result, bail};
use std::collections::HashMap;
use std::hint::black_box;
use std::io::{BufRead as _, Write as _};
use std::time::Instant;

/// A state of one of the languages, with the function in it.
enum State {
    Lua(lua::State),
    QuickJs(quickjs::State),
}

impl State {
    fn call(&self, text: &str) -> Result<String> {
        match self {
            Self::Lua(state) => state.call(text),
            Self::QuickJs(state) => state.call(text),
        }
    }
}

/// What is called with what.
struct Loaded {
    text: String,
    warm: State,
    make: Box<dyn Fn() -> Result<State>>,
}

impl Loaded {
    fn new(language: &str, text: String) -> Result<Self> {
        let make: Box<dyn Fn() -> Result<State>> = match language {
            "Lua" => Box::new(|| lua::State::new().map(State::Lua)),
            "QuickJs" => Box::new(|| quickjs::State::within(quickjs::runtime()?).map(State::QuickJs)),
            "QuickJsContext" => {
                let runtime = quickjs::runtime()?;
                Box::new(move || quickjs::State::within(runtime.clone()).map(State::QuickJs))
            }
            _ => bail!("unknown language {language}"),
        };
        Ok(Self { text, warm: make()?, make })
    }

    fn once(&self, work: &str) -> Result<String> {
        match work {
            "Fresh" => (self.make)()?.call(&self.text),
            "Warm" => self.warm.call(&self.text),
            _ => bail!("unknown work {work}"),
        }
    }

    fn run(&self, work: &str, count: u64) -> Result<u128> {
        let start = Instant::now();
        for _ in 0..count {
            black_box(self.once(work)?);
        }
        Ok(start.elapsed().as_nanos())
    }

    /// Memory of one live state after one call.
    fn memory(&self, count: u32) -> Result<f64> {
        let live = || -> Result<State> {
            let state = (self.make)()?;
            state.call(&self.text)?;
            Ok(state)
        };
        drop(live()?);
        let before = pss()?;
        let all: Vec<State> = (0..count).map(|_| live()).collect::<Result<_>>()?;
        let after = pss()?;
        drop(all);
        Ok((after - before) / f64::from(count))
    }
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

fn answer(words: &[&str], all: &mut HashMap<String, Loaded>) -> Result<String> {
    let get = |id: &str| all.get(id).context("no such state");
    match words {
        ["load", id, language, _, _, text] => {
            let text = std::fs::read_to_string(text)?;
            all.insert((*id).to_owned(), Loaded::new(language, text)?);
            Ok(String::new())
        }
        ["once", id, work, file] => {
            std::fs::write(file, get(id)?.once(work)?)?;
            Ok(String::new())
        }
        ["run", id, work, count] => Ok(get(id)?.run(work, count.parse()?)?.to_string()),
        ["memory", id, count] => Ok(get(id)?.memory(count.parse()?)?.to_string()),
        ["drop", id] => {
            all.remove(*id);
            Ok(String::new())
        }
        _ => bail!("unknown command"),
    }
}

/// The proportional share of this process in all memory, in bytes.
fn pss() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = text.lines().find(|line| line.starts_with("Pss:")).context("no Pss")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kib * 1024.0)
}
