//! Contenders that are processes: started with `posix_spawn` by the standard library, waited for with `wait4`.

use crate::runner::{Contender, Usage};
use anyhow::{Context as _, Result, bail};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program and its arguments.
pub struct Process {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    result: fn(Vec<u8>) -> Vec<u8>,
    runs: u64,
    cpu: f64,
    max_rss: u64,
}

impl Process {
    /// A program with these arguments.
    pub fn new<A: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = A>) -> Self {
        Self {
            program: program.to_owned(),
            args: args.into_iter().map(|arg| arg.as_ref().to_owned()).collect(),
            env: Vec::new(),
            result: |output| output,
            runs: 0,
            cpu: 0.0,
            max_rss: 0,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds a variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// How the result is got from what the process writes.
    pub fn result(mut self, result: fn(Vec<u8>) -> Vec<u8>) -> Self {
        self.result = result;
        self
    }

    /// As a contender.
    pub fn boxed(self) -> Box<dyn Contender> {
        Box::new(self)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    fn start(&self) -> String {
        format!("{}", self.program.display())
    }
}

impl Contender for Process {
    fn once(&mut self) -> Result<Vec<u8>> {
        let output = self.command().output().with_context(|| self.start())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{} ended with {}: {}", self.start(), output.status, said.lines().next().unwrap_or_default());
        }
        Ok((self.result)(output.stdout))
    }

    fn batch(&mut self, count: u64) -> Result<Duration> {
        let mut command = self.command();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut total = Duration::ZERO;
        for _ in 0..count {
            let start = Instant::now();
            let child = command.spawn().with_context(|| self.start())?;
            let (status, used) = wait(child.id())?;
            total += start.elapsed();
            if status != 0 {
                bail!("{} ended with wait status {status}", self.start());
            }
            self.runs += 1;
            self.cpu += used.cpu;
            self.max_rss = self.max_rss.max(used.max_rss);
        }
        Ok(total)
    }

    fn usage(&self) -> Option<Usage> {
        (self.runs > 0).then(|| Usage { cpu: self.cpu / self.runs as f64, max_rss: self.max_rss })
    }
}

/// Waits for a child and takes what it and its children used.
fn wait(pid: u32) -> Result<(i32, Usage)> {
    let mut status = 0;
    // SAFETY: a `rusage` is plain numbers, for which zero is a value.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to locals that outlive the call.
        let got = unsafe { libc::wait4(pid.cast_signed(), &raw mut status, 0, &raw mut used) };
        if got >= 0 {
            break;
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error).context("wait4");
        }
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let cpu = seconds(used.ru_utime) + seconds(used.ru_stime);
    // Linux counts kibibytes.
    Ok((status, Usage { cpu, max_rss: used.ru_maxrss as u64 * 1024 }))
}

/// Finds a program on the search path, or in the folder that `VOX_DEV_TOOLS` names.
///
/// # Errors
/// It is not installed.
pub fn find(name: &str) -> Result<PathBuf> {
    let tools = std::env::var_os("VOX_DEV_TOOLS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = tools.iter().flat_map(|tools| [tools.clone(), tools.join("bin")]);
    let mut all = folders.chain(std::env::split_paths(&path)).map(|folder| folder.join(name));
    all.find(|file| file.is_file()).with_context(|| format!("{name} is not installed"))
}

/// The first line of what a program says about its version.
pub fn version(program: &Path, flag: &str) -> String {
    let output = Command::new(program).arg(flag).stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
