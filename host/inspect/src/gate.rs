//! Size gates: counted in one pass over the sections, before anything reads their content.

use crate::InspectError;
use crate::docs::{self, Docs};
use vox_model::CoreShape;
use wasmparser::{KnownCustom, Parser, Payload};

/// How large a component may be. Far below the validator's own limits, and far above what tools need.
///
/// Source of the defaults: `docs/limits.md`, section "Components".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the component.
    pub size: u64,
    /// Components and modules nested in each other.
    pub depth: u32,
    /// Nested components and core modules together.
    pub modules: u32,
    /// Functions with a body.
    pub functions: u64,
    /// Bytes of one function body.
    pub body: u64,
    /// Data segments.
    pub segments: u64,
    /// Items in the type, import, export, alias and instance sections of the component itself.
    pub items: u64,
    /// Nodes of the types of all exported functions, shared ones counted as often as they are mentioned.
    pub type_nodes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            size: 32 << 20,
            depth: 16,
            modules: 128,
            functions: 50_000,
            body: 1 << 20,
            segments: 100_000,
            items: 50_000,
            type_nodes: 50_000,
        }
    }
}

/// What the pass over the sections found.
pub(crate) struct Gate {
    pub(crate) size: u64,
    pub(crate) core: CoreShape,
    pub(crate) producers: Vec<(String, String)>,
    pub(crate) docs: Docs,
}

/// Counts, against limits.
struct Counter<'l> {
    limits: &'l Limits,
    segments: u64,
    functions: u64,
    items: u64,
}

impl Counter<'_> {
    fn items(&mut self, count: u32) -> Result<(), InspectError> {
        self.items += u64::from(count);
        within("the number of types, imports, exports and aliases", self.items, self.limits.items)
    }
}

fn within(what: &'static str, found: u64, allowed: u64) -> Result<(), InspectError> {
    match found <= allowed {
        true => Ok(()),
        false => Err(InspectError::TooLarge { what, found, allowed }),
    }
}

pub(crate) fn check(bytes: &[u8], limits: &Limits) -> Result<Gate, InspectError> {
    within("its size in bytes", bytes.len() as u64, limits.size)?;
    let mut gate =
        Gate { size: bytes.len() as u64, core: CoreShape::default(), producers: Vec::new(), docs: Docs::default() };
    let mut counter = Counter { limits, segments: 0, functions: 0, items: 0 };
    let mut depth = 0u32;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| InspectError::Malformed(crate::chain(&error)))?;
        match payload {
            Payload::Version { encoding, .. } => {
                depth += 1;
                within("its nesting", depth.into(), limits.depth.into())?;
                match encoding {
                    wasmparser::Encoding::Module => gate.core.modules += 1,
                    wasmparser::Encoding::Component if depth > 1 => gate.core.components += 1,
                    wasmparser::Encoding::Component => {}
                }
                let nested = u64::from(gate.core.modules + gate.core.components);
                within("the number of modules and components", nested, limits.modules.into())?;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CodeSectionStart { count, size, .. } => {
                counter.functions += u64::from(count);
                within("the number of functions", counter.functions, limits.functions)?;
                gate.core.functions += count;
                gate.core.code += u64::from(size);
            }
            Payload::CodeSectionEntry(body) => {
                let size = body.range().len() as u64;
                within("the size of one function in bytes", size, limits.body)?;
            }
            Payload::DataSection(section) => {
                counter.segments += u64::from(section.count());
                within("the number of data segments", counter.segments, limits.segments)?;
            }
            Payload::ComponentTypeSection(section) => counter.items(section.count())?,
            Payload::ComponentImportSection(section) => counter.items(section.count())?,
            Payload::ComponentExportSection(section) => counter.items(section.count())?,
            Payload::ComponentAliasSection(section) => counter.items(section.count())?,
            Payload::ComponentInstanceSection(section) => counter.items(section.count())?,
            Payload::InstanceSection(section) => counter.items(section.count())?,
            Payload::ComponentCanonicalSection(section) => counter.items(section.count())?,
            Payload::CoreTypeSection(section) => counter.items(section.count())?,
            Payload::CustomSection(section) => custom(&section, depth, &mut gate),
            _ => {}
        }
    }
    Ok(gate)
}

/// Custom sections are hints: one that does not parse is passed over.
fn custom(section: &wasmparser::CustomSectionReader<'_>, depth: u32, gate: &mut Gate) {
    if section.name() == docs::SECTION {
        // The docs of nested parts belong to the interfaces those parts export.
        if let Some(found) = Docs::from_section(section.data()) {
            gate.docs.merge(found);
        }
    } else if let (KnownCustom::Producers(fields), true) = (section.as_known(), depth <= 2) {
        for field in fields.into_iter().flatten().take(16) {
            for value in field.values.into_iter().flatten().take(16) {
                let text = format!("{} {}", value.name, value.version);
                // One line each: a line break would let the component write lines of its own into the report.
                let one_line = |text: &str| docs::clean(text).replace('\n', "\\n");
                let pair = (one_line(field.name), one_line(&text));
                if !gate.producers.contains(&pair) && gate.producers.len() < 32 {
                    gate.producers.push(pair);
                }
            }
        }
    }
}
