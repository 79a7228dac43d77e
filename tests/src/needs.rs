//! Tests whose parts are missing: said aloud here, a failure where nothing may be missing.
#![allow(clippy::print_stderr, reason = "a test that is left out says so")]

/// The part, or none after saying what is left out and why. With `CI` set a missing part is a failure: there
/// everything has to be tested.
///
/// # Panics
/// A part is missing and `CI` is set.
pub fn need<T>(what: &str, found: Result<T, String>) -> Option<T> {
    match found {
        Ok(part) => Some(part),
        Err(why) => {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            assert!(std::env::var_os("CI").is_none(), "{test} needs {what}: {why}");
            eprintln!("skipped {test}: it needs {what}, and {why}");
            None
        }
    }
}

/// Takes the part out of a `Result`, or leaves the test after saying what is missing: `need!("a bundle", bundle())`.
#[macro_export]
macro_rules! need {
    ($what:expr, $found:expr) => {
        match $crate::need($what, $found) {
            Some(part) => part,
            None => return,
        }
    };
}

/// How much larger than the small default the generated tests are: `VOX_TEST_SCALE`, 1 unless set.
pub fn scale() -> u64 {
    std::env::var("VOX_TEST_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// The seed of this run: every run chooses otherwise. `VOX_TEST_SEED` repeats one, so a failure has to name it.
pub fn seed() -> u64 {
    let given = std::env::var("VOX_TEST_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |since| since.as_nanos() as u64)
    })
}
