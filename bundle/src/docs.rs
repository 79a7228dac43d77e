//! The documentation of what a component exports, kept in a custom section of the component.
//!
//! The usual section for it (`package-docs`) cannot hold the docs of functions inside a named interface of a
//! component, so vox writes one of its own. Its payload is a version byte, then JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wit_parser::{
    Function, InterfaceId, Resolve, Type, TypeDefKind, TypeId, WorldId, WorldItem, WorldKey,
};

/// The name of the custom section.
pub const SECTION: &str = "vox:docs";

/// The first byte of the section.
const VERSION: u8 = 1;

/// A section beyond this is refused: real ones have a few kilobytes, and publishers are not trusted.
pub const MAX_BYTES: usize = 1 << 20;

/// Every text is cut behind this many bytes, for the same reason.
pub const MAX_TEXT: usize = 16 << 10;

/// The documentation of a component: publisher's text, never used to decide anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Docs {
    /// By interface as the component exports it, such as `vox:bundle/json@0.1.0`; the empty name stands for
    /// what the world itself exports.
    pub interfaces: BTreeMap<String, InterfaceDocs>,
}

/// The documentation of one interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InterfaceDocs {
    /// Of the interface as a whole.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub docs: String,
    /// Of its functions, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<String, FunctionDocs>,
    /// Of its types, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, TypeDocs>,
}

/// The documentation of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FunctionDocs {
    /// Of the function as a whole, without the lines about parameters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub docs: String,
    /// Of its parameters, by name: lines of the form ``- `name`: text`` in the comment of the function.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

/// The documentation of a type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TypeDocs {
    /// Of the type as a whole.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub docs: String,
    /// Of the fields of a record and the flags of a set, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Of the cases of a variant or enum, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub cases: BTreeMap<String, String>,
}

/// Why a section cannot be read.
#[derive(Debug, Error)]
pub enum DocsError {
    /// It is larger than any honest one.
    #[error("the section {SECTION} has {size} bytes; at most {MAX_BYTES} are read")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// It was written by another version of vox.
    #[error("the section {SECTION} has version {found:?}; this version of vox reads {VERSION}")]
    Version {
        /// The version byte; none when the section is empty.
        found: Option<u8>,
    },
    /// It holds something else.
    #[error("the section {SECTION} is malformed")]
    Malformed(#[source] serde_json::Error),
}

impl Docs {
    /// Collects what the comments of a WIT world say about everything that the world exports.
    pub fn from_wit(resolve: &Resolve, world: WorldId) -> Self {
        let mut docs = Self::default();
        for (key, item) in &resolve.worlds[world].exports {
            match item {
                WorldItem::Interface { id, .. } => {
                    let name = resolve.name_world_key(key);
                    docs.interfaces.insert(name, interface(resolve, *id));
                }
                WorldItem::Function(found) => {
                    docs.root()
                        .functions
                        .insert(found.name.clone(), function(found));
                }
                WorldItem::Type { .. } => {}
            }
        }
        // Types of the world itself count as imports of it; without a function to use them they say nothing.
        if docs.interfaces.contains_key("") {
            for (key, item) in &resolve.worlds[world].imports {
                if let (WorldKey::Name(name), WorldItem::Type { id, .. }) = (key, item) {
                    docs.root()
                        .types
                        .insert(name.clone(), type_docs(resolve, *id));
                }
            }
        }
        docs.interfaces.retain(|_, docs| docs.prune());
        docs
    }

    /// The payload of the section.
    pub fn to_section(&self) -> Vec<u8> {
        let mut section = vec![VERSION];
        // Maps with text as keys and text inside: there is nothing in it that JSON cannot hold.
        section.extend(serde_json::to_vec(self).unwrap_or_default());
        section
    }

    /// Reads the payload of the section. Texts come out capped and without control characters.
    ///
    /// # Errors
    ///
    /// When the section is too large, of another version or malformed.
    pub fn from_section(section: &[u8]) -> Result<Self, DocsError> {
        if section.len() > MAX_BYTES {
            return Err(DocsError::TooLarge {
                size: section.len(),
            });
        }
        let Some((&VERSION, json)) = section.split_first() else {
            return Err(DocsError::Version {
                found: section.first().copied(),
            });
        };
        let mut docs: Self = serde_json::from_slice(json).map_err(DocsError::Malformed)?;
        for interface in docs.interfaces.values_mut() {
            interface.clean();
        }
        Ok(docs)
    }

    fn root(&mut self) -> &mut InterfaceDocs {
        self.interfaces.entry(String::new()).or_default()
    }
}

impl InterfaceDocs {
    /// Drops items without a word; says whether anything is left.
    fn prune(&mut self) -> bool {
        self.functions.retain(|_, f| *f != FunctionDocs::default());
        self.types.retain(|_, t| *t != TypeDocs::default());
        *self != Self::default()
    }

    fn clean(&mut self) {
        clean(&mut self.docs);
        for function in self.functions.values_mut() {
            clean(&mut function.docs);
            function.params.values_mut().for_each(clean);
        }
        for found in self.types.values_mut() {
            clean(&mut found.docs);
            found.fields.values_mut().for_each(clean);
            found.cases.values_mut().for_each(clean);
        }
    }
}

/// Takes control characters out of a text, among them those that change the direction of writing, and cuts it.
fn clean(text: &mut String) {
    let invisible = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(invisible) {
        text.retain(|c| !invisible(c));
    }
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
    }
}

fn interface(resolve: &Resolve, id: InterfaceId) -> InterfaceDocs {
    let found = &resolve.interfaces[id];
    let functions = found.functions.iter();
    let types = found.types.iter();
    InterfaceDocs {
        docs: text(&found.docs),
        functions: functions.map(|(n, f)| (n.clone(), function(f))).collect(),
        types: types
            .map(|(name, id)| (name.clone(), type_docs(resolve, *id)))
            .collect(),
    }
}

fn function(found: &Function) -> FunctionDocs {
    let mut docs = FunctionDocs::default();
    // The parameter whose text goes on in the next line, when that is indented.
    let mut open: Option<String> = None;
    for line in text(&found.docs).lines() {
        if let Some((name, words)) = parameter(line)
            && found.params.iter().any(|param| param.name == name)
        {
            docs.params.insert(name.to_owned(), words.to_owned());
            open = Some(name.to_owned());
        } else if let Some(words) = open.as_ref().and_then(|name| docs.params.get_mut(name))
            && line.starts_with("  ")
        {
            words.push(' ');
            words.push_str(line.trim());
        } else {
            open = None;
            docs.docs.push_str(line);
            docs.docs.push('\n');
        }
    }
    docs.docs = docs.docs.trim().to_owned();
    docs
}

/// Reads ``- `name`: text`` or `- name: text`.
fn parameter(line: &str) -> Option<(&str, &str)> {
    let (name, words) = line.strip_prefix("- ")?.split_once(':')?;
    Some((name.trim().trim_matches('`'), words.trim()))
}

fn type_docs(resolve: &Resolve, id: TypeId) -> TypeDocs {
    let found = &resolve.types[id];
    let mut docs = TypeDocs {
        docs: text(&found.docs),
        ..TypeDocs::default()
    };
    match &found.kind {
        TypeDefKind::Record(record) => {
            docs.fields = texts(record.fields.iter().map(|f| (&f.name, &f.docs)));
        }
        TypeDefKind::Flags(flags) => {
            docs.fields = texts(flags.flags.iter().map(|f| (&f.name, &f.docs)));
        }
        TypeDefKind::Variant(variant) => {
            docs.cases = texts(variant.cases.iter().map(|c| (&c.name, &c.docs)));
        }
        TypeDefKind::Enum(cases) => {
            docs.cases = texts(cases.cases.iter().map(|c| (&c.name, &c.docs)));
        }
        // Another name for a type: what the type says holds here, unless the name says more itself.
        TypeDefKind::Type(Type::Id(target)) => {
            let target = type_docs(resolve, *target);
            let own = std::mem::take(&mut docs.docs);
            docs = target;
            if !own.is_empty() {
                docs.docs = own;
            }
        }
        _ => {}
    }
    docs
}

fn texts<'a>(
    items: impl Iterator<Item = (&'a String, &'a wit_parser::Docs)>,
) -> BTreeMap<String, String> {
    items
        .map(|(name, docs)| (name.clone(), text(docs)))
        .filter(|(_, docs)| !docs.is_empty())
        .collect()
}

fn text(docs: &wit_parser::Docs) -> String {
    docs.contents
        .as_deref()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

#[cfg(test)]
#[path = "docs_tests.rs"]
mod tests;
