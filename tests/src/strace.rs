//! Ending a program at one of its system calls, or failing that call, with strace.
//!
//! A run is traced once to learn its calls; the same run is then repeated and struck at one of them. Calls are named by
//! thread, name and number, which are the same from run to run as long as a thread does the same things in the same
//! order.

use crate::program::{Place, Ran, ran};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Calls that can change what is on a disk or which locks are held. `open` and its kin do so when they make or cut a
/// file, `ioctl` and `fcntl` with some commands: see [`Call::changes`].
const CHANGING: &[&str] = &[
    "chmod",
    "chown",
    "copy_file_range",
    "creat",
    "fallocate",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "fchown",
    "fchownat",
    "fdatasync",
    "flock",
    "fremovexattr",
    "fsetxattr",
    "fsync",
    "ftruncate",
    "lchown",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "sendfile",
    "symlink",
    "symlinkat",
    "sync_file_range",
    "syncfs",
    "truncate",
    "unlink",
    "unlinkat",
    "utimensat",
    "write",
    "writev",
];

/// One system call of a run.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whether the first thread of the program made it.
    pub main: bool,
    /// The thread, by its number on that run.
    pub thread: u32,
    /// Its name, such as `openat2`.
    pub name: String,
    /// Which call of that name in that thread, from 1.
    pub number: usize,
    /// Its arguments and its result, with the paths of descriptors, as strace writes them.
    pub text: String,
}

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// The program is killed before the call does anything.
    Kill,
    /// The call does nothing and gives this error, such as `ENOSPC`.
    Error(&'static str),
}

impl Call {
    /// Whether it had anything to do with a file below this folder.
    pub fn concerns(&self, folder: &Path) -> bool {
        ["/", "\"", ">"].iter().any(|end| self.text.contains(&format!("{}{end}", folder.display())))
    }

    /// Whether it changed something, or made it durable, or took or gave a lock.
    pub fn changes(&self) -> bool {
        if self.text.contains(" = -1 ") {
            return false;
        }
        match self.name.as_str() {
            "open" | "openat" | "openat2" => self.text.contains("O_CREAT") || self.text.contains("O_TRUNC"),
            "ioctl" => self.text.contains("FICLONE"),
            "fcntl" => self.text.contains("SETLK"),
            name => CHANGING.contains(&name),
        }
    }
}

/// Where strace is.
///
/// # Errors
/// It is not there, or may not trace anything.
pub fn strace() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("strace")).find(|file| file.is_file());
    let program = found.ok_or("it is not on PATH: cargo xtask setup")?;
    let tried = Command::new(&program).args(["-o", "/dev/null", "true"]).output().map_err(|error| error.to_string())?;
    match tried.status.success() {
        true => Ok(program),
        false => Err(format!("it may not trace here: {}", String::from_utf8_lossy(&tried.stderr).trim())),
    }
}

/// Runs `vox` under strace with these options of strace before it.
fn under(strace: &Path, place: &Place, options: &[&str], words: &[&str]) -> Ran {
    let vox = place.vox(words);
    let mut command = place.command(strace);
    command.args(options).arg("--").arg(vox.get_program()).args(vox.get_args());
    ran(&mut command)
}

fn log_of(place: &Place) -> PathBuf {
    place.root().join("trace")
}

/// Runs `vox` and gives all its calls, in order.
///
/// # Panics
/// There is no trace.
pub fn traced(strace: &Path, place: &Place, words: &[&str]) -> (Ran, Vec<Call>) {
    let log = log_of(place);
    let ran = under(strace, place, &["-f", "-y", "-o", &log.display().to_string()], words);
    let text = std::fs::read(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    let _ = std::fs::remove_file(&log);
    (ran, read(&String::from_utf8_lossy(&text)))
}

fn read(log: &str) -> Vec<Call> {
    let mut numbers: HashMap<(u32, String), usize> = HashMap::new();
    let mut calls = Vec::new();
    let mut first = None;
    for line in log.lines() {
        let Some((thread, text)) = line.split_once(' ') else { continue };
        let (Ok(thread), text) = (thread.parse::<u32>(), text.trim_start()) else { continue };
        let first = *first.get_or_insert(thread);
        // Signals, ends, and the second half of a call that another thread came into the middle of.
        if text.starts_with(['-', '+', '<']) {
            continue;
        }
        let Some((name, _)) = text.split_once('(') else { continue };
        let number = numbers.entry((thread, name.to_owned())).or_default();
        *number += 1;
        calls.push(Call {
            main: thread == first,
            thread,
            name: name.to_owned(),
            number: *number,
            text: without_here(text),
        });
    }
    calls
}

/// Relative paths are told with the folder that the program runs in, which has nothing to do with the call.
fn without_here(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once("AT_FDCWD<") {
        kept.push_str(before);
        kept.push_str("AT_FDCWD");
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    kept + rest
}

/// Runs `vox` again and strikes it at a call. None if this run never came to that call, or another one of that name and
/// number was met that has nothing to do with the place.
///
/// strace counts the calls of each thread apart. A call of the first thread is found by following that thread alone; one
/// of another thread is met where the first thread to make so many calls of that name makes it.
///
/// # Panics
/// There is no trace.
pub fn struck(strace: &Path, place: &Place, words: &[&str], call: &Call, strike: Strike) -> Option<Ran> {
    let log = log_of(place);
    let what = match strike {
        Strike::Kill => "signal=KILL".to_owned(),
        Strike::Error(error) => format!("error={error}"),
    };
    let (log_text, trace) = (log.display().to_string(), format!("trace={}", call.name));
    let inject = format!("inject={}:{what}:when={}", call.name, call.number);
    let mut options = vec!["-y", "-o", log_text.as_str(), "-e", trace.as_str(), "-e", inject.as_str()];
    if !call.main {
        options.insert(0, "-f");
    }
    let ran = under(strace, place, &options, words);
    let text = std::fs::read(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    let _ = std::fs::remove_file(&log);
    let text = String::from_utf8_lossy(&text);
    let met = match strike {
        // The call that was never carried out is the last one of that name.
        Strike::Kill if ran.code.is_some() => None,
        Strike::Kill => text.lines().rfind(|line| line.contains(&format!("{}(", call.name))),
        Strike::Error(_) => text.lines().find(|line| line.contains("(INJECTED)")),
    };
    let met = met.map(|line| Call { text: without_here(line), ..call.clone() });
    met.is_some_and(|met| met.concerns(place.root())).then_some(ran)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_call_by_call() {
        let log = "\
7 openat(AT_FDCWD</w>, \"/w/a\", O_RDWR|O_CREAT, 0600) = 3</w/a>
7 write(3</w/a>, \"x\", 1 <unfinished ...>
8 write(3</w/a>, \"y\", 1) = 1
7 <... write resumed>) = 1
7 mkdir(\"/w\", 0700) = -1 EEXIST (File exists)
7 openat(AT_FDCWD</w>, \"/v/b\", O_RDONLY) = 4</v/b>
7 --- SIGCHLD {si_signo=SIGCHLD} ---
7 write(1<pipe:[9]>, \"z\", 1) = 1
8 +++ exited with 0 +++
";
        let calls = read(log);
        let short: Vec<_> = calls.iter().map(|call| (call.main, call.name.as_str(), call.number)).collect();
        let expected = [
            (true, "openat", 1),
            (true, "write", 1),
            (false, "write", 1),
            (true, "mkdir", 1),
            (true, "openat", 2),
            (true, "write", 2),
        ];
        assert_eq!(short, expected);
        let changes: Vec<bool> = calls.iter().map(Call::changes).collect();
        assert_eq!(changes, [true, true, true, false, false, true]);
        let concerns: Vec<bool> = calls.iter().map(|call| call.concerns(Path::new("/w"))).collect();
        assert_eq!(concerns, [true, true, true, true, false, false]);
    }
}
