//! What an inspection found.

use crate::{FunctionId, Type};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is known of a component without running it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Bytes of the component.
    pub size: u64,
    /// Its imports, in order.
    pub imports: Vec<Import>,
    /// The interfaces it exports, by name.
    pub exports: Vec<String>,
    /// Every function it exports, in order.
    pub functions: Vec<Function>,
    /// Every function it imports from interfaces that are neither WASI's nor vox's own, in order. Whether something
    /// serves them is not known here.
    pub imported: Vec<Function>,
    /// What made it, from its `producers` section: pairs such as (`language`, `Rust`). Untrusted text.
    pub producers: Vec<(String, String)>,
    /// What is inside.
    pub core: CoreShape,
    /// Whether it is a WIT package in binary form: a contract without code. Its functions are those of its interfaces,
    /// and these are its imports as well, for something else has to serve all of them.
    #[serde(default)]
    pub contract: bool,
}

/// Counts of what a component holds, all nested modules and components together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreShape {
    /// Nested components.
    pub components: u32,
    /// Core modules.
    pub modules: u32,
    /// Functions with a body.
    pub functions: u32,
    /// Bytes of all function bodies.
    pub code: u64,
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its name, for interfaces `namespace:package/interface@version`.
    pub name: String,
    /// What it is.
    pub item: ImportItem,
}

/// What an import is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportItem {
    /// An interface, with the functions that are imported from it. Without functions it brings types only.
    Interface(Vec<String>),
    /// A function of the world itself.
    Function,
    /// A type of the world itself.
    Type,
}

/// One exported function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub id: FunctionId,
    /// Its doc comment, empty when the component carries none. Untrusted text.
    pub docs: String,
    /// Its parameters in order.
    pub params: Vec<Param>,
    /// Its result.
    pub result: Option<Type>,
    /// Why it cannot be called by name, where it cannot.
    pub uncallable: Option<String>,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

impl Function {
    /// How many arguments a call must give at least: trailing `option` parameters may be left out.
    pub fn required(&self) -> usize {
        let optional = self.params.iter().rev().take_while(|p| p.ty.is_option()).count();
        self.params.len() - optional
    }
}

/// Writes the signature as WIT does: `query(document: string, filter: string) -> result<string, error>`.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.id.name)?;
        for (i, param) in self.params.iter().enumerate() {
            write!(f, "{}{}: {}", if i == 0 { "" } else { ", " }, param.name, param.ty)?;
        }
        f.write_str(")")?;
        match &self.result {
            Some(ty) => write!(f, " -> {ty}"),
            None => Ok(()),
        }
    }
}

/// The result of looking a function up.
pub type Lookup<'f> = Result<&'f Function, LookupError>;

/// A name that leads to no function, or to several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No function has this name.
    #[error("there is no function `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names that come nearest, best first.
        nearest: Vec<String>,
        /// All names.
        known: Vec<String>,
    },
    /// Several functions have this name.
    #[error("`{name}` is exported by more than one interface: {}", .candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The names that tell them apart.
        candidates: Vec<String>,
    },
}

impl Facts {
    /// The function of this name: `query` where that is unique, `json.query`, or in full
    /// `vox:bundle/json@0.1.0#query`. A function of the world itself wins over those of interfaces.
    ///
    /// # Errors
    /// No such function, with the nearest names, or several of them.
    pub fn function(&self, name: &str) -> Lookup<'_> {
        let full = |f: &&Function| f.id.to_string() == name;
        if let Some(found) = self.functions.iter().find(full) {
            return Ok(found);
        }
        let (interface, short) = match name.rsplit_once('.') {
            Some((interface, short)) => (Some(interface), short),
            None => (None, name),
        };
        let fits = |f: &&Function| {
            f.id.name == short
                && interface.is_none_or(|wanted| {
                    f.id.short_interface() == Some(wanted) || f.id.interface.as_deref() == Some(wanted)
                })
        };
        let found: Vec<_> = self.functions.iter().filter(fits).collect();
        match &found[..] {
            [one] => Ok(one),
            [] => Err(self.unknown(name)),
            several => Err(LookupError::Ambiguous {
                name: name.to_owned(),
                candidates: several.iter().map(|f| self.display_name(f)).collect(),
            }),
        }
    }

    /// The shortest name that leads to this function alone.
    pub fn display_name(&self, function: &Function) -> String {
        let same = self.functions.iter().filter(|f| f.id.name == function.id.name);
        if same.count() == 1 {
            return function.id.name.clone();
        }
        let short = match function.id.short_interface() {
            Some(interface) => format!("{interface}.{}", function.id.name),
            None => function.id.to_string(),
        };
        match self
            .functions
            .iter()
            .filter(|f| f.id.short_interface() == function.id.short_interface() && f.id.name == function.id.name)
            .count()
        {
            1 => short,
            _ => function.id.to_string(),
        }
    }

    fn unknown(&self, name: &str) -> LookupError {
        let known: Vec<String> = self.functions.iter().map(|f| self.display_name(f)).collect();
        let short = name.rsplit_once('.').map_or(name, |(_, short)| short);
        let nearest = nearest(short, known.iter().map(String::as_str));
        LookupError::Unknown { name: name.to_owned(), nearest: nearest.into_iter().map(str::to_owned).collect(), known }
    }
}

/// The names that a person may have meant, best first: at most a third of the letters differ, or the end is missing.
pub(crate) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let far = |candidate: &str| strsim::damerau_levenshtein(name, candidate);
    let mut close: Vec<_> = known
        .map(|candidate| (far(candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= name.len().max(candidate.len()).div_ceil(3)
                || (!name.is_empty() && candidate.starts_with(name))
        })
        .collect();
    close.sort();
    close.into_iter().map(|(_, candidate)| candidate).take(3).collect()
}
