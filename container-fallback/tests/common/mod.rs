//! What these tests share: engines that are really there, and engines that are scripts.
#![allow(dead_code, reason = "each test file uses a part")]

#[path = "../../../tests/src/luck.rs"]
pub mod luck;
#[path = "../../../tests/src/needs.rs"]
pub mod needs;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vox_container::{
    Access, Cancel, Command, Engine, EngineKind, Finished, Folder, Image, Profile, Proven, RunError, Session,
    SessionOptions, Surroundings, image, probe,
};

/// The state folder that all tests share, so that each engine is measured once.
pub fn state() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("container-state");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The engine, if it works here.
pub fn engine(kind: EngineKind) -> Result<Engine, String> {
    let found = Engine::detect(kind, &Surroundings::of(std::env::vars_os()));
    match found.engine() {
        Some(engine) => Ok(engine.clone()),
        None => Err(format!("{}; run `cargo xtask setup`", found.problem().unwrap_or_default())),
    }
}

/// The image of the sandbox in that engine, if it was made.
pub fn sandbox(engine: &Engine) -> Result<Image, String> {
    match image::existing(engine) {
        Ok(Some(image)) => Ok(image),
        Ok(None) => Err("the image of the sandbox was not made; run `cargo xtask setup`".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A measured engine with this profile.
pub fn proven_with(kind: EngineKind, profile: Profile) -> Result<Proven, String> {
    let engine = engine(kind)?;
    let image = sandbox(&engine)?;
    probe(&engine, &image, &profile, &state()).map_err(|error| error.to_string())
}

/// A measured engine with the default profile.
pub fn proven(kind: EngineKind) -> Result<Proven, String> {
    proven_with(kind, Profile::default())
}

/// A session without folders.
pub fn session(proven: &Proven) -> Session {
    session_with(proven, Vec::new())
}

/// A session with folders.
pub fn session_with(proven: &Proven, folders: Vec<Folder>) -> Session {
    let options = SessionOptions { call: "test".to_owned(), folders, ..SessionOptions::default() };
    Session::start(proven, &state(), &options).unwrap()
}

/// Runs a program of the shell's.
pub fn sh(session: &Session, script: &str) -> Result<Finished, RunError> {
    session.run(&shell(script), &Cancel::new().unwrap())
}

/// A script as a command, with time for busy machines.
pub fn shell(script: &str) -> Command {
    let mut command = Command::new("sh", ["-c", script]);
    command.time = Duration::from_secs(60);
    command
}

/// What a script prints, which has to succeed.
pub fn says(session: &Session, script: &str) -> String {
    let finished = sh(session, script).unwrap();
    let [out, err] = [&finished.stdout, &finished.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert_eq!(finished.status, vox_container::Status::Exited(0), "{script}: {out}{err}");
    out.trim_end().to_owned()
}

/// A folder for writing with its upper folder, on the disk of the target folder.
pub struct Staged {
    pub root: tempfile::TempDir,
}

impl Staged {
    pub fn new() -> Self {
        Self::within(&state())
    }

    /// In a folder that someone else removes.
    pub fn within(folder: &Path) -> Self {
        let root = tempfile::tempdir_in(folder).unwrap();
        for name in ["live", "upper", "work"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        Self { root }
    }

    pub fn live(&self) -> PathBuf {
        self.root.path().join("live")
    }

    pub fn upper(&self) -> PathBuf {
        self.root.path().join("upper")
    }

    pub fn folder(&self) -> Folder {
        let access = Access::Write { upper: self.upper(), work: self.root.path().join("work") };
        Folder { host: self.live(), guest: "/work".to_owned(), access }
    }
}

/// Waits until something is so.
pub fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The containers of an owner that an engine still knows, running or not.
pub fn containers(kind: EngineKind, owner: u32) -> Vec<String> {
    let output = std::process::Command::new(kind.program())
        .args(["ps", "--all", "--no-trunc", "--filter=label=org.vox.owner", "--format={{.Names}}"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|name| name.starts_with(&format!("vox-{owner}-"))).map(str::to_owned).collect()
}

/// A folder with scripts in place of engines.
pub struct Fakes {
    pub folder: tempfile::TempDir,
}

impl Fakes {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Puts a script there. It may use what `/bin` and `/usr/bin` have by full path.
    pub fn script(&self, name: &str, body: &str) {
        let file = self.folder.path().join(name);
        fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn surroundings(&self) -> Surroundings {
        let path = OsString::from(self.folder.path());
        Surroundings::of([("PATH".into(), path), ("SECRET".into(), "canary".into())])
    }
}

/// Writes the tests of a file once for each engine.
#[macro_export]
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {
        mod podman { $(#[test] fn $name() { super::$name(vox_container::EngineKind::Podman); })* }
        mod docker { $(#[test] fn $name() { super::$name(vox_container::EngineKind::Docker); })* }
    };
}

/// Takes the part out of a `Result`, or leaves the test after saying what is missing.
#[macro_export]
macro_rules! want {
    ($what:expr, $found:expr) => {
        match $crate::common::needs::need($what, $found) {
            Some(part) => part,
            None => return,
        }
    };
}
