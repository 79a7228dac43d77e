//! What vox grants, and what stands behind it.

use anyhow::Result;
use std::path::Path;
use std::sync::Arc;
use vox_capabilities::files::{Access, FolderGrant};
use vox_capabilities::http::{Client, Options, StubResolver};
use vox_runtime::Services;

/// What stands behind the capabilities, as the command line has it: the system's name servers, a store of change sets,
/// and an authority of one's own where one is given, as PEM.
pub fn services(changes: &Path, authority: &[u8]) -> Services {
    let authority = authority.to_vec();
    let mut services = Services::default().with_http(move || {
        let resolver = StubResolver::system().map_err(|error| error.to_string())?;
        let mut options = Options::new(Arc::new(resolver));
        options.extra_roots.clone_from(&authority);
        Client::new(options).map_err(|error| error.to_string())
    });
    services.changes = Some(changes.to_owned());
    services
}

/// A granted folder, by the path under which a guest sees it.
///
/// # Errors
/// It cannot be granted.
pub fn folder(host: &Path, guest: &str, access: Access) -> Result<FolderGrant> {
    Ok(FolderGrant::parse(&format!("{}::{guest}", host.display()), access, Path::new("/"))?)
}
