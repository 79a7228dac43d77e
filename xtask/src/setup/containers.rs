//! What the tests of the container tier need. Nothing yet: the tier does not exist.

use super::Part;

/// The parts: none so far.
pub fn parts() -> Vec<Box<dyn Part>> {
    Vec::new()
}
