//! The bundle as the runtime sees it: parts by name, and linking.

use crate::{Bundle, Part, compose};
use std::sync::Arc;
use vox_model::{Artifact, Digest, Library, LibraryError};

/// A bundle whose parts are called by name and linked into skills.
pub struct Linkable {
    parts: Vec<vox_model::Part>,
}

impl Linkable {
    /// Lists the parts; nothing is decompressed until it is wanted.
    pub fn new(bundle: &'static Bundle) -> Self {
        let part = |part: &'static Part| {
            let component = part.component();
            // The manifest's digests are hexadecimal by its own check; a part without one is never found.
            let digest: Digest = component.sha256().parse().ok()?;
            Some(vox_model::Part {
                name: part.name().to_owned(),
                description: part.description().to_owned(),
                interface: part.interface().to_owned(),
                size: component.size() as u64,
                artifact: Artifact::lazy(part.name(), digest, || {
                    component.bytes().map(Arc::from).map_err(|error| error.to_string())
                }),
            })
        };
        Self { parts: bundle.parts().iter().filter_map(part).collect() }
    }
}

impl Library for Linkable {
    fn parts(&self) -> &[vox_model::Part] {
        &self.parts
    }

    fn link(&self, skill: &[u8], interfaces: &[String]) -> Result<Arc<[u8]>, LibraryError> {
        let mut components: Vec<(&str, Arc<[u8]>)> = Vec::new();
        for interface in interfaces {
            let part = self
                .serving(interface)
                .ok_or_else(|| LibraryError(format!("the bundle does not serve {interface}")))?;
            // One part may serve several versions of its interface: it is linked in once.
            if !components.iter().any(|(name, _)| *name == part.name) {
                components.push((&part.name, part.artifact.bytes().map_err(LibraryError)?));
            }
        }
        let parts: Vec<(&str, &[u8])> = components.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
        // The composer checks invariants by panicking, and the skill is a stranger's: a panic is a skill that does not
        // link.
        let linked = std::panic::catch_unwind(|| compose::link(("the skill", skill), &parts))
            .map_err(|_| LibraryError("the composer gave up on it".to_owned()))?
            .map_err(|error| LibraryError(chain(&error)))?;
        Ok(linked.component.into())
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
