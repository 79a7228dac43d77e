//! `podman run` of an image that holds one static binary.

use crate::contenders::process::{Process, find};
use crate::runner::{Contender, Usage};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// `regex.escape` as a C program: the smallest thing a container can hold that does the same.
const PROGRAM: &str = r##"
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
    for (const char *c = argc > 1 ? argv[1] : ""; *c; c++) {
        if (strchr("\\.+*?()|[]{}^$#&-~", *c)) putchar('\\');
        putchar(*c);
    }
    return 0;
}
"##;

/// A container for each call. Takes its image away again when it is dropped.
pub struct Podman {
    podman: PathBuf,
    image: String,
    process: Process,
}

impl Podman {
    /// Builds the binary and the image.
    ///
    /// # Errors
    /// Podman or the C compiler is missing, or one of them does not work here.
    pub fn new(folder: &Path, text: &str) -> Result<Self> {
        let podman = find("podman")?;
        let gcc = find("gcc").context("no static binary for the image")?;
        let source = folder.join("escape.c");
        std::fs::write(&source, PROGRAM)?;
        quietly(Command::new(gcc).args(["-O2", "-static", "-o"]).arg(folder.join("escape")).arg(&source))?;
        let archive = folder.join("image.tar");
        quietly(Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(folder).arg("escape"))?;
        let image = format!("localhost/vox-bench-{}", std::process::id());
        quietly(Command::new(&podman).arg("import").arg(&archive).arg(&image))?;
        let process = Process::new(&podman, arguments(&image, text));
        let mut made = Self { podman, image, process };
        made.process.once().context("podman does not run here")?;
        Ok(made)
    }

    /// The version, for the record.
    pub fn flags() -> String {
        arguments("IMAGE", "TEXT").join(" ")
    }
}

fn arguments(image: &str, text: &str) -> Vec<String> {
    run(image, &["/escape", text])
}

/// `podman run` of a command in an image, as the arguments of Podman: the least that it takes, without a network.
pub fn run(image: &str, command: &[&str]) -> Vec<String> {
    let mut words =
        vec!["run", "--rm", "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
    if find("runc").is_ok() {
        words.extend(["--runtime", "runc"]);
    }
    words.push(image);
    words.extend(command);
    words.into_iter().map(str::to_owned).collect()
}

fn quietly(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", command.get_program().to_string_lossy(), said.lines().next().unwrap_or_default());
    }
    Ok(())
}

impl Contender for Podman {
    fn once(&mut self) -> Result<Vec<u8>> {
        self.process.once()
    }

    fn batch(&mut self, count: u64) -> Result<Duration> {
        self.process.batch(count)
    }

    fn usage(&self) -> Option<Usage> {
        self.process.usage()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = quietly(Command::new(&self.podman).args(["rmi", "--force", &self.image]));
    }
}
