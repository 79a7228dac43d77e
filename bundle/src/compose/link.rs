//! Parts into a skill that imports their interfaces.

use thiserror::Error;
use wac_graph::types::{SubtypeChecker, are_semver_compatible};
use wac_graph::{CompositionGraph, NodeId, PackageId};

use super::{ComponentError, encode, exports, imports, imports_of, register};

/// A skill with parts linked into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The new component. It exports what the skill exports.
    pub component: Vec<u8>,
    /// The imports of the skill that are served from inside now, sorted by import.
    pub connections: Vec<Connection>,
    /// What the component still imports, sorted.
    pub imports: Vec<String>,
    /// The parts that serve no import of the skill and are not in the component, sorted.
    pub unused: Vec<String>,
}

/// An import of the skill and the part that serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// What the skill imports, such as `vox:bundle/json@0.1.0`.
    pub import: String,
    /// What the part exports; another name only where the version is a compatible one.
    pub export: String,
    /// The name of the part.
    pub part: String,
}

/// Why parts do not link into a skill.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The skill or a part cannot be used, or they do not fit together.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// Not one part serves an import of the skill.
    #[error(
        "{skill} imports nothing that the parts export\n  it imports:       {}\n  the parts export: {}",
        listed(imports),
        listed(exports)
    )]
    NothingToLink {
        /// The name of the skill.
        skill: String,
        /// What it imports.
        imports: Vec<String>,
        /// What the parts export.
        exports: Vec<String>,
    },
    /// The interface is there, but in versions that do not fit.
    #[error(
        "{skill} imports {import}, but {part} exports {export}, which is not a compatible version; \
         build the skill against {export}, or give a part that exports {import}"
    )]
    Version {
        /// The name of the skill.
        skill: String,
        /// What it imports.
        import: String,
        /// The part with the same interface in another version.
        part: String,
        /// What it exports.
        export: String,
    },
    /// Name and version fit, but what stands behind them does not.
    #[error("{skill} imports {import}, and {export} of {part} differs from it: {why}")]
    Type {
        /// The name of the skill.
        skill: String,
        /// What it imports.
        import: String,
        /// The part.
        part: String,
        /// What it exports.
        export: String,
        /// The first difference.
        why: String,
    },
    /// Two parts could serve the same import.
    #[error("{first} and {second} both export {import}, which {skill} imports; give only one of them")]
    Ambiguous {
        /// The name of the skill.
        skill: String,
        /// What it imports.
        import: String,
        /// One part.
        first: String,
        /// The other part.
        second: String,
    },
}

/// Feeds the exports of parts to the imports of a skill. Skill and parts come with names for messages.
///
/// An import is served by the part that exports the same name, else by one that exports a compatible version
/// (the same major version, or below 1.0 the same minor version). Every other import of the skill, and every
/// import of a used part, stays an import of the result. Parts are not connected to each other.
///
/// # Errors
///
/// See [`LinkError`]. The result is valid whenever there is one.
pub fn link(skill: (&str, &[u8]), parts: &[(&str, &[u8])]) -> Result<Linked, LinkError> {
    let (name, bytes) = skill;
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();

    let mut graph = CompositionGraph::new();
    let socket = register(&mut graph, name, bytes)?;
    let mut offers = Vec::new();
    for (part, bytes) in sorted {
        let package = register(&mut graph, part, bytes)?;
        offers.push(Offer { part, package, instance: None, exports: exports(&graph, package) });
    }

    let target = graph.instantiate(socket);
    let mut linking = Linking { graph, skill: name, socket, target };
    let mut connections = Vec::new();
    for import in imports(&linking.graph, socket) {
        if let Some((at, export)) = linking.choose(&import, &offers)? {
            linking.connect(&import, &mut offers[at], &export)?;
            connections.push(Connection { import, export, part: offers[at].part.to_owned() });
        }
    }
    if connections.is_empty() {
        return Err(linking.nothing(offers));
    }
    linking.finish(connections, &offers)
}

/// A part and what it can serve.
struct Offer<'a> {
    part: &'a str,
    package: PackageId,
    /// Set as soon as one of its exports is used.
    instance: Option<NodeId>,
    exports: Vec<String>,
}

/// A skill on its way to being linked.
struct Linking<'a> {
    graph: CompositionGraph,
    skill: &'a str,
    socket: PackageId,
    target: NodeId,
}

impl Linking<'_> {
    /// The part and its export that serve an import; none when no part has the interface.
    fn choose(&self, import: &str, offers: &[Offer<'_>]) -> Result<Option<(usize, String)>, LinkError> {
        let having = |fits: &dyn Fn(&str) -> bool| -> Vec<(usize, &String)> {
            let all = offers.iter().enumerate();
            all.flat_map(|(at, offer)| offer.exports.iter().map(move |export| (at, export)))
                .filter(|(_, export)| fits(export))
                .collect()
        };
        let mut found = having(&|export| export == import);
        if found.is_empty() {
            found = having(&|export| are_semver_compatible(export, import));
        }
        if let [(first, _), (second, _), ..] = found[..] {
            return Err(LinkError::Ambiguous {
                skill: self.skill.to_owned(),
                import: import.to_owned(),
                first: offers[first].part.to_owned(),
                second: offers[second].part.to_owned(),
            });
        }
        if let Some((at, export)) = found.pop() {
            return Ok(Some((at, export.clone())));
        }
        match having(&|export| same_interface(export, import)).pop() {
            Some((at, export)) => Err(LinkError::Version {
                skill: self.skill.to_owned(),
                import: import.to_owned(),
                part: offers[at].part.to_owned(),
                export: export.clone(),
            }),
            None => Ok(None),
        }
    }

    fn connect(&mut self, import: &str, offer: &mut Offer<'_>, export: &str) -> Result<(), LinkError> {
        self.compare(import, offer, export)?;
        let unfit = |why: String| ComponentError::Unfit { why };
        let instance = *offer.instance.get_or_insert_with(|| self.graph.instantiate(offer.package));
        let node = self.graph.alias_instance_export(instance, export).map_err(|error| unfit(super::chain(&error)))?;
        self.graph
            .set_instantiation_argument(self.target, import, node)
            .map_err(|error| unfit(super::chain(&error)))?;
        Ok(())
    }

    /// Whether the part's export can stand where the skill's import is, with the reason when it cannot.
    fn compare(&self, import: &str, offer: &Offer<'_>, export: &str) -> Result<(), LinkError> {
        let types = self.graph.types();
        let asked = types[self.graph[self.socket].ty()].imports[import];
        let offered = types[self.graph[offer.package].ty()].exports[export];
        SubtypeChecker::new(&mut Default::default()).is_subtype(offered, types, asked, types).map_err(|error| {
            LinkError::Type {
                skill: self.skill.to_owned(),
                import: import.to_owned(),
                part: offer.part.to_owned(),
                export: export.to_owned(),
                why: format!("{error:#}"),
            }
        })
    }

    fn nothing(self, offers: Vec<Offer<'_>>) -> LinkError {
        LinkError::NothingToLink {
            skill: self.skill.to_owned(),
            imports: imports(&self.graph, self.socket),
            exports: offers.into_iter().flat_map(|offer| offer.exports).collect(),
        }
    }

    fn finish(mut self, mut connections: Vec<Connection>, offers: &[Offer<'_>]) -> Result<Linked, LinkError> {
        for export in exports(&self.graph, self.socket) {
            let unfit = |why: String| ComponentError::Unfit { why };
            let node =
                self.graph.alias_instance_export(self.target, &export).map_err(|error| unfit(super::chain(&error)))?;
            self.graph.export(node, &export).map_err(|error| unfit(super::chain(&error)))?;
        }
        let component = encode(&self.graph)?;
        let imports = imports_of(&component)?;
        connections.sort_by(|a, b| a.import.cmp(&b.import));
        let unused = offers.iter().filter(|offer| offer.instance.is_none());
        Ok(Linked { component, connections, imports, unused: unused.map(|offer| offer.part.to_owned()).collect() })
    }
}

/// Whether two names differ in the version only.
fn same_interface(a: &str, b: &str) -> bool {
    let without = |name: &str| name.split_once('@').map(|(name, _)| name.to_owned());
    without(a).is_some() && without(a) == without(b)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
