//! Programs of trusted skills, through the whole program, in the process tier: never without the trust, then behind the same
//! overlay, limits and audit as in a container. No container engine is on the search path.

mod folders;
mod grants;
mod limits;
#[allow(dead_code, reason = "the tests of containers use the rest")]
#[path = "../programs/work.rs"]
mod work;

use vox_tests::program::Ran;
use work::Bench;

/// A place with the guest `programs` and without any engine.
fn bench() -> Result<Bench, String> {
    Bench::without()
}

/// Calls a function of the guest with these grants and with trust, and expects this exit code.
fn trusted(bench: &Bench, code: i32, words: &[&str], grants: &[&str]) -> Ran {
    bench.call(code, words, &[grants, &["--trust"]].concat())
}
