//! What stands behind the capabilities of a host.

use crate::granted::Granted;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use vox_cap_http::Client;
use vox_cap_kv::Home;
use vox_cap_log::{LogSink, TracingSink};
use vox_model::programs::Programs;

/// Makes the way to the network when the first skill needs it: trusted authorities and name servers are read then.
type Dial = dyn Fn() -> Result<Client, String> + Send + Sync;

/// Folders, sinks and clients that the calls of one host share. The default has none: a skill that needs one is told
/// so when it is called.
#[derive(Clone)]
pub struct Services {
    /// The folder where staged writes wait for approval. Without it no folder can be granted for writing, except
    /// through.
    pub changes: Option<PathBuf>,
    /// Where the stores of skills are.
    pub kv: Option<Arc<Home>>,
    /// The folder where scripts lie while they run, as they were inspected. Without it no script runs.
    pub scripts: Option<PathBuf>,
    /// Where log lines go.
    pub log: Arc<dyn LogSink>,
    http: Option<Arc<Http>>,
    programs: Option<Arc<dyn Programs>>,
    trusted: Option<Arc<dyn Programs>>,
}

struct Http {
    dial: Box<Dial>,
    client: OnceLock<Result<Client, String>>,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            changes: None,
            kv: None,
            scripts: None,
            log: Arc::new(TracingSink),
            http: None,
            programs: None,
            trusted: None,
        }
    }
}

impl Services {
    /// How the network is reached. `dial` is asked once, when the first call needs it.
    #[must_use]
    pub fn with_http(mut self, dial: impl Fn() -> Result<Client, String> + Send + Sync + 'static) -> Self {
        self.http = Some(Arc::new(Http { dial: Box::new(dial), client: OnceLock::new() }));
        self
    }

    /// What runs programs for skills.
    #[must_use]
    pub fn with_programs(mut self, programs: Arc<dyn Programs>) -> Self {
        self.programs = Some(programs);
        self
    }

    /// What runs programs; none where the host was given nothing that does.
    pub fn programs(&self) -> Option<&Arc<dyn Programs>> {
        self.programs.as_ref()
    }

    /// What runs programs for skills that a person trusts, in place of what runs them for others.
    #[must_use]
    pub fn with_trusted(mut self, programs: Arc<dyn Programs>) -> Self {
        self.trusted = Some(programs);
        self
    }

    /// What runs programs for trusted skills; none where the host was given nothing that does.
    pub fn trusted(&self) -> Option<&Arc<dyn Programs>> {
        self.trusted.as_ref()
    }

    /// What runs programs under these grants: one or the other by the trust that a person gave, and never one for want of
    /// the other.
    pub(crate) fn programs_for(&self, granted: &Granted) -> Option<&Arc<dyn Programs>> {
        if granted.subprocess.trust { self.trusted() } else { self.programs() }
    }

    /// The client, made now if it was not needed before.
    ///
    /// # Errors
    /// There is no way to the network, or it cannot be set up.
    pub(crate) fn client(&self) -> Result<Client, String> {
        let http = self.http.as_ref().ok_or("this host has no way to the network")?;
        http.client.get_or_init(|| (http.dial)()).clone()
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services")
            .field("kv", &self.kv.is_some())
            .field("http", &self.http.is_some())
            .field("programs", &self.programs.is_some())
            .field("trusted", &self.trusted.is_some())
            .finish_non_exhaustive()
    }
}
