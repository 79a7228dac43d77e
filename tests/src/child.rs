//! Measuring in a process of its own: what other tests of this process allocate would be counted otherwise.
#![allow(clippy::print_stdout, reason = "the child tells its parent what it measured")]

use std::process::Command;

/// Set in the child.
const MARK: &str = "VOX_TEST_CHILD";

/// What starts the line with the child's answer.
const ANSWER: &str = "the child measured ";

/// Runs `measure` in a process of its own and gives the number it measured. Has to be called by the test of
/// this name, with its modules: the child is this program again, asked for that test.
///
/// None in the child itself, whose test is over then.
///
/// # Panics
/// The child fails.
pub fn measured(test: &str, measure: impl FnOnce() -> u64) -> Option<u64> {
    if std::env::var_os(MARK).is_some() {
        println!("{ANSWER}{}", measure());
        return None;
    }
    let own = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    let output = Command::new(own)
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .output()
        .unwrap_or_else(|error| panic!("the child does not start: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = text.lines().find_map(|line| line.split_once(ANSWER)?.1.trim().parse().ok());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the child failed: {text}\n{errors}");
    Some(answer.unwrap_or_else(|| panic!("the child of {test} measured nothing: {text}\n{errors}")))
}

/// Bytes by which the resident memory of this process rose at most while `work` ran.
///
/// # Panics
/// `/proc` does not tell; see [`can_measure`].
pub fn growth(work: impl FnOnce()) -> u64 {
    forget_peak().unwrap_or_else(|error| panic!("{error}"));
    let before = status("VmRSS:");
    work();
    status("VmHWM:").saturating_sub(before)
}

/// Whether this system tells how much memory a process uses.
///
/// # Errors
/// Why not.
pub fn can_measure() -> Result<(), String> {
    forget_peak()
}

/// Linux: 5 sets the peak to what is used now (`man 5 proc`, `clear_refs`).
fn forget_peak() -> Result<(), String> {
    std::fs::write("/proc/self/clear_refs", "5").map_err(|error| format!("the peak of memory cannot be reset: {error}"))
}

fn status(what: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(what));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_else(|| panic!("/proc/self/status has no {what}")) << 10
}

/// Threads of this process.
pub fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// Open files of this process.
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
