//! The private folder of a session while it starts: the agent, its socket, and links to the folders of the host.
//!
//! Engines are given paths in here alone. The name of the folder is ours and plain, so that nothing in the name of a folder of
//! the host can have a meaning for an engine.

use super::StartError;
use super::folder::{Access, Checked};
use crate::check;
use crate::owner::Owner;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// The program that runs in the container; empty where there is none for this system.
static AGENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/agent"));

/// The file with what programs have to trust on the way out.
pub(super) const TRUST: &str = "authority.pem";

/// Where the sessions of all processes have their folders, below the state folder.
const SESSIONS: &str = "sessions";

/// The folder. Dropping it removes it; links are removed, never what they lead to.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    /// The name of the folder, and of the container.
    pub(super) name: String,
    /// The owner, as the label says.
    pub(super) owner: Owner,
}

impl Scratch {
    /// Makes the folder and what is in it, and listens. `trust` is what programs have to trust on the way out.
    pub(super) fn make(
        state: &Path,
        folders: &[Checked<'_>],
        trust: Option<&str>,
    ) -> Result<(Self, UnixListener), StartError> {
        if AGENT.is_empty() {
            return Err(StartError::NoAgent);
        }
        check::host_path(state).map_err(StartError::Scratch)?;
        let at = |error: io::Error| {
            StartError::Scratch(format!("a folder below {} cannot be made: {error}", state.display()))
        };
        let owner = Owner::this().map_err(at)?;
        let mut luck = [0; 8];
        getrandom::fill(&mut luck).map_err(|error| at(error.into()))?;
        let luck: String = luck.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("vox-{}-{}-{luck}", owner.pid, owner.started);
        let all = state.join(SESSIONS);
        DirBuilder::new().recursive(true).mode(0o700).create(&all).map_err(at)?;
        let path = all.join(&name);
        DirBuilder::new().mode(0o700).create(&path).map_err(at)?;
        let scratch = Self { path, name, owner };
        let listener = scratch.fill(folders, trust).map_err(at)?;
        Ok((scratch, listener))
    }

    fn fill(&self, folders: &[Checked<'_>], trust: Option<&str>) -> io::Result<UnixListener> {
        let open = self.path.join("open");
        fs::create_dir(&open)?;
        // Whatever the mask of this process is, the user in the container has to get in.
        fs::set_permissions(&open, Permissions::from_mode(0o755))?;
        let agent = open.join("agent");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(&agent)?;
        file.write_all(AGENT)?;
        drop(file);
        fs::set_permissions(&agent, Permissions::from_mode(0o755))?;
        let system = [("hosts", "127.0.0.1 localhost vox\n::1 localhost\n"), ("resolv.conf", "")];
        for (name, text) in system.into_iter().chain(trust.map(|text| (TRUST, text))) {
            let file = self.path.join(name);
            fs::write(&file, text)?;
            fs::set_permissions(&file, Permissions::from_mode(0o644))?;
        }
        // The path of a socket may have 107 bytes, the state folder more: the descriptor makes it short.
        let folder = fs::File::open(&open)?;
        let short = format!("/proc/self/fd/{}/socket", folder.as_raw_fd());
        let listener = UnixListener::bind(short)?;
        listener.set_nonblocking(true)?;
        fs::set_permissions(open.join("socket"), Permissions::from_mode(0o666))?;
        for (at, checked) in folders.iter().enumerate() {
            symlink(&checked.folder.host, self.path.join(format!("host{at}")))?;
            if let Access::Write { upper, work } = &checked.folder.access {
                symlink(upper, self.path.join(format!("upper{at}")))?;
                symlink(work, self.path.join(format!("work{at}")))?;
            }
        }
        Ok(listener)
    }

    /// A path in the folder, as text: the state folder was checked, the rest is ours.
    pub(super) fn at(&self, name: &str) -> String {
        self.path.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is removed by the next sweep.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The folders of owners that are gone.
pub(crate) fn forsaken(state: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(state.join(SESSIONS)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| Owner::parse(name.strip_prefix("vox-")?.rsplit_once('-')?.0));
        if owner.is_some_and(|owner| !owner.lives()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Removes the folders of owners that are gone; how many there were.
pub(crate) fn sweep(state: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for folder in forsaken(state)? {
        match fs::remove_dir_all(folder) {
            Ok(()) => removed += 1,
            // Another process sweeps as well.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}
