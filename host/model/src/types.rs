//! WIT types as plain data.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The name of an interface: `namespace:package/interface@version`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct InterfaceId {
    /// `namespace:package`.
    pub package: String,
    /// The interface inside the package.
    pub name: String,
    /// The version as written, none for unversioned packages.
    pub version: Option<String>,
}

/// The text is not of the form `namespace:package/interface[@version]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an interface name; the form is `namespace:package/interface@version`")]
pub struct InterfaceIdError(pub String);

impl FromStr for InterfaceId {
    type Err = InterfaceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || InterfaceIdError(text.to_owned());
        let (path, version) = match text.split_once('@') {
            Some((path, version)) if !version.is_empty() => (path, Some(version.to_owned())),
            Some(_) => return Err(bad()),
            None => (text, None),
        };
        let (package, name) = path.split_once('/').ok_or_else(bad)?;
        if !package.contains(':') || name.is_empty() {
            return Err(bad());
        }
        Ok(Self { package: package.to_owned(), name: name.to_owned(), version })
    }
}

impl TryFrom<String> for InterfaceId {
    type Error = InterfaceIdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<InterfaceId> for String {
    fn from(id: InterfaceId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for InterfaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.package, self.name)?;
        match &self.version {
            Some(version) => write!(f, "@{version}"),
            None => Ok(()),
        }
    }
}

/// An exported function: the interface it belongs to, or none for a function of the world itself, and its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FunctionId {
    /// The exporting interface as it is named by the component; inline interfaces have a plain name.
    pub interface: Option<String>,
    /// The function.
    pub name: String,
}

impl FunctionId {
    /// The last part of the interface name, without package and version: `json` of `vox:bundle/json@0.1.0`.
    pub fn short_interface(&self) -> Option<&str> {
        self.interface.as_deref().map(|name| {
            let path = name.split_once('@').map_or(name, |(path, _)| path);
            path.rsplit_once('/').map_or(path, |(_, last)| last)
        })
    }
}

impl fmt::Display for FunctionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.interface {
            Some(interface) => write!(f, "{interface}#{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Where a named type was defined.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TypeName {
    /// The interface, or none for a type of the world itself.
    pub interface: Option<String>,
    /// The type.
    pub name: String,
}

/// A WIT type. Cheap to clone: what is large is shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the primitive cases are the WIT keywords themselves")]
pub enum Type {
    Bool,
    S8,
    S16,
    S32,
    S64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
    Char,
    String,
    /// `list<T>`; `list<u8>` is carried as bytes, see [`crate::Value::Bytes`].
    List(Arc<Type>),
    /// `list<T, N>`.
    FixedList(Arc<Type>, u32),
    /// `map<K, V>`.
    Map(Arc<Type>, Arc<Type>),
    Record(Arc<Record>),
    Tuple(Arc<[Type]>),
    Variant(Arc<Variant>),
    Enum(Arc<Enum>),
    Option(Arc<Type>),
    /// `result<ok, err>`, either of which may be absent.
    Result(Option<Arc<Type>>, Option<Arc<Type>>),
    Flags(Arc<Flags>),
    /// A resource handle, stream, future or error context: it has no value outside the component, and a
    /// function that needs one cannot be called by name. The text is how WIT writes it.
    Handle(Arc<str>),
}

/// `record name { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where it was defined.
    pub name: TypeName,
    /// Its doc comment, empty when there is none.
    pub docs: String,
    /// Its fields in order.
    pub fields: Vec<Field>,
}

/// One field of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Its doc comment.
    pub docs: String,
}

/// `variant name { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Where it was defined.
    pub name: TypeName,
    /// Its doc comment.
    pub docs: String,
    /// Its cases in order.
    pub cases: Vec<Case>,
}

/// One case of a variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// What it carries.
    pub ty: Option<Type>,
    /// Its doc comment.
    pub docs: String,
}

/// `enum name { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enum {
    /// Where it was defined.
    pub name: TypeName,
    /// Its doc comment.
    pub docs: String,
    /// Its cases in order.
    pub cases: Vec<Flag>,
}

/// `flags name { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// Where it was defined.
    pub name: TypeName,
    /// Its doc comment.
    pub docs: String,
    /// Its flags in order.
    pub flags: Vec<Flag>,
}

/// A name with a doc comment: one flag, or one case of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// Its name.
    pub name: String,
    /// Its doc comment.
    pub docs: String,
}

impl Type {
    /// Whether this is `list<u8>`, which is carried as bytes.
    pub fn is_bytes(&self) -> bool {
        matches!(self, Self::List(element) if **element == Self::U8)
    }

    /// Whether this is `option<…>`: such parameters and fields may be left out.
    pub fn is_option(&self) -> bool {
        matches!(self, Self::Option(_))
    }

    /// The first part of this type that has no value outside a component, as WIT writes it.
    ///
    /// Visits every node once; shared nodes are visited as often as they are mentioned, which the inspection
    /// bounds (`vox_inspect::Limits::type_nodes`).
    pub fn handle(&self) -> Option<Arc<str>> {
        match self {
            Self::Handle(text) => Some(text.clone()),
            Self::List(t) | Self::FixedList(t, _) | Self::Option(t) => t.handle(),
            Self::Map(k, v) => k.handle().or_else(|| v.handle()),
            Self::Record(r) => r.fields.iter().find_map(|f| f.ty.handle()),
            Self::Tuple(ts) => ts.iter().find_map(Self::handle),
            Self::Variant(v) => v.cases.iter().find_map(|c| c.ty.as_ref()?.handle()),
            Self::Result(ok, err) => [ok, err].into_iter().find_map(|t| t.as_ref()?.handle()),
            _ => None,
        }
    }

    /// Whether a value of type `from` can be passed where `self` is wanted.
    ///
    /// Structural and exact: names of types do not count, names of fields, cases and flags do. The pipe rule
    /// that unwraps a `result` is the pipeline's, not this function's.
    pub fn accepts(&self, from: &Self) -> bool {
        match (self, from) {
            (Self::Record(a), Self::Record(b)) => {
                a.fields.len() == b.fields.len()
                    && a.fields.iter().zip(&b.fields).all(|(a, b)| a.name == b.name && a.ty.accepts(&b.ty))
            }
            (Self::Variant(a), Self::Variant(b)) => {
                a.cases.len() == b.cases.len()
                    && a.cases.iter().zip(&b.cases).all(|(a, b)| a.name == b.name && accepts_option(&a.ty, &b.ty))
            }
            (Self::Enum(a), Self::Enum(b)) => same_names(&a.cases, &b.cases),
            (Self::Flags(a), Self::Flags(b)) => same_names(&a.flags, &b.flags),
            (Self::Tuple(a), Self::Tuple(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.accepts(b)),
            (Self::List(a), Self::List(b)) | (Self::Option(a), Self::Option(b)) => a.accepts(b),
            (Self::FixedList(a, n), Self::FixedList(b, m)) => n == m && a.accepts(b),
            (Self::Map(ak, av), Self::Map(bk, bv)) => ak.accepts(bk) && av.accepts(bv),
            (Self::Result(ao, ae), Self::Result(bo, be)) => {
                accepts_option(&ao.as_deref(), &bo.as_deref()) && accepts_option(&ae.as_deref(), &be.as_deref())
            }
            (a, b) => a == b,
        }
    }
}

fn accepts_option<T: std::borrow::Borrow<Type>>(a: &Option<T>, b: &Option<T>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.borrow().accepts(b.borrow()),
        (None, None) => true,
        _ => false,
    }
}

fn same_names(a: &[Flag], b: &[Flag]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name == b.name)
}

/// Writes the type as WIT does; named types by their name.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Bool => "bool",
            Self::S8 => "s8",
            Self::S16 => "s16",
            Self::S32 => "s32",
            Self::S64 => "s64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Char => "char",
            Self::String => "string",
            Self::List(t) => return write!(f, "list<{t}>"),
            Self::FixedList(t, n) => return write!(f, "list<{t}, {n}>"),
            Self::Map(k, v) => return write!(f, "map<{k}, {v}>"),
            Self::Record(r) => &r.name.name,
            Self::Variant(v) => &v.name.name,
            Self::Enum(e) => &e.name.name,
            Self::Flags(x) => &x.name.name,
            Self::Handle(text) => text,
            Self::Option(t) => return write!(f, "option<{t}>"),
            Self::Tuple(ts) => {
                f.write_str("tuple<")?;
                for (i, t) in ts.iter().enumerate() {
                    write!(f, "{}{t}", if i == 0 { "" } else { ", " })?;
                }
                return f.write_str(">");
            }
            Self::Result(None, None) => "result",
            Self::Result(Some(ok), None) => return write!(f, "result<{ok}>"),
            Self::Result(None, Some(err)) => return write!(f, "result<_, {err}>"),
            Self::Result(Some(ok), Some(err)) => return write!(f, "result<{ok}, {err}>"),
        };
        f.write_str(word)
    }
}
