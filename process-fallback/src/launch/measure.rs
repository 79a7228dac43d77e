//! What holds in a session, measured from within by a process that is confined like any program. The other side judges.

use super::root::{CANARY, PROBED};
use crate::limits::FILE_SIZE;
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::{Resource, getpid, getrlimit, getsid};
use rustix::thread::UnshareFlags;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::time::Duration;

/// The word after which this program measures.
pub(crate) const MEASURE: &str = "measure";
/// The word after that for a process that writes too large a file.
pub(crate) const FILE: &str = "file";

/// Threads and megabytes that are tried, beyond any limit of a session that measures.
const MANY: usize = 600;

/// Error numbers of what was tried, 0 where it worked, and what was counted.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// What must fail: the error number of each.
    pub(crate) tried: BTreeMap<String, i32>,
    /// Lines of `/proc/self/status`.
    pub(crate) status: BTreeMap<String, String>,
    /// Network interfaces.
    pub(crate) interfaces: Vec<String>,
    /// Processes that are seen.
    pub(crate) processes: usize,
    /// Descriptors besides the standard ones.
    pub(crate) descriptors: usize,
    /// Variables.
    pub(crate) variables: usize,
    /// Whether the process leads a session.
    pub(crate) leads: bool,
    /// Whether a staged folder can be read and written.
    pub(crate) staged: bool,
    /// Threads that could be made, when there was an end to it.
    pub(crate) threads: Option<usize>,
    /// Megabytes that could be had, when there was an end to it.
    pub(crate) megabytes: Option<usize>,
    /// Soft limits of processor seconds, bytes of a core file, open files.
    pub(crate) limits: [Option<u64>; 3],
}

/// Writes the report to standard output.
pub(super) fn measure() -> u8 {
    let mut report = Report {
        tried: tried(),
        status: status(),
        interfaces: interfaces(),
        processes: numbers("/proc").len(),
        // Of those that are listed one is the listing itself.
        descriptors: numbers("/proc/self/fd").iter().filter(|fd| **fd > 2).count().saturating_sub(1),
        variables: std::env::vars_os().count(),
        leads: getsid(None).is_ok_and(|session| session == getpid()),
        staged: staged(),
        limits: [Resource::Cpu, Resource::Core, Resource::Nofile].map(|resource| getrlimit(resource).current),
        ..Report::default()
    };
    report.megabytes = megabytes();
    report.threads = threads();
    let written = serde_json::to_writer(io::stdout(), &report);
    // Threads of the measurement wait; the end of the process is theirs.
    std::process::exit(i32::from(written.is_err()))
}

/// Writes a file that is larger than allowed. The kernel ends it with SIGXFSZ before it comes back.
pub(super) fn large_file() -> u8 {
    let grown = File::create("/tmp/large").and_then(|file| file.set_len(FILE_SIZE + 1));
    u8::from(grown.is_err())
}

fn number<T>(result: Result<T, Errno>) -> i32 {
    result.err().map_or(0, Errno::raw_os_error)
}

fn system<T>(result: io::Result<T>) -> i32 {
    result.err().map_or(0, |error| error.raw_os_error().unwrap_or(-1))
}

fn tried() -> BTreeMap<String, i32> {
    let family = |family| number(socket(family, SocketType::DGRAM, None));
    let rows = [
        ("an IPv4 socket", family(AddressFamily::INET)),
        ("an IPv6 socket", family(AddressFamily::INET6)),
        ("a netlink socket", family(AddressFamily::NETLINK)),
        ("a packet socket", family(AddressFamily::PACKET)),
        ("a mount", number(mount("tmpfs", "/tmp", "tmpfs", MountFlags::empty(), None))),
        ("a user name space", number(super::sys::unshare(UnshareFlags::NEWUSER))),
        ("a file in the root", system(File::create("/file"))),
        ("a file in /usr", system(File::create("/usr/file"))),
        ("a file that Landlock alone forbids", system(File::create(format!("{CANARY}/file")))),
        ("the environment of the first process", system(fs::read("/proc/1/environ"))),
        ("the descriptors of the first process", system(fs::read_link("/proc/1/fd/0"))),
        ("a setting of the kernel", system(fs::write("/proc/sys/kernel/core_pattern", "core"))),
        ("the hashed passwords", system(File::open("/etc/shadow"))),
    ];
    rows.into_iter().map(|(name, number)| (name.to_owned(), number)).collect()
}

fn status() -> BTreeMap<String, String> {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let rows = text.lines().filter_map(|line| line.split_once(':'));
    let wanted = |name: &str| name.starts_with("Cap") || matches!(name, "NoNewPrivs" | "Seccomp");
    rows.filter(|(name, _)| wanted(name)).map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

fn interfaces() -> Vec<String> {
    let text = fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    text.lines().skip(2).filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim().to_owned()).collect()
}

fn numbers(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn staged() -> bool {
    let [below, above] = ["below", "above"].map(|name| format!("{PROBED}/{name}"));
    fs::read(&below).is_ok_and(|text| text == b"below")
        && fs::write(&below, "changed").is_ok()
        && fs::write(&above, "new").is_ok()
        && fs::remove_file(&below).is_ok()
        && fs::read(&above).is_ok_and(|text| text == b"new")
}

fn megabytes() -> Option<usize> {
    let mut had: Vec<Vec<u8>> = Vec::with_capacity(MANY);
    for count in 0..MANY {
        let mut piece: Vec<u8> = Vec::new();
        if piece.try_reserve_exact(1 << 20).is_err() {
            return Some(count);
        }
        piece.resize(1 << 20, 1);
        had.push(std::hint::black_box(piece));
    }
    None
}

fn threads() -> Option<usize> {
    let wait = || std::thread::sleep(Duration::from_secs(60));
    (0..MANY).find(|_| std::thread::Builder::new().stack_size(16 << 10).spawn(wait).is_err())
}
