//! Interrupting: Ctrl-C ends a command soon and leaves nothing behind.

use crate::transcripts::furnish;
use std::time::{Duration, Instant};
use vox_tests::need;
use vox_tests::program::Place;

/// Starts `vox`, sends a signal after a while, and gives how long it took to end, and how.
fn signalled(
    place: &Place,
    arguments: &[&str],
    signal: rustix::process::Signal,
) -> (Duration, std::process::ExitStatus) {
    let mut command = place.vox(arguments);
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{error}"));
    std::thread::sleep(Duration::from_millis(600));
    assert!(child.try_wait().is_ok_and(|ended| ended.is_none()), "{arguments:?} ended by itself");
    let id = rustix::process::Pid::from_child(&child);
    let asked = Instant::now();
    rustix::process::kill_process(id, signal).unwrap_or_else(|error| panic!("{error}"));
    let status = child.wait().unwrap_or_else(|error| panic!("{error}"));
    (asked.elapsed(), status)
}

#[test]
fn interrupts_end_a_call_soon() {
    use std::os::unix::process::ExitStatusExt as _;
    let place = need!("vox", Place::new());
    furnish(&place);
    // Compiled beforehand: the signal has to fall on the guest.
    for (skill, function) in [("spin.wasm", "spin"), ("sleep.wasm", "sleep")] {
        assert_eq!(place.run(&["call", skill, "answer"]).code, Some(0));
        for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
            let (took, status) = signalled(&place, &["call", skill, function, "--limit-time", "30s"], signal);
            assert!(took < Duration::from_millis(1000), "{took:?}");
            // Shells show 128 + signal for either way to end.
            let number = signal.as_raw();
            assert!(status.signal() == Some(number) || status.code() == Some(128 + number), "{status:?}");
        }
    }
    let left = place.shell("ls -A \"$VOX_HOME/cache/v1\" | grep -v -e '^code-' -e '^facts-'");
    assert_eq!(left.stdout, "", "an interrupted call left files");
}
