//! Other systems than Linux on x86-64: the tier is not offered.

use std::ffi::OsString;
use std::path::PathBuf;
use vox_model::programs::{Device, Lack, Offered, ProgramError, ProgramSession, Programs, SessionSetup};

const NOT_HERE: &str = "the process tier needs Linux on x86-64";

/// Runs no programs on this system, and says so.
#[derive(Debug)]
pub struct Trusted;

impl Trusted {
    /// Nothing is looked for here.
    pub fn new(_program: PathBuf, _words: Vec<OsString>) -> Self {
        Self
    }
}

/// There is no launcher on this system.
pub fn launch(_words: &[String]) -> u8 {
    1
}

impl Programs for Trusted {
    fn offer(&self) -> Result<Offered, Lack> {
        Err(Lack { what: NOT_HERE.to_owned(), fix: "run without `--trust`, in a container".to_owned() })
    }

    fn start(&self, _setup: &SessionSetup) -> Result<Box<dyn ProgramSession>, ProgramError> {
        Err(ProgramError::Unavailable(NOT_HERE.to_owned()))
    }

    fn devices(&self) -> Result<Vec<Device>, ProgramError> {
        Ok(Vec::new())
    }

    fn told(&self) -> Result<String, String> {
        Err(NOT_HERE.to_owned())
    }
}
