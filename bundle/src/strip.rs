//! Taking documentation out of a component that is about to stand inside another one.

use thiserror::Error;
use wasm_encoder::{Component, ComponentSectionId, RawSection};
use wasmparser::{BinaryReaderError, Parser, Payload};

use vox_inspect::docs;

/// The section in which WIT tools keep documentation. In a nested component it makes the outer one undecodable,
/// because its names are looked up in the outer world.
const PACKAGE_DOCS: &str = "package-docs";

/// Real compositions nest two or three levels; without a bound a hostile one could exhaust the stack.
const MAX_DEPTH: usize = 32;

/// Why documentation cannot be taken out.
#[derive(Debug, Error)]
pub enum StripError {
    /// The bytes are no component.
    #[error(transparent)]
    Malformed(#[from] BinaryReaderError),
    /// Components stand inside components too many times.
    #[error("components are nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
}

/// The component without the documentation sections, its own and those of components inside it.
pub fn documentation(component: &[u8]) -> Result<Vec<u8>, StripError> {
    strip(component, MAX_DEPTH)
}

fn strip(component: &[u8], levels: usize) -> Result<Vec<u8>, StripError> {
    let levels = levels.checked_sub(1).ok_or(StripError::TooDeep)?;
    let mut stripped = Component::new();
    let mut copy = |id: u8, data: &[u8]| {
        stripped.section(&RawSection { id, data });
    };
    // The parser walks into nested modules and components; only what stands at the top is copied.
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        match &payload {
            Payload::ComponentSection { unchecked_range, .. } if depth == 0 => {
                let nested = strip(&component[unchecked_range.clone()], levels)?;
                copy(ComponentSectionId::Component.into(), &nested);
            }
            Payload::CustomSection(section) if depth == 0 && is_documentation(section.name()) => {}
            _ if depth == 0 => {
                if let Some((id, range)) = payload.as_section() {
                    copy(id, &component[range]);
                }
            }
            _ => {}
        }
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(stripped.finish())
}

fn is_documentation(section: &str) -> bool {
    section == PACKAGE_DOCS || section == docs::SECTION
}
