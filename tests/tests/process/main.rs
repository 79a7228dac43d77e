//! Programs of trusted skills, through the whole program, in the process tier: never without the trust, then behind the same
//! overlay, limits and audit as in a container. No container engine is on the search path.

mod folders;
mod grants;
mod limits;
#[allow(dead_code, unused_imports, reason = "the tests of containers use the rest")]
#[path = "../programs/work.rs"]
mod work;

use vox_tests::program::{Ran, ran};
use work::Bench;

/// A place with the guest `programs` and without any engine, where this machine offers the tier.
fn bench() -> Result<Bench, String> {
    let bench = Bench::without()?;
    let why = ran(&mut bench.vox(&["why", "programs.wasm", "--allow-subprocess", "--trust"]));
    match why.code {
        Some(0) => Ok(bench),
        _ => Err(format!("it is not offered: {}{}", why.stdout, why.stderr)),
    }
}

/// Calls a function of the guest with these grants and with trust, and expects this exit code.
fn trusted(bench: &Bench, code: i32, words: &[&str], grants: &[&str]) -> Ran {
    bench.call(code, words, &[grants, &["--trust"]].concat())
}
