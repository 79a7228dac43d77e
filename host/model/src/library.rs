//! Components that other skills can be linked with.

use crate::Artifact;
use std::sync::Arc;

/// One component of a library.
#[derive(Clone, Debug)]
pub struct Part {
    /// The name people call it by, such as `json`.
    pub name: String,
    /// What it is for, one line.
    pub description: String,
    /// The interface it serves, such as `vox:bundle/json@0.1.0`.
    pub interface: String,
    /// Bytes of the component.
    pub size: u64,
    /// The component.
    pub artifact: Artifact,
}

/// A set of components that are called by name and linked into skills that import their interfaces.
///
/// The bundle implements it; the runtime is handed one and knows nothing of where it comes from.
pub trait Library: Send + Sync {
    /// All parts, in the order in which they are shown.
    fn parts(&self) -> &[Part];

    /// Links the parts that serve these interfaces into a component.
    ///
    /// # Errors
    /// See [`LibraryError`].
    fn link(&self, skill: &[u8], interfaces: &[String]) -> Result<Arc<[u8]>, LibraryError>;

    /// The part of this name.
    fn part(&self, name: &str) -> Option<&Part> {
        self.parts().iter().find(|part| part.name == name)
    }

    /// The part that serves an interface: the same package and name, and a compatible version.
    fn serving(&self, interface: &str) -> Option<&Part> {
        self.parts().iter().find(|part| compatible(interface, &part.interface))
    }
}

/// A part could not be linked into a skill; the text names the interface and both sides.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct LibraryError(pub String);

/// Whether `wanted` can be served by `served`: equal names, and versions of one compatible line with the served
/// one not older (Semantic Versioning 2.0.0 §4 and §8: below 1.0 the minor version is the line).
fn compatible(wanted: &str, served: &str) -> bool {
    let parse = |text: &str| text.parse::<crate::InterfaceId>().ok();
    let (Some(wanted), Some(served)) = (parse(wanted), parse(served)) else {
        return false;
    };
    let numbers = |version: &Option<String>| -> Option<[u64; 3]> {
        let mut parts = version.as_deref()?.splitn(3, '.').map(|n| n.parse().ok());
        Some([parts.next()??, parts.next()??, parts.next()??])
    };
    if wanted.package != served.package || wanted.name != served.name {
        return false;
    }
    match (numbers(&wanted.version), numbers(&served.version)) {
        (Some([0, 0, patch]), Some(served)) => served == [0, 0, patch],
        (Some([0, minor, patch]), Some(served)) => served[0] == 0 && served[1] == minor && served[2] >= patch,
        (Some(wanted), Some(served)) => served[0] == wanted[0] && served[1..] >= wanted[1..],
        _ => wanted.version == served.version,
    }
}

#[cfg(test)]
mod tests {
    use super::compatible;

    #[test]
    fn versions_of_one_line_are_served() {
        for (wanted, served, expected) in [
            ("vox:bundle/json@0.1.0", "vox:bundle/json@0.1.0", true),
            ("vox:bundle/json@0.1.0", "vox:bundle/json@0.1.3", true),
            ("vox:bundle/json@0.1.3", "vox:bundle/json@0.1.0", false),
            ("vox:bundle/json@0.2.0", "vox:bundle/json@0.1.0", false),
            ("vox:bundle/json@1.2.0", "vox:bundle/json@1.10.0", true),
            ("vox:bundle/json@2.0.0", "vox:bundle/json@1.0.0", false),
            ("vox:bundle/json", "vox:bundle/json@0.1.0", false),
            ("vox:bundle/regex@0.1.0", "vox:bundle/json@0.1.0", false),
            ("other:bundle/json@0.1.0", "vox:bundle/json@0.1.0", false),
            ("nonsense", "vox:bundle/json@0.1.0", false),
        ] {
            assert_eq!(compatible(wanted, served), expected, "{wanted} by {served}");
        }
    }
}
