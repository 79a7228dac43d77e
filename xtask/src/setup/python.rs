//! `componentize-py`, which makes the component written in Python that the tests call.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{Part, apt};
use crate::process;
use crate::repo::Repo;

const VERSION: &str = "0.25.1";

/// Where the program stands once it is set up. The version is in the path, so a new one replaces nothing.
pub fn componentize_py(repo: &Repo) -> PathBuf {
    environment(repo).join("bin/componentize-py")
}

fn environment(repo: &Repo) -> PathBuf {
    repo.cache.join(format!("componentize-py-{VERSION}"))
}

/// The virtual environment as a part of set-up.
pub struct ComponentizePy;

impl Part for ComponentizePy {
    fn name(&self) -> &'static str {
        "componentize-py"
    }

    fn missing(&self, repo: &Repo) -> Result<Option<String>> {
        // Asked by running it: an interrupted installation or a Python that has gone shows here.
        let works = process::succeeds(Command::new(componentize_py(repo)).arg("--version"));
        Ok((!works).then(|| format!("{VERSION} is not installed")))
    }

    fn install(&self, repo: &Repo) -> Result<()> {
        let environment = environment(repo);
        if environment.exists() {
            fs::remove_dir_all(&environment)?;
        }
        let venv = |repo: &Repo| {
            let mut make = Command::new("python3");
            make.args(["-m", "venv"]).arg(self::environment(repo));
            make
        };
        if process::capture(&mut venv(repo)).is_err() {
            // Debian splits the module that makes environments off Python.
            apt::install(&["python3-venv"])?;
            process::capture(&mut venv(repo))?;
        }
        let mut pip = Command::new(environment.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet"]).arg(format!("componentize-py=={VERSION}"));
        process::capture(&mut pip)?;
        Ok(())
    }
}
