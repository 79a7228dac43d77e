//! Running `vox` as a person does, with nothing of this process's surroundings.

use crate::places;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder to run in and a `VOX_HOME` of its own.
pub struct Place {
    folder: tempfile::TempDir,
    program: PathBuf,
    bundle: Option<PathBuf>,
}

/// What a command gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit status, none when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Place {
    /// An empty place.
    ///
    /// # Errors
    /// `vox` is not built.
    pub fn new() -> Result<Self, String> {
        Self::at(tempfile::tempdir())
    }

    /// An empty place where making things durable costs nothing, if there is such a one: for commands that run often.
    ///
    /// # Errors
    /// `vox` is not built.
    pub fn in_memory() -> Result<Self, String> {
        Self::at(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()))
    }

    fn at(folder: std::io::Result<tempfile::TempDir>) -> Result<Self, String> {
        let folder = folder.map_err(|error| error.to_string())?;
        std::fs::create_dir(folder.path().join("work")).map_err(|error| error.to_string())?;
        Ok(Self { folder, program: places::vox()?, bundle: places::bundle().ok().flatten() })
    }

    /// The folder that holds all of the place.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A place with these guests of the tests in its working folder.
    ///
    /// # Errors
    /// `vox` or a guest is not built.
    pub fn with_guests(guests: &[&str]) -> Result<Self, String> {
        let place = Self::new()?;
        for guest in guests {
            std::fs::copy(places::guest(guest)?, place.work().join(format!("{guest}.wasm")))
                .map_err(|error| error.to_string())?;
        }
        Ok(place)
    }

    /// Runs `vox` with these arguments and expects this exit code.
    ///
    /// # Panics
    /// It is another.
    pub fn expect(&self, code: i32, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}\n{}{}", ran.stdout, ran.stderr);
        ran
    }

    /// The folder that commands run in.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The folder that `VOX_HOME` names.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Writes a file into the work folder.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.work().join(name);
        std::fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// The same program in this place, for accounts that cannot reach the one of the tests; and the bundle with it.
    ///
    /// # Errors
    /// It cannot be copied.
    pub fn bring_program(&mut self) -> std::io::Result<()> {
        let copy = self.folder.path().join("program");
        std::fs::create_dir(&copy)?;
        std::fs::copy(&self.program, copy.join("vox"))?;
        self.program = copy.join("vox");
        if let Some(bundle) = &mut self.bundle {
            for part in std::fs::read_dir(&*bundle)? {
                let part = part?;
                if part.file_type()?.is_file() {
                    std::fs::copy(part.path(), copy.join(part.file_name()))?;
                }
            }
            *bundle = copy;
        }
        Ok(())
    }

    /// A command in this place: an empty environment but for `VOX_HOME`, a search path, and the bundle under test.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let beside = self.program.parent().unwrap_or(Path::new("/"));
        command
            .env_clear()
            .current_dir(self.work())
            .env("VOX_HOME", self.home())
            .env("PATH", format!("{}:/usr/bin:/bin", beside.display()))
            .env("COLUMNS", "100")
            .stdin(Stdio::null());
        if let Some(bundle) = &self.bundle {
            command.env("VOX_BUNDLE_DIR", bundle);
        }
        command
    }

    /// `vox` with these arguments.
    pub fn vox(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.program);
        command.args(arguments);
        command
    }

    /// Runs `vox` with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        ran(&mut self.vox(arguments))
    }

    /// Runs a line of shell, in which `vox` is the program under test.
    pub fn shell(&self, line: &str) -> Ran {
        let mut command = self.command(Path::new("/bin/sh"));
        command.args(["-c", line]);
        ran(&mut command)
    }

    /// Runs `vox` with this on standard input.
    ///
    /// # Panics
    /// It does not start.
    pub fn feed(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut command = self.vox(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{error}"));
        let mut pipe = child.stdin.take();
        let written = pipe.as_mut().map(|pipe| pipe.write_all(input));
        drop((pipe, written));
        child.wait_with_output().map_or_else(|error| panic!("{error}"), Ran::from)
    }
}

/// Runs a command to its end.
///
/// # Panics
/// It does not start.
pub fn ran(command: &mut Command) -> Ran {
    command.output().map_or_else(|error| panic!("{command:?}: {error}"), Ran::from)
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
