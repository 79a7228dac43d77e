//! Files that are no components, and things that are no files.

use std::time::{Duration, Instant};
use vox_model::{Limits, SkillRef};
use vox_runtime::{Granted, LocateError, OpenError};
use vox_tests::{fixtures, need, skills};

/// E2: each is refused for what it is, before anything is compiled.
#[test]
fn other_files_are_refused() {
    let host = skills::host();
    for (what, bytes) in fixtures::other_files() {
        let error = skills::open(&host, &bytes, Limits::default()).err();
        assert!(matches!(error, Some(OpenError::Inspect { .. })), "{what}: {error:?}");
    }
    let package = fixtures::wit_package("package t:t; interface i { f: func(); }");
    let error = skills::open(&host, &package, Limits::default()).err();
    assert!(matches!(error, Some(OpenError::Inspect { .. })), "a WIT package: {error:?}");
}

fn located(path: std::path::PathBuf) -> LocateError {
    let started = Instant::now();
    let opened = skills::host().open(&SkillRef::File(path), &Granted::default(), Limits::default());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    match opened {
        Err(OpenError::Locate(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it opened"),
    }
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    // A folder may be a skill; this one holds no component.
    assert!(matches!(located(folder.path().to_owned()), LocateError::Nothing(_)));
    assert!(matches!(located(folder.path().join("none.wasm")), LocateError::NoFile(_)));
    assert!(matches!(located("/dev/zero".into()), LocateError::Unreadable { .. }));
    let fifo = folder.path().join("fifo.wasm");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let made = rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0);
    need!("FIFOs", made.map_err(|error| error.to_string()));
    assert!(matches!(located(fifo), LocateError::Unreadable { .. }));
}

/// A file above the size limit is refused by its length, without being read.
#[test]
fn a_huge_file_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let path = folder.path().join("huge.wasm");
    let file = std::fs::File::create(&path).unwrap_or_else(|error| panic!("{error}"));
    for size in [100 << 20, 1 << 40] {
        if file.set_len(size).is_ok() {
            assert!(matches!(located(path.clone()), LocateError::TooLarge { .. }), "{size} bytes");
        }
    }
}
