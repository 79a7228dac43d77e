//! The launcher alone, for tests: what `vox __process` is in the product. With the word `nobody` before the others it gives
//! the rights of root up first, so that both ways of a session can be tested by root.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "nobody") {
        words.remove(0);
        #[cfg(target_os = "linux")]
        if let Err(error) = nobody() {
            return ExitCode::from(u8::try_from(error.raw_os_error()).unwrap_or(u8::MAX));
        }
    }
    ExitCode::from(vox_process::launch(&words))
}

/// Becomes user and group 65534, unless it is somebody else than root already.
#[cfg(target_os = "linux")]
fn nobody() -> rustix::io::Result<()> {
    use rustix::process::{DumpableBehavior, Gid, Uid, geteuid, set_dumpable_behavior};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
    if !geteuid().is_root() {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(65534), Gid::from_raw(65534));
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    // Who changes its user loses its files below /proc until it executes something.
    set_dumpable_behavior(DumpableBehavior::Dumpable)
}
