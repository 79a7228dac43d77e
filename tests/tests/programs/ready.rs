//! Containers that are started before they are needed: each serves one call, and all end with whoever keeps them.

use crate::work::ENGINES;
use crate::workers::stage::fallback;
use std::path::Path;
use std::process::Command as Tool;
use std::time::Duration;
use vox_model::Limits;
use vox_model::programs::{Command, ProgramSession, Programs as _, SessionSetup, Stop};
use vox_tests::need;
use vox_tests::wait::settles;

/// Time for a command: longer than anything here takes on a busy machine.
const SOON: Duration = Duration::from_secs(60);

fn plain() -> SessionSetup {
    SessionSetup { call: "ready".to_owned(), memory: Limits::default().memory, ..SessionSetup::default() }
}

/// What a line of the shell prints in a session.
fn says(session: &dyn ProgramSession, line: &str) -> String {
    let command = Command {
        program: "sh".to_owned(),
        arguments: vec!["-c".to_owned(), line.to_owned()],
        environment: Vec::new(),
        folder: "/tmp".to_owned(),
        input: Vec::new(),
        time: SOON,
        cpu: SOON,
        output: 1 << 10,
    };
    let finished = session.run(&command, &Stop::default()).unwrap_or_else(|error| panic!("{error}"));
    String::from_utf8_lossy(&finished.stdout).trim().to_owned()
}

/// The containers of this process, by id.
fn containers(engine: &str) -> Vec<String> {
    let filter = "label=org.vox.call=pool";
    let words = ["ps", "--no-trunc", "--filter", filter, "--format", "{{.ID}} {{.Labels}}"];
    let listed = Tool::new(engine).args(words).output().unwrap_or_else(|error| panic!("{engine}: {error}"));
    let (text, owner) = (String::from_utf8_lossy(&listed.stdout).into_owned(), std::process::id());
    let mine = [format!("org.vox.owner={owner}:"), format!("org.vox.owner:{owner}:")];
    let of_this = text.lines().filter(|line| mine.iter().any(|mine| line.contains(mine)));
    of_this.filter_map(|line| line.split(' ').next()).map(ToOwned::to_owned).collect()
}

/// Waits until so many of them are there, and gives them.
fn so_many(what: &str, engine: &str, count: usize) -> Vec<String> {
    let mut found = Vec::new();
    settles(&format!("{engine}: {what}: there are not {count}"), || {
        found = containers(engine);
        found.len() == count
    });
    found
}

fn check(engine: &str, state: &Path) {
    let programs = need!(engine, fallback(engine, state)).with_ready(2);
    assert!(containers(engine).is_empty(), "{engine}: nothing is started before the first call");
    let first = programs.start(&plain()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(says(&*first, "echo mine > mark; cat mark"), "mine");
    let before = so_many("one in use and two that wait", engine, 3);
    let second = programs.start(&plain()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(says(&*second, "cat mark 2>/dev/null || echo none"), "none", "{engine}: it serves one call alone");
    let after = so_many("two in use and two that wait", engine, 4);
    assert!(before.iter().all(|id| after.contains(id)), "{engine}: the second was there before: {before:?} {after:?}");
    // What needs more than a plain container gets its own.
    let more = SessionSetup { memory: 2 * Limits::default().memory, ..plain() };
    let third = programs.start(&more).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(says(&*third, "echo other"), "other");
    assert_eq!(containers(engine).len(), 4, "{engine}: none of the ready ones was taken");
    drop((first, second, third, programs));
    so_many("all end with whoever keeps them", engine, 0);
}

#[test]
fn containers_that_wait_serve_one_call_each() {
    for engine in ENGINES {
        let state = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        check(engine, state.path());
    }
}
