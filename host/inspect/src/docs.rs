//! Documentation carried by a component in the custom section `vox:docs`.
//!
//! Components built by ordinary tools carry no WIT docs, and the standard section `package-docs` cannot hold
//! those of functions inside a named interface. This section can: one version byte, then JSON keyed by interface,
//! function and type. Other tools pass over it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wit_parser::{PackageId, Resolve, TypeDefKind};

/// The name of the section.
pub const SECTION: &str = "vox:docs";

/// The version of the format, the first byte of the section.
const VERSION: u8 = 1;

/// The longest section that is read, in bytes.
const MAX_SECTION: usize = 1 << 20;

/// The longest text of one item that is shown, in bytes. Longer ones are cut.
const MAX_TEXT: usize = 2 << 10;

/// The docs of some interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Docs {
    /// By interface id; functions and types of the world itself stand under the empty name.
    interfaces: BTreeMap<String, InterfaceDocs>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct InterfaceDocs {
    docs: String,
    functions: BTreeMap<String, String>,
    types: BTreeMap<String, TypeDocs>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct TypeDocs {
    docs: String,
    /// Fields, cases or flags by name.
    items: BTreeMap<String, String>,
}

impl Docs {
    /// Collects the docs of all interfaces of a package.
    pub fn from_wit(resolve: &Resolve, package: PackageId) -> Self {
        let mut docs = Self::default();
        for id in resolve.packages[package].interfaces.values() {
            let interface = &resolve.interfaces[*id];
            let functions = interface.functions.values();
            let types = interface.types.iter().map(|(name, id)| (name.clone(), type_docs(resolve, *id)));
            let found = InterfaceDocs {
                docs: text(&interface.docs),
                functions: functions.map(|f| (f.name.clone(), text(&f.docs))).collect(),
                types: types.collect(),
            };
            if let Some(name) = resolve.id_of(*id) {
                docs.interfaces.insert(name, found);
            }
        }
        docs
    }

    /// Only the docs of one interface.
    pub fn only(mut self, interface: &str) -> Self {
        self.interfaces.retain(|name, _| name == interface);
        self
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.interfaces.is_empty()
    }

    /// The content of the section.
    pub fn to_section(&self) -> Vec<u8> {
        let mut section = vec![VERSION];
        section.extend(serde_json::to_vec(self).unwrap_or_default());
        section
    }

    /// Reads the content of a section; none when it is of another version, too long or not what it should be.
    pub fn from_section(section: &[u8]) -> Option<Self> {
        match section {
            [VERSION, json @ ..] if json.len() <= MAX_SECTION => serde_json::from_slice(json).ok(),
            _ => None,
        }
    }

    /// Adds the docs of interfaces that are not there yet.
    pub fn merge(&mut self, other: Self) {
        for (name, docs) in other.interfaces {
            self.interfaces.entry(name).or_insert(docs);
        }
    }

    /// The docs of a function, empty when there are none.
    pub fn function(&self, interface: Option<&str>, name: &str) -> &str {
        let found = self.interfaces.get(interface.unwrap_or_default());
        found.and_then(|i| i.functions.get(name)).map_or("", String::as_str)
    }

    /// The docs of a type.
    pub fn ty(&self, interface: Option<&str>, name: &str) -> &str {
        self.type_docs(interface, name).map_or("", |t| &t.docs)
    }

    /// The docs of a field, case or flag.
    pub fn item(&self, interface: Option<&str>, ty: &str, name: &str) -> &str {
        let found = self.type_docs(interface, ty).and_then(|t| t.items.get(name));
        found.map_or("", String::as_str)
    }

    fn type_docs(&self, interface: Option<&str>, name: &str) -> Option<&TypeDocs> {
        self.interfaces.get(interface.unwrap_or_default())?.types.get(name)
    }
}

fn type_docs(resolve: &Resolve, id: wit_parser::TypeId) -> TypeDocs {
    let definition = &resolve.types[id];
    let items = match &definition.kind {
        TypeDefKind::Record(r) => r.fields.iter().map(|f| (f.name.clone(), text(&f.docs))).collect(),
        TypeDefKind::Variant(v) => v.cases.iter().map(|c| (c.name.clone(), text(&c.docs))).collect(),
        TypeDefKind::Enum(e) => e.cases.iter().map(|c| (c.name.clone(), text(&c.docs))).collect(),
        TypeDefKind::Flags(x) => x.flags.iter().map(|f| (f.name.clone(), text(&f.docs))).collect(),
        _ => BTreeMap::new(),
    };
    TypeDocs { docs: text(&definition.docs), items }
}

fn text(docs: &wit_parser::Docs) -> String {
    docs.contents.as_deref().unwrap_or_default().trim().to_owned()
}

/// Makes text of a component fit to be shown: control and direction characters become `\u{…}`, line breaks
/// stay, what is longer than 2 KiB is cut and says so.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_TEXT));
    for c in text.trim().chars() {
        if out.len() >= MAX_TEXT {
            out.push('…');
            break;
        }
        // U+202A..U+202E and U+2066..U+2069 reorder what a person reads (Unicode UAX #9 §2).
        let reorders = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if (c.is_control() && c != '\n') || reorders {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}
