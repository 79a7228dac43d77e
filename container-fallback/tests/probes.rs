//! Measuring real engines, and the image of the sandbox.
mod common;

use common::{engine, sandbox};
use std::time::Instant;
use vox_container::{Enforcement, EngineKind, ProbeError, Profile, Shortfall, image, probe};

on_both_engines!(
    this_machine_holds_and_is_measured_once,
    the_weaker_profile_is_measured_too,
    limits_that_nobody_can_arm_are_refused,
    the_image_is_found_again,
);

fn this_machine_holds_and_is_measured_once(kind: EngineKind) {
    let engine = want!("a container engine", engine(kind));
    let image = want!("the image of the sandbox", sandbox(&engine));
    let state = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let first = probe(&engine, &image, &Profile::default(), state.path()).unwrap();
    let measured = start.elapsed();
    let report = first.report();
    assert_eq!((report.memory.as_deref(), report.capabilities, report.seccomp), (Some("killed"), Some(0), Some(2)));
    assert_eq!((report.tried, report.opened, &report.interfaces[..]), (6, 4, &["lo".to_owned()][..]));
    assert!(report.reached.is_empty() && report.writable.is_empty() && report.no_new_privileges == Some(true));
    assert!(report.processes.is_some_and(|count| (1..24).contains(&count)), "{report:?}");
    let start = Instant::now();
    let again = probe(&engine, &image, &Profile { memory: 64 << 20, ..Profile::default() }, state.path()).unwrap();
    assert_eq!((again.report(), again.runtime(), again.profile().memory), (report, first.runtime(), 64 << 20));
    assert!(start.elapsed() < measured / 4, "the second answer came from the file: {:?}", start.elapsed());
    // What is in the file counts for this run of the machine, this engine and this image alone.
    let file = state.path().join("probes.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(image.id(), &format!("sha256:{}", "0".repeat(64)))).unwrap();
    probe(&engine, &image, &Profile::default(), state.path()).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap().matches("\"key\"").count(), 2);
}

/// Limits of processes do not bind root, so what is offered depends on who runs this.
fn the_weaker_profile_is_measured_too(kind: EngineKind) {
    let engine = want!("a container engine", engine(kind));
    let image = want!("the image of the sandbox", sandbox(&engine));
    let state = tempfile::tempdir().unwrap();
    let weaker = Profile { enforcement: Enforcement::Rlimits, memory: 256 << 20, ..Profile::default() };
    let root = std::fs::metadata("/proc/self").map(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0).unwrap();
    match probe(&engine, &image, &weaker, state.path()) {
        Ok(proven) => {
            assert!(!root || engine.rootless());
            assert_eq!(proven.report().memory.as_deref(), Some("refused"));
        }
        Err(ProbeError::Short { missing, .. }) => {
            assert!(root, "{missing:?}");
            assert_eq!(missing, [Shortfall::Processes], "memory is held, processes of root are not");
        }
        Err(error) => panic!("{error}"),
    }
}

fn limits_that_nobody_can_arm_are_refused(kind: EngineKind) {
    let engine = want!("a container engine", engine(kind));
    let image = want!("the image of the sandbox", sandbox(&engine));
    let state = tempfile::tempdir().unwrap();
    let none = Profile { memory: 0, ..Profile::default() };
    assert!(matches!(probe(&engine, &image, &none, state.path()), Err(ProbeError::Profile(_))));
}

fn the_image_is_found_again(kind: EngineKind) {
    let engine = want!("a container engine", engine(kind));
    let image = want!("the image of the sandbox", sandbox(&engine));
    let state = tempfile::tempdir().unwrap();
    assert_eq!(image::ensure(&engine, state.path()).unwrap(), image);
    let record = state.path().join(format!("image-{}.json", kind.program()));
    assert!(std::fs::read_to_string(&record).unwrap().contains(image.id()));
    assert_eq!(image::ensure(&engine, state.path()).unwrap(), image, "by the record");
    // A record of an image that has gone is made anew.
    std::fs::write(&record, format!(r#"{{"recipe":"sandbox-1","id":"sha256:{}"}}"#, "0".repeat(64))).unwrap();
    assert_eq!(image::ensure(&engine, state.path()).unwrap(), image);
}
