//! Contenders in child processes, because their features must not be unified with the product's: stock wasmtime in
//! one, Lua and QuickJS in the other.
//!
//! They speak lines: a command with words between tabs, and one line back, `ok VALUE` or `error TEXT`. Time is taken in
//! the child, so that the pipe between the two costs nothing.

use crate::runner::Contender;
use anyhow::{Context as _, Result, bail};
use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

/// What engine, and how it is embedded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `Config::default()` and `Linker::instantiate`, as in the first example of the documentation.
    Stock,
    /// The same with `instantiate_pre` and export indexes found beforehand.
    StockPre,
    /// Pool, no concurrency support, `instantiate_pre`; no limits at all.
    Tuned,
    /// As stock, called through dynamic values.
    Val,
    /// Lua 5.4: a state.
    Lua,
    /// QuickJS: a runtime with a context.
    QuickJs,
    /// QuickJS: a context in a runtime that all share.
    QuickJsContext,
}

/// What kind of function it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `vox:bundle/regex`: `escape`.
    Escape,
    /// `vox:bundle/json`: `query`.
    Query,
    /// `echo` of the guest of the benchmarks.
    Echo,
    /// `nop` of the guest of the benchmarks.
    Nop,
    /// `echo` of the guest of the benchmarks that imports folders and requests; the arguments are its input and a folder.
    Granted,
    /// `get` of the guest `http` of the tests; the arguments are a URL and, for https, the authority to trust.
    Get,
    /// `repeat` of the same guest; how often comes behind the URL.
    Repeat,
    /// `read` of the guest `files` of the tests; the arguments are a path in `/data`, and the folder that it stands for.
    Read,
    /// `fill` of the same guest with one mebibyte; the arguments are the same.
    Fill,
}

/// What the child does in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A new store and instance for every call.
    Fresh,
    /// The same instance for all calls.
    Warm,
    /// Compile, link, and call once.
    Compile,
}

/// The child.
pub struct Process {
    name: String,
    child: process::Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    folder: PathBuf,
    loaded: u32,
}

/// The child, shared by the rows.
pub type Shared = Rc<RefCell<Process>>;

impl Process {
    /// Starts it; it exchanges data through files in this folder.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(program: &Path, folder: &Path) -> Result<Shared> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let input = child.stdin.take().context("no pipe to the child")?;
        let output = BufReader::new(child.stdout.take().context("no pipe from the child")?);
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Rc::new(RefCell::new(Self { name, child, input, output, folder: folder.to_owned(), loaded: 0 })))
    }

    /// Sends a command and waits for the answer.
    ///
    /// # Errors
    /// What the child says, or that it is gone.
    pub fn ask(&mut self, words: &[&str]) -> Result<String> {
        writeln!(self.input, "{}", words.join("\t")).with_context(|| format!("{} is gone", self.name))?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let line = line.trim_end();
        match line.split_once(' ').unwrap_or((line, "")) {
            ("ok", value) => Ok(value.to_owned()),
            ("error", text) => bail!("{}: {text}", self.name),
            _ => bail!("{} is gone", self.name),
        }
    }

    /// Loads a component and the arguments of its calls.
    fn load(&mut self, mode: Mode, kind: Kind, component: &Path, args: &[&[u8]]) -> Result<String> {
        self.loaded += 1;
        let id = self.loaded.to_string();
        let path = component.to_str().context("the path is no text")?;
        let mut files = Vec::new();
        for (index, arg) in args.iter().enumerate() {
            let file = self.folder.join(format!("arg-{id}-{index}"));
            std::fs::write(&file, arg)?;
            files.push(file.display().to_string());
        }
        let (mode, kind) = (format!("{mode:?}"), format!("{kind:?}"));
        let mut words = vec!["load", &id, &mode, &kind, path];
        words.extend(files.iter().map(String::as_str));
        self.ask(&words)?;
        Ok(id)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A component in the child, as a contender.
pub struct Remote {
    child: Shared,
    id: String,
    work: Work,
    stages: u32,
    at_once: u32,
}

/// Loads a component into the child.
///
/// # Errors
/// The child does not run or refuses it.
pub fn remote(
    child: &Result<Shared>,
    (mode, kind, work): (Mode, Kind, Work),
    component: &Path,
    args: &[&[u8]],
) -> Result<Remote> {
    let child = match child {
        Ok(child) => child.clone(),
        Err(error) => bail!("{error:#}"),
    };
    let id = child.borrow_mut().load(mode, kind, component, args)?;
    Ok(Remote { child, id, work, stages: 1, at_once: 1 })
}

impl Remote {
    /// Calls so many times in a row for one operation.
    pub fn stages(mut self, stages: u32) -> Self {
        self.stages = stages;
        self
    }

    /// Keeps so many calls in fresh sandboxes under way at once.
    pub fn at_once(mut self, at_once: u32) -> Self {
        self.at_once = at_once;
        self
    }

    /// As a contender.
    pub fn boxed(self) -> Box<dyn Contender> {
        Box::new(self)
    }

    /// The memory of one live instance after one call, in bytes.
    ///
    /// # Errors
    /// The child cannot make so many.
    pub fn memory(&self, count: u32) -> Result<f64> {
        let answer = self.child.borrow_mut().ask(&["memory", &self.id, &count.to_string()])?;
        Ok(answer.parse()?)
    }
}

impl Contender for Remote {
    fn once(&mut self) -> Result<Vec<u8>> {
        let mut child = self.child.borrow_mut();
        let file = child.folder.join(format!("result-{}", self.id));
        let work = format!("{:?}", self.work);
        child.ask(&["once", &self.id, &work, &file.display().to_string()])?;
        Ok(std::fs::read(file)?)
    }

    fn batch(&mut self, count: u64) -> Result<Duration> {
        let count = (count * u64::from(self.stages)).to_string();
        let work = format!("{:?}", self.work);
        let nanos = match self.at_once {
            1 => self.child.borrow_mut().ask(&["run", &self.id, &work, &count])?,
            at_once => self.child.borrow_mut().ask(&["crowd", &self.id, &count, &at_once.to_string()])?,
        };
        Ok(Duration::from_nanos(nanos.parse()?))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = self.child.borrow_mut().ask(&["drop", &self.id]);
    }
}

/// Lua or QuickJS, escaping a text.
///
/// # Errors
/// The child does not run.
pub fn script(child: &Result<Shared>, mode: Mode, work: Work, text: &str) -> Result<Remote> {
    remote(child, (mode, Kind::Escape, work), Path::new("-"), &[text.as_bytes()])
}
