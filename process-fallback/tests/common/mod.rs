//! Sessions for tests, as root and as an ordinary user.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use vox_model::programs::{
    Command, Finished, Mount, MountAccess, ProgramError, ProgramSession, Programs, SessionSetup, Status, Stop,
};
use vox_process::Trusted;

/// Whom a session belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The user of the tests.
    Me,
    /// User 65534, in a user name space. Only root can become it.
    Nobody,
}

/// Everybody whom these tests can be and to whom this machine offers the tier. Who is left out is named; with `CI` set that
/// is a failure, because everything has to be tested there.
#[allow(clippy::print_stderr, reason = "a test that is left out says so")]
pub fn everybody() -> Vec<Who> {
    let all: &[Who] = if rustix::process::geteuid().is_root() { &[Who::Me, Who::Nobody] } else { &[Who::Me] };
    let offered = |who: &Who| match Bench::new(*who).tier.offer() {
        Ok(_) => true,
        Err(lack) => {
            assert!(std::env::var_os("CI").is_none(), "{who:?}: {}; {}", lack.what, lack.fix);
            eprintln!("left out for {who:?}: {}; {}", lack.what, lack.fix);
            false
        }
    };
    all.iter().copied().filter(offered).collect()
}

/// One of them, for what does not depend on the user.
pub fn somebody() -> Option<Who> {
    everybody().first().copied()
}

/// A tier and a folder to work in.
pub struct Bench {
    pub who: Who,
    pub tier: Trusted,
    pub root: TempDir,
}

impl Bench {
    pub fn new(who: Who) -> Self {
        let words: Vec<OsString> = if who == Who::Nobody { vec!["nobody".into()] } else { Vec::new() };
        let tier = Trusted::new(env!("CARGO_BIN_EXE_vox-process-launcher").into(), words);
        let bench = Self { who, tier, root: tempfile::tempdir().unwrap() };
        bench.give(bench.root.path());
        bench
    }

    /// Gives a path to the user of the sessions.
    pub fn give(&self, path: &Path) {
        if self.who == Who::Nobody {
            chown(path, Some(65534), Some(65534)).unwrap();
        }
    }

    /// A new folder below the root.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.root.path().join(name);
        fs::create_dir(&folder).unwrap();
        self.give(&folder);
        folder
    }

    /// A new file.
    pub fn file(&self, path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        self.give(path);
    }

    /// A folder as it is mounted.
    pub fn mount(&self, host: &Path, guest: &str, access: MountAccess) -> Mount {
        Mount { host: host.to_owned(), guest: guest.to_owned(), access }
    }

    /// A staged folder, and its layer.
    pub fn staged(&self, host: &Path, guest: &str) -> (Mount, PathBuf) {
        let name = host.file_name().unwrap().to_str().unwrap();
        let (upper, work) = (self.folder(&format!("{name}-upper")), self.folder(&format!("{name}-work")));
        (self.mount(host, guest, MountAccess::Write { upper: upper.clone(), work }), upper)
    }

    pub fn start(&self, folders: Vec<Mount>) -> Box<dyn ProgramSession> {
        self.try_start(folders).unwrap_or_else(|error| panic!("{:?}: {error}", self.who))
    }

    pub fn try_start(&self, folders: Vec<Mount>) -> Result<Box<dyn ProgramSession>, ProgramError> {
        let setup = SessionSetup {
            call: "test".to_owned(),
            memory: 128 << 20,
            folders,
            devices: Vec::new(),
            outlet: None,
            image: None,
        };
        self.tier.start(&setup)
    }
}

/// A command in `/`.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    Command {
        program: program.to_owned(),
        arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
        environment: Vec::new(),
        folder: "/".to_owned(),
        input: Vec::new(),
        time: Duration::from_secs(60),
        cpu: Duration::from_secs(30),
        output: 1 << 20,
    }
}

/// Runs a shell script.
pub fn sh(session: &dyn ProgramSession, script: &str) -> Finished {
    run(session, &command("/bin/sh", &["-c", script]))
}

/// Runs Python.
pub fn python(session: &dyn ProgramSession, script: &str) -> Finished {
    run(session, &command("/usr/bin/python3", &["-c", script]))
}

pub fn run(session: &dyn ProgramSession, command: &Command) -> Finished {
    session.run(command, &Stop::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Standard output of a script that ends well.
pub fn said(finished: &Finished) -> String {
    let [out, err] = [&finished.stdout, &finished.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert_eq!(finished.status, Status::Exited(0), "{out}{err}");
    out
}
