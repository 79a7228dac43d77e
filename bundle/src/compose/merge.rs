//! Several components into one that exports what each of them exports.

use std::collections::HashMap;

use thiserror::Error;
use wac_graph::CompositionGraph;

use super::{ComponentError, encode, exports, register};

/// Why components do not merge.
#[derive(Debug, Error)]
pub enum MergeError {
    /// There is nothing to merge.
    #[error("no components were given to merge")]
    Nothing,
    /// A component cannot be used, or they do not fit together.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// Two components export the same name, and the result can export it only once.
    #[error("{first} and {second} both export {export}; leave one of them out")]
    SameExport {
        /// The name.
        export: String,
        /// The component that came first.
        first: String,
        /// The one that also exports it.
        second: String,
    },
}

/// Puts components, each with a name for messages, into one that exports everything that they export.
///
/// What they import stays imported; equal imports become one. They are not connected to each other.
///
/// # Errors
///
/// See [`MergeError`]. The result is valid whenever there is one.
pub fn merge(parts: &[(&str, &[u8])]) -> Result<Vec<u8>, MergeError> {
    if parts.is_empty() {
        return Err(MergeError::Nothing);
    }
    let mut parts = parts.to_vec();
    parts.sort_unstable();

    let mut graph = CompositionGraph::new();
    let mut exporters: HashMap<String, &str> = HashMap::new();
    for (name, bytes) in parts {
        let package = register(&mut graph, name, bytes)?;
        let instance = graph.instantiate(package);
        for export in exports(&graph, package) {
            if let Some(first) = exporters.insert(export.clone(), name) {
                return Err(MergeError::SameExport { export, first: first.to_owned(), second: name.to_owned() });
            }
            let unfit = |why: String| ComponentError::Unfit { why };
            let node = graph.alias_instance_export(instance, &export).map_err(|error| unfit(error.to_string()))?;
            graph.export(node, &export).map_err(|error| unfit(error.to_string()))?;
        }
    }
    Ok(encode(&graph)?)
}
