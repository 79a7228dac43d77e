//! The process tier as the rest of vox knows it.

use crate::limits;
use crate::probe::probe;
use crate::session::Session;
use crate::wire::{Access, Folder, Setup};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;
use vox_model::programs::{
    Device, Lack, Mount, MountAccess, Offered, ProgramError, ProgramSession, Programs, SessionSetup,
};

/// Told with every outcome: the tier, and how it is weaker than a container.
const WEAKER: &str = "programs ran in the process tier, because this skill is trusted: with the programs and the kernel of \
     this machine, with the memory of the call for each process, and without a way to the network";

/// Runs programs in confined processes of this machine. It does so whenever it is asked: that a person trusts the skill is
/// decided before. Nothing is started or measured before somebody asks.
#[derive(Debug)]
pub struct Trusted {
    program: PathBuf,
    words: Vec<OsString>,
    offered: OnceLock<Result<Offered, Lack>>,
}

impl Trusted {
    /// A tier whose launcher is `program`, which calls [`launch`](crate::launch) with the words that follow `words` on its
    /// command line, before it does anything else.
    pub fn new(program: PathBuf, words: Vec<OsString>) -> Self {
        Self { program, words, offered: OnceLock::new() }
    }
}

impl Programs for Trusted {
    fn offer(&self) -> Result<Offered, Lack> {
        let measured = self.offered.get_or_init(|| {
            let by = probe(&self.program, &self.words)?;
            Ok(Offered { by, weaker: Some(WEAKER.to_owned()) })
        });
        measured.clone()
    }

    fn start(&self, setup: &SessionSetup) -> Result<Box<dyn ProgramSession>, ProgramError> {
        let unavailable = |lack: Lack| ProgramError::Unavailable(lack.told());
        self.offer().map_err(unavailable)?;
        if !setup.devices.is_empty() {
            let text = "accelerators are attached to containers only; run without `--trust`";
            return Err(ProgramError::Unavailable(text.to_owned()));
        }
        let folders = setup.folders.iter().map(folder).collect();
        let setup = Setup { memory: limits::memory(setup.memory), folders, measures: false };
        Ok(Box::new(Session::start(&self.program, &self.words, &setup).map_err(unavailable)?))
    }

    fn devices(&self) -> Result<Vec<Device>, ProgramError> {
        Ok(Vec::new())
    }
}

fn folder(mount: &Mount) -> Folder {
    let access = match &mount.access {
        MountAccess::Read => Access::Read,
        MountAccess::Direct => Access::Direct,
        MountAccess::Write { upper, work } => {
            Access::Write { upper: upper.clone().into_os_string(), work: work.clone().into_os_string() }
        }
    };
    Folder { host: mount.host.clone().into_os_string(), guest: mount.guest.clone(), access }
}
