//! WIT types of the decoder to types of the model.

use crate::InspectError;
use crate::docs::{Docs, clean};
use std::collections::HashMap;
use std::sync::Arc;
use vox_model::{Case, Enum, Field, Flag, Flags, MAX_DEPTH, Record, Type, TypeName, Variant};
use wit_parser::{Handle, Resolve, TypeDefKind, TypeId, TypeOwner};

/// Converts types, each definition once.
pub(crate) struct Converter<'r> {
    resolve: &'r Resolve,
    pub(crate) docs: &'r Docs,
    known: HashMap<TypeId, (Type, u32)>,
    nodes: u32,
    allowed: u32,
}

impl<'r> Converter<'r> {
    pub(crate) fn new(resolve: &'r Resolve, docs: &'r Docs, allowed: u32) -> Self {
        Self { resolve, docs, known: HashMap::new(), nodes: 0, allowed }
    }

    pub(crate) fn convert(&mut self, ty: &wit_parser::Type) -> Result<Type, InspectError> {
        self.at(ty, 0)
    }

    fn at(&mut self, ty: &wit_parser::Type, depth: usize) -> Result<Type, InspectError> {
        self.count(1)?;
        if depth > MAX_DEPTH {
            return Err(InspectError::TooLarge {
                what: "the nesting of a type",
                found: depth as u64,
                allowed: MAX_DEPTH as u64,
            });
        }
        Ok(match ty {
            wit_parser::Type::Bool => Type::Bool,
            wit_parser::Type::U8 => Type::U8,
            wit_parser::Type::U16 => Type::U16,
            wit_parser::Type::U32 => Type::U32,
            wit_parser::Type::U64 => Type::U64,
            wit_parser::Type::S8 => Type::S8,
            wit_parser::Type::S16 => Type::S16,
            wit_parser::Type::S32 => Type::S32,
            wit_parser::Type::S64 => Type::S64,
            wit_parser::Type::F32 => Type::F32,
            wit_parser::Type::F64 => Type::F64,
            wit_parser::Type::Char => Type::Char,
            wit_parser::Type::String => Type::String,
            wit_parser::Type::ErrorContext => Type::Handle("error-context".into()),
            wit_parser::Type::Id(id) => self.defined(*id, depth)?,
        })
    }

    /// Shared definitions are converted once but counted wherever they are mentioned: whoever walks the type
    /// later visits them that often.
    fn defined(&mut self, id: TypeId, depth: usize) -> Result<Type, InspectError> {
        if let Some((ty, size)) = self.known.get(&id) {
            let (ty, size) = (ty.clone(), *size);
            self.count(size)?;
            return Ok(ty);
        }
        let before = self.nodes;
        let ty = self.definition(id, depth + 1)?;
        self.known.insert(id, (ty.clone(), self.nodes - before));
        Ok(ty)
    }

    fn definition(&mut self, id: TypeId, depth: usize) -> Result<Type, InspectError> {
        let resolve = self.resolve;
        let definition = &resolve.types[id];
        Ok(match &definition.kind {
            TypeDefKind::Type(alias) => self.at(alias, depth)?,
            TypeDefKind::List(t) => Type::List(Arc::new(self.at(t, depth)?)),
            TypeDefKind::FixedLengthList(t, n) => Type::FixedList(Arc::new(self.at(t, depth)?), *n),
            TypeDefKind::Map(k, v) => Type::Map(Arc::new(self.at(k, depth)?), Arc::new(self.at(v, depth)?)),
            TypeDefKind::Option(t) => Type::Option(Arc::new(self.at(t, depth)?)),
            TypeDefKind::Result(r) => Type::Result(self.optional(&r.ok, depth)?, self.optional(&r.err, depth)?),
            TypeDefKind::Tuple(t) => {
                let types = t.types.iter().map(|t| self.at(t, depth));
                Type::Tuple(types.collect::<Result<Vec<_>, _>>()?.into())
            }
            TypeDefKind::Record(r) => {
                let name = self.name(id);
                let mut fields = Vec::with_capacity(r.fields.len());
                for field in &r.fields {
                    let docs = self.docs_of(&name, &field.name, &field.docs);
                    fields.push(Field { name: field.name.clone(), ty: self.at(&field.ty, depth)?, docs });
                }
                let docs = self.type_docs(&name, &definition.docs);
                Type::Record(Arc::new(Record { name, docs, fields }))
            }
            TypeDefKind::Variant(v) => {
                let name = self.name(id);
                let mut cases = Vec::with_capacity(v.cases.len());
                for case in &v.cases {
                    let ty = case.ty.as_ref().map(|ty| self.at(ty, depth)).transpose()?;
                    let docs = self.docs_of(&name, &case.name, &case.docs);
                    cases.push(Case { name: case.name.clone(), ty, docs });
                }
                self.count(v.cases.len() as u32)?;
                let docs = self.type_docs(&name, &definition.docs);
                Type::Variant(Arc::new(Variant { name, docs, cases }))
            }
            TypeDefKind::Enum(e) => {
                let name = self.name(id);
                let cases = e.cases.iter().map(|c| (&c.name, &c.docs));
                let cases = self.names(&name, cases)?;
                let docs = self.type_docs(&name, &definition.docs);
                Type::Enum(Arc::new(Enum { name, docs, cases }))
            }
            TypeDefKind::Flags(x) => {
                let name = self.name(id);
                let flags = self.names(&name, x.flags.iter().map(|f| (&f.name, &f.docs)))?;
                let docs = self.type_docs(&name, &definition.docs);
                Type::Flags(Arc::new(Flags { name, docs, flags }))
            }
            TypeDefKind::Handle(Handle::Own(id)) => Type::Handle(format!("own<{}>", self.name(*id).name).into()),
            TypeDefKind::Handle(Handle::Borrow(id)) => Type::Handle(format!("borrow<{}>", self.name(*id).name).into()),
            TypeDefKind::Resource => Type::Handle(self.name(id).name.into()),
            TypeDefKind::Future(_) => Type::Handle("future".into()),
            TypeDefKind::Stream(_) => Type::Handle("stream".into()),
            TypeDefKind::Unknown => {
                return Err(InspectError::NotDescribable("a type of unknown structure".to_owned()));
            }
        })
    }

    fn optional(&mut self, ty: &Option<wit_parser::Type>, depth: usize) -> Result<Option<Arc<Type>>, InspectError> {
        ty.as_ref().map(|ty| self.at(ty, depth).map(Arc::new)).transpose()
    }

    fn names<'n>(
        &mut self,
        ty: &TypeName,
        names: impl ExactSizeIterator<Item = (&'n String, &'n wit_parser::Docs)>,
    ) -> Result<Vec<Flag>, InspectError> {
        self.count(names.len() as u32)?;
        let flag = |(name, docs): (&String, &wit_parser::Docs)| Flag {
            name: name.clone(),
            docs: self.docs_of(ty, name, docs),
        };
        Ok(names.map(flag).collect())
    }

    fn name(&self, id: TypeId) -> TypeName {
        let definition = &self.resolve.types[id];
        let interface = match definition.owner {
            TypeOwner::Interface(interface) => self.resolve.id_of(interface),
            TypeOwner::World(_) | TypeOwner::None => None,
        };
        TypeName { interface, name: definition.name.clone().unwrap_or_else(|| "_".to_owned()) }
    }

    fn type_docs(&self, name: &TypeName, decoded: &wit_parser::Docs) -> String {
        let own = self.docs.ty(name.interface.as_deref(), &name.name);
        clean(if own.is_empty() { decoded.contents.as_deref().unwrap_or("") } else { own })
    }

    fn docs_of(&self, ty: &TypeName, item: &str, decoded: &wit_parser::Docs) -> String {
        let own = self.docs.item(ty.interface.as_deref(), &ty.name, item);
        clean(if own.is_empty() { decoded.contents.as_deref().unwrap_or("") } else { own })
    }

    fn count(&mut self, nodes: u32) -> Result<(), InspectError> {
        self.nodes = self.nodes.saturating_add(nodes);
        match self.nodes <= self.allowed {
            true => Ok(()),
            false => Err(InspectError::TooLarge {
                what: "the size of the types of its functions",
                found: self.nodes.into(),
                allowed: self.allowed.into(),
            }),
        }
    }
}
