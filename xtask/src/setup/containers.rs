//! What the tests of the container tier need: two engines, Docker's daemon, and the image that programs run in.
//!
//! Where none of it can be installed (no apt, no root), the tests that need it are left out with a word about it; with `CI` set,
//! everything has to be there.

#[path = "../../../container-fallback/src/image/recipe.rs"]
mod recipe;

use std::env;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Part, apt};
use crate::process;
use crate::repo::Repo;
use crate::say;

/// Programs, and the Debian packages that hold them.
const PROGRAMS: [(&str, &str); 5] = [
    ("podman", "podman"),
    ("runc", "runc"),
    ("docker", "docker.io"),
    ("dockerd", "docker.io"),
    ("mmdebstrap", "mmdebstrap"),
];

/// Both engines.
const ENGINES: [&str; 2] = ["podman", "docker"];

/// How long a daemon may take to answer after its start.
const STARTING: Duration = Duration::from_secs(30);

/// The parts, in order: each needs the one before it.
pub fn parts() -> Vec<Box<dyn Part>> {
    vec![Box::new(Programs), Box::new(Daemon), Box::new(Image)]
}

/// Says what is left out, where nothing can be done about it here; otherwise it is missing.
fn lacking(what: String) -> Option<String> {
    if apt::usable() || env::var_os("CI").is_some() {
        return Some(what);
    }
    say::step(&format!(
        "the tests of containers are left out: {what}; as root on Debian `cargo xtask setup` installs it, elsewhere \
         install Podman, Docker and mmdebstrap with the system's package manager"
    ));
    None
}

fn lacks(program: &str) -> bool {
    process::on_path(program).is_none()
}

struct Programs;

impl Part for Programs {
    fn name(&self) -> &'static str {
        "the container engines"
    }

    fn missing(&self, _: &Repo) -> Result<Option<String>> {
        let names: Vec<&str> = PROGRAMS.iter().map(|(program, _)| *program).filter(|program| lacks(program)).collect();
        if names.is_empty() {
            return Ok(None);
        }
        Ok(lacking(format!("{} not on PATH", names.join(", "))))
    }

    fn install(&self, _: &Repo) -> Result<()> {
        let mut packages: Vec<&str> =
            PROGRAMS.iter().filter(|(program, _)| lacks(program)).map(|(_, package)| *package).collect();
        packages.dedup();
        apt::install(&packages)
    }
}

struct Daemon;

impl Part for Daemon {
    fn name(&self) -> &'static str {
        "Docker's daemon"
    }

    fn missing(&self, _: &Repo) -> Result<Option<String>> {
        if lacks("docker") || answers() {
            return Ok(None);
        }
        Ok(lacking("Docker's daemon does not answer `docker version`".to_owned()))
    }

    fn install(&self, repo: &Repo) -> Result<()> {
        if Path::new("/run/systemd/system").is_dir() {
            let mut start = apt::as_root("systemctl")?;
            process::capture(start.args(["start", "docker"]))?;
            return if answers() { Ok(()) } else { bail!("the daemon was started and does not answer this user") };
        }
        // Without a service manager it is started by hand. Containers here have no network, so it makes none.
        for storage in ["overlay2", "vfs"] {
            if start(repo, storage)? {
                return Ok(());
            }
            say::step(&format!("Docker's daemon does not start with the storage driver {storage}"));
        }
        bail!("Docker's daemon does not start; {} says why", log(repo).display())
    }
}

fn answers() -> bool {
    process::succeeds(Command::new("docker").args(["version", "--format={{.Server.Version}}"]))
}

fn log(repo: &Repo) -> std::path::PathBuf {
    repo.cache.join("dockerd.log")
}

/// Starts the daemon and waits until it answers or ends.
fn start(repo: &Repo, storage: &str) -> Result<bool> {
    let log = log(repo);
    let to = File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
    let mut daemon = apt::as_root("dockerd")?;
    daemon
        .args(["--iptables=false", "--ip6tables=false", "--bridge=none"])
        .arg(format!("--storage-driver={storage}"))
        .stdin(Stdio::null())
        .stdout(to.try_clone()?)
        .stderr(to)
        .current_dir("/")
        // It stays when this program ends, also when the terminal sends an interrupt to its group.
        .process_group(0);
    let mut child = daemon.spawn().context("`dockerd` could not be started")?;
    let begin = Instant::now();
    while begin.elapsed() < STARTING {
        if answers() {
            return Ok(true);
        }
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(200));
    }
    // It may have ended in between.
    let _ = child.kill();
    let _ = child.wait();
    Ok(false)
}

struct Image;

impl Image {
    /// The engines that answer and do not have it.
    fn without() -> Vec<&'static str> {
        ENGINES
            .into_iter()
            .filter(|engine| !lacks(engine) && (*engine != "docker" || answers()) && !has(engine))
            .collect()
    }
}

fn has(engine: &str) -> bool {
    process::capture(Command::new(engine).args(recipe::find()).stderr(Stdio::null()))
        .is_ok_and(|ids| !ids.trim().is_empty())
}

impl Part for Image {
    fn name(&self) -> &'static str {
        "the image of the sandbox"
    }

    fn missing(&self, _: &Repo) -> Result<Option<String>> {
        let without = Self::without();
        if without.is_empty() {
            return Ok(None);
        }
        Ok(lacking(format!(
            "{} {} not have {}",
            without.join(" and "),
            if without.len() > 1 { "do" } else { "does" },
            recipe::NAME
        )))
    }

    fn install(&self, repo: &Repo) -> Result<()> {
        let tar = repo.cache.join(format!("{}.tar", recipe::RECIPE));
        let partial = tar.with_extension("partial");
        if !tar.is_file() {
            say::step("making the image of the sandbox from Debian's packages (a minute, 300 MB)");
            let words = recipe::archive(&partial.to_string_lossy());
            process::capture(Command::new(&words[0]).args(&words[1..]))?;
            fs::rename(&partial, &tar)?;
        }
        for engine in Self::without() {
            process::capture(Command::new(engine).args(recipe::import(&tar.to_string_lossy())))?;
        }
        // Both engines have their own copy now.
        fs::remove_file(&tar)?;
        Ok(())
    }
}
