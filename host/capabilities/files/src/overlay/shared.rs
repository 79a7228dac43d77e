//! The side of an overlay that programs are given.

use super::core::Core;
use super::layer::{Layer, TICK};
use crate::sys::{self, Root};
use crate::tree::{FsError, FsResult};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vox_model::programs::{Mount, MountAccess, ProgramError, SharedFolder};
use vox_model::{Capability, Limit};

/// The name of the folder with layers within a draft.
pub(super) const LAYERS: &str = "layers";

/// An overlay as programs get it.
pub(crate) struct Shared {
    core: Arc<Core>,
    draft: PathBuf,
    host: PathBuf,
    guest: String,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    layer: Option<Layer>,
    /// How many layers there were: each session has one of its own, since the last may still be mounted.
    count: u64,
    /// How often the skill had written when both sides were last the same.
    seen: u64,
    /// Whether it wrote before the last look without programs having seen it.
    dirty: bool,
}

impl Shared {
    pub(crate) fn new(core: Arc<Core>, draft: &Path, host: PathBuf, guest: String) -> Self {
        Self { core, draft: draft.to_owned(), host, guest, inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lay(&self, inner: &mut Inner) -> FsResult<(PathBuf, PathBuf)> {
        let layers = self.draft.join(LAYERS);
        inner.layer = None;
        // Programs of the last session have ended; what the engine has not unmounted yet is removed with the draft.
        let _ = sys::remove_tree(&layers.join(inner.count.to_string()));
        inner.count += 1;
        let here = layers.join(inner.count.to_string());
        let [upper, work] = ["upper", "work"].map(|name| here.join(name));
        for folder in [&upper, &work] {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        // The layer's own mode is that of the folder that programs see.
        let mode = self.core.lower.meta(&crate::tree::Place::default())?.stamp.mode;
        let root = Root::open(&std::fs::canonicalize(&upper)?)?;
        root.set_mode(&crate::tree::Place::default(), mode | 0o700)?;
        inner.seen = self.core.writes();
        inner.dirty = false;
        self.core.lay(&root)?;
        // From here on whatever changes a file gives it another time.
        std::thread::sleep(TICK);
        inner.layer = Some(Layer::fresh(root, self.core.meter.quota.entries)?);
        Ok((upper, work))
    }
}

impl SharedFolder for Shared {
    fn guest(&self) -> &str {
        &self.guest
    }

    fn mount(&self, guest: &str) -> Result<Mount, String> {
        let laid = self.lay(&mut self.inner());
        let (upper, work) =
            laid.map_err(|error| format!("what was written to `{}` cannot be shown to programs: {error}", self.guest))?;
        let access = MountAccess::Write { upper, work };
        Ok(Mount { host: self.host.clone(), guest: guest.to_owned(), access })
    }

    fn stale(&self) -> bool {
        let inner = self.inner();
        inner.dirty || inner.seen != self.core.writes()
    }

    fn over(&self) -> Option<String> {
        let quota = self.core.meter.quota;
        let weight = self.inner().layer.as_ref()?.weight(quota.entries);
        match weight {
            Ok((bytes, entries)) if bytes <= quota.bytes && entries <= quota.entries => None,
            // What goes away while it is counted says nothing.
            Err(error) if !matches!(error, FsError::Quota) => None,
            Ok(_) | Err(_) => Some(format!(
                "programs wrote more into `{}` than may be staged: {} MiB in {} entries",
                self.guest,
                quota.bytes >> 20,
                quota.entries
            )),
        }
    }

    fn take(&self) -> Result<Vec<String>, ProgramError> {
        let mut inner = self.inner();
        if inner.layer.is_none() {
            return Ok(Vec::new());
        }
        if !self.core.audit.scope().allows(Capability::FilesystemRw, "take-over", &self.guest) {
            let text = format!("writing to `{}` was taken back while programs ran", self.guest);
            self.core.spoil(&text);
            return Err(ProgramError::Denied(text));
        }
        inner.dirty |= inner.seen != self.core.writes();
        let Some(layer) = inner.layer.as_mut() else { return Ok(Vec::new()) };
        let taken = self.core.absorb(layer);
        inner.seen = self.core.writes();
        let guest = self.guest.trim_end_matches('/');
        match taken {
            Ok(left) => Ok(left.into_iter().map(|line| format!("{guest}/{line}")).collect()),
            Err(error) => {
                let text = match &error {
                    FsError::Quota => format!("programs wrote more into `{}` than may be staged", self.guest),
                    error => format!("what programs wrote into `{}` cannot be taken over: {error}", self.guest),
                };
                self.core.spoil(&text);
                Err(match error {
                    FsError::Quota => ProgramError::Limit { limit: Limit::Output, text },
                    _ => ProgramError::Unavailable(text),
                })
            }
        }
    }
}

/// A folder that programs see as it is.
pub(crate) struct Plain {
    host: PathBuf,
    guest: String,
    through: bool,
}

impl Plain {
    pub(crate) fn new(host: PathBuf, guest: String, through: bool) -> Self {
        Self { host, guest, through }
    }
}

impl SharedFolder for Plain {
    fn guest(&self) -> &str {
        &self.guest
    }

    fn mount(&self, guest: &str) -> Result<Mount, String> {
        let access = if self.through { MountAccess::Direct } else { MountAccess::Read };
        Ok(Mount { host: self.host.clone(), guest: guest.to_owned(), access })
    }

    fn stale(&self) -> bool {
        false
    }

    fn over(&self) -> Option<String> {
        None
    }

    fn take(&self) -> Result<Vec<String>, ProgramError> {
        Ok(Vec::new())
    }
}

/// Removes the layers of a draft that is about to be sealed.
pub(super) fn remove_layers(draft: &Path) -> io::Result<()> {
    sys::remove_tree(&draft.join(LAYERS))
}
