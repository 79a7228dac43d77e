//! From bytes to facts: what a component imports, exports and documents, or a contract without code.
//!
//! [`inspect`] is total. Whatever bytes it is given, it answers with facts or with a typed error, within the
//! [`Limits`] and without running anything. It neither compiles nor validates function bodies; that happens in
//! the compiler's own process.

mod gate;
mod header;
mod types;

pub use gate::Limits;
pub use header::Kind;

use types::Converter;
use vox_model::{Facts, Function, FunctionId, Import, ImportItem};
use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{FunctionKind, Interface, PackageId, Resolve, WorldId, WorldItem};

/// Why there are no facts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// The bytes are something else.
    #[error("this is {0}, not a WebAssembly component")]
    NotAComponent(Kind),
    /// The bytes start like a component and then break.
    #[error("the component is malformed: {0}")]
    Malformed(String),
    /// One of [`Limits`] is exceeded.
    #[error("the component is too large: {what} is {found}, at most {allowed} is allowed")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// How much there is (for files: at least).
        found: u64,
        /// How much there may be.
        allowed: u64,
    },
    /// A valid component whose imports or exports WIT cannot express.
    #[error("the component cannot be described in WIT: {0}")]
    NotDescribable(String),
}

/// Reads the facts of a component.
///
/// # Errors
/// See [`InspectError`]; the checks run in the order of its cases.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Facts, InspectError> {
    match decoded(bytes, limits)? {
        (DecodedWasm::Component(resolve, world), gate) => describe(&resolve, world, gate, limits),
        (DecodedWasm::WitPackage(..), _) => Err(InspectError::NotAComponent(Kind::WitPackage)),
    }
}

/// Reads the facts of a component, or of a WIT package in binary form ([`Facts::contract`]) for commands to serve: of its
/// own interfaces, not of those that it refers to.
///
/// # Errors
/// As [`inspect`].
pub fn inspect_served(bytes: &[u8], limits: &Limits) -> Result<Facts, InspectError> {
    match decoded(bytes, limits)? {
        (DecodedWasm::Component(resolve, world), gate) => describe(&resolve, world, gate, limits),
        (DecodedWasm::WitPackage(resolve, package), gate) => contract(&resolve, package, gate, limits),
    }
}

fn decoded(bytes: &[u8], limits: &Limits) -> Result<(DecodedWasm, gate::Gate), InspectError> {
    let kind = Kind::of(bytes);
    if kind != Kind::Component {
        return Err(InspectError::NotAComponent(kind));
    }
    let gate = gate::check(bytes, limits)?;
    // The decoder is a parser of hostile input that we did not write: a panic in it is a malformed component.
    let decoded = std::panic::catch_unwind(|| decode(bytes))
        .map_err(|_| InspectError::Malformed("the decoder gave up on it".to_owned()))?
        .map_err(|error| InspectError::Malformed(chain(&error)))?;
    Ok((decoded, gate))
}

fn describe(resolve: &Resolve, world: WorldId, gate: gate::Gate, limits: &Limits) -> Result<Facts, InspectError> {
    let world = &resolve.worlds[world];
    let imports = world
        .imports
        .iter()
        .map(|(key, item)| Import {
            name: resolve.name_world_key(key),
            item: match item {
                WorldItem::Interface { id, .. } => {
                    ImportItem::Interface(resolve.interfaces[*id].functions.keys().cloned().collect())
                }
                WorldItem::Function(_) => ImportItem::Function,
                WorldItem::Type { .. } => ImportItem::Type,
            },
        })
        .collect();
    let mut exports = Vec::new();
    let mut functions = Vec::new();
    let mut converter = Converter::new(resolve, &gate.docs, limits.type_nodes);
    for (key, item) in &world.exports {
        match item {
            WorldItem::Interface { id, .. } => {
                let name = resolve.name_world_key(key);
                functions.extend(describe_interface(&mut converter, &name, &resolve.interfaces[*id])?);
                exports.push(name);
            }
            WorldItem::Function(function) => {
                functions.push(describe_function(&mut converter, None, function)?);
            }
            WorldItem::Type { .. } => {}
        }
    }
    let imported = imported(resolve, world, &mut converter)?;
    let gate::Gate { size, core, producers, .. } = gate;
    Ok(Facts { size, imports, imported, exports, functions, producers, core, contract: false })
}

fn contract(resolve: &Resolve, package: PackageId, gate: gate::Gate, limits: &Limits) -> Result<Facts, InspectError> {
    let (mut imports, mut exports, mut functions) = (Vec::new(), Vec::new(), Vec::new());
    let mut converter = Converter::new(resolve, &gate.docs, limits.type_nodes);
    for id in resolve.packages[package].interfaces.values() {
        let Some(name) = resolve.id_of(*id) else { continue };
        let interface = &resolve.interfaces[*id];
        functions.extend(describe_interface(&mut converter, &name, interface)?);
        let names = interface.functions.keys().cloned().collect();
        imports.push(Import { name: name.clone(), item: ImportItem::Interface(names) });
        exports.push(name);
    }
    let gate::Gate { size, core, producers, .. } = gate;
    Ok(Facts { size, imports, imported: functions.clone(), exports, functions, producers, core, contract: true })
}

/// The functions of the imported interfaces that are not of the platform: a manifest may say what serves them.
fn imported(
    resolve: &Resolve,
    world: &wit_parser::World,
    converter: &mut Converter<'_>,
) -> Result<Vec<Function>, InspectError> {
    let mut functions = Vec::new();
    for (key, item) in &world.imports {
        let name = resolve.name_world_key(key);
        if let WorldItem::Interface { id, .. } = item
            && !name.starts_with("wasi:")
            && !name.starts_with("vox:")
        {
            functions.extend(describe_interface(converter, &name, &resolve.interfaces[*id])?);
        }
    }
    Ok(functions)
}

fn describe_interface(
    converter: &mut Converter<'_>,
    name: &str,
    interface: &Interface,
) -> Result<Vec<Function>, InspectError> {
    interface.functions.values().map(|function| describe_function(converter, Some(name), function)).collect()
}

fn describe_function(
    converter: &mut Converter<'_>,
    interface: Option<&str>,
    function: &wit_parser::Function,
) -> Result<Function, InspectError> {
    let mut params = Vec::with_capacity(function.params.len());
    for param in &function.params {
        params.push(vox_model::Param { name: param.name.clone(), ty: converter.convert(&param.ty)? });
    }
    let result = function.result.as_ref().map(|ty| converter.convert(ty)).transpose()?;
    let handle = params.iter().map(|p| &p.ty).chain(&result).find_map(vox_model::Type::handle);
    let uncallable = match (&function.kind, handle) {
        (FunctionKind::Freestanding, None) => None,
        (FunctionKind::Freestanding, Some(what)) => {
            Some(format!("{what} has no value outside the component, so nothing could be passed for it"))
        }
        (FunctionKind::AsyncFreestanding, _) => Some("async functions are not served by this engine".to_owned()),
        _ => Some("methods and constructors of resources are not called by name".to_owned()),
    };
    let docs = match (converter.docs.function(interface, &function.name), &function.docs.contents) {
        ("", Some(docs)) => docs::clean(docs),
        (docs, _) => docs::clean(docs),
    };
    Ok(Function {
        id: FunctionId { interface: interface.map(str::to_owned), name: function.name.clone() },
        docs,
        params,
        result,
        uncallable,
    })
}

/// An error and its causes on one line, control characters out: the text may quote the component.
fn chain(error: &impl std::fmt::Display) -> String {
    docs::clean(&format!("{error:#}").replace('\n', " "))
}

pub mod docs;
