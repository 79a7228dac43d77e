//! Composition: components put together into one, statically, with wac.
//!
//! The result depends on the bytes of the inputs only, not on the order in which parts are given.

mod link;
mod merge;

pub use link::{Connection, LinkError, Linked, link};
pub use merge::{MergeError, merge};

use thiserror::Error;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId};

use crate::strip;

/// What went wrong with one of the components, or with the result, whatever the operation was.
#[derive(Debug, Error)]
pub enum ComponentError {
    /// The bytes are not a component, or not a valid one.
    #[error("{name} is not a valid component: {why}")]
    Invalid {
        /// What the component was called.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Two components were given under the same name.
    #[error("two components are called {name}; give each one a name of its own")]
    SameName {
        /// The name.
        name: String,
    },
    /// Everything fits by itself, but not together.
    #[error("the components cannot be put into one: {why}")]
    Unfit {
        /// What the encoder says, innermost reason last.
        why: String,
    },
}

/// Reads a component into the graph, without the documentation that must not stand inside another component.
fn register(graph: &mut CompositionGraph, name: &str, bytes: &[u8]) -> Result<PackageId, ComponentError> {
    let invalid = |why: String| ComponentError::Invalid { name: name.to_owned(), why };
    if !wasmparser::Parser::is_component(bytes) {
        return Err(invalid("it does not start as one (a core module has to become a component first)".to_owned()));
    }
    // The validator first: wac takes valid components only.
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
        .validate_all(bytes)
        .map_err(|error| invalid(error.to_string()))?;
    let bytes = strip::documentation(bytes).map_err(|error| invalid(error.to_string()))?;
    let package =
        Package::from_bytes(name, None, bytes, graph.types_mut()).map_err(|error| invalid(format!("{error:#}")))?;
    graph.register_package(package).map_err(|_| ComponentError::SameName { name: name.to_owned() })
}

/// Encodes and validates the result.
fn encode(graph: &CompositionGraph) -> Result<Vec<u8>, ComponentError> {
    graph.encode(EncodeOptions::default()).map_err(|error| ComponentError::Unfit { why: chain(&error) })
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// The names that the component exports.
fn exports(graph: &CompositionGraph, package: PackageId) -> Vec<String> {
    let types = graph.types();
    types[graph[package].ty()].exports.keys().cloned().collect()
}

/// The names that the component imports.
fn imports(graph: &CompositionGraph, package: PackageId) -> Vec<String> {
    let types = graph.types();
    types[graph[package].ty()].imports.keys().cloned().collect()
}

/// What a component imports, sorted. Asked of the result itself, because the encoder makes one import of
/// several compatible ones.
fn imports_of(component: &[u8]) -> Result<Vec<String>, ComponentError> {
    let mut graph = CompositionGraph::new();
    let package = register(&mut graph, "the result", component)?;
    let mut imports = imports(&graph, package);
    imports.sort_unstable();
    Ok(imports)
}

#[cfg(test)]
mod tests;
