//! Types as JSON Schema (2020-12): what [`crate::json`] writes is always valid against it.

use crate::json::MAX_SAFE_INTEGER;
use crate::{Function, MAX_DEPTH, Type, TypeName};
use serde_json::{Map, Value as Schema, json};

/// The schema of the arguments of a call: one object with a property for each parameter.
pub fn arguments(function: &Function) -> Schema {
    let mut defs = Defs::default();
    let fields = function.params.iter().map(|p| (p.name.as_str(), &p.ty, ""));
    let object = defs.object(fields.collect(), 0);
    defs.finish(object)
}

/// The schema of a value.
pub fn value(ty: &Type) -> Schema {
    let mut defs = Defs::default();
    let root = defs.schema(ty, 0);
    defs.finish(root)
}

/// Named types, each described once.
#[derive(Default)]
struct Defs {
    named: Vec<(TypeName, String, Schema)>,
}

impl Defs {
    fn finish(self, root: Schema) -> Schema {
        // The root is never a reference: some readers do not follow one there.
        let reference = root.get("$ref").and_then(Schema::as_str).map(str::to_owned);
        let mut root = match reference {
            Some(to) => self
                .named
                .iter()
                .find(|(_, key, _)| to == format!("#/$defs/{key}"))
                .map_or(root, |(_, _, schema)| schema.clone()),
            None => root,
        };
        if let (Schema::Object(root), false) = (&mut root, self.named.is_empty()) {
            let mut named: Vec<_> = self.named.into_iter().map(|(_, k, s)| (k, s)).collect();
            named.sort_by(|a, b| a.0.cmp(&b.0));
            root.insert("$defs".to_owned(), Schema::Object(named.into_iter().collect()));
        }
        root
    }

    fn schema(&mut self, ty: &Type, depth: usize) -> Schema {
        if depth >= MAX_DEPTH {
            return json!({});
        }
        let down = depth + 1;
        match ty {
            Type::Bool => json!({"type": "boolean"}),
            Type::S8 => integer(i8::MIN, i8::MAX),
            Type::S16 => integer(i16::MIN, i16::MAX),
            Type::S32 => integer(i32::MIN, i32::MAX),
            Type::U8 => integer(u8::MIN, u8::MAX),
            Type::U16 => integer(u16::MIN, u16::MAX),
            Type::U32 => integer(u32::MIN, u32::MAX),
            Type::S64 => json!({"anyOf": [
                {"type": "integer", "minimum": -(MAX_SAFE_INTEGER as i64), "maximum": MAX_SAFE_INTEGER},
                {"type": "string", "pattern": "^-?(0|[1-9][0-9]*)$"},
            ]}),
            Type::U64 => json!({"anyOf": [
                {"type": "integer", "minimum": 0, "maximum": MAX_SAFE_INTEGER},
                {"type": "string", "pattern": "^(0|[1-9][0-9]*)$"},
            ]}),
            Type::F32 | Type::F64 => json!({"anyOf": [
                {"type": "number"},
                {"enum": ["nan", "inf", "-inf"]},
            ]}),
            Type::Char => json!({"type": "string", "minLength": 1, "maxLength": 1}),
            Type::String => json!({"type": "string"}),
            _ if ty.is_bytes() => json!({"type": "string", "contentEncoding": "base64"}),
            Type::List(t) => json!({"type": "array", "items": self.schema(t, down)}),
            Type::FixedList(t, n) => {
                json!({"type": "array", "items": self.schema(t, down), "minItems": n, "maxItems": n})
            }
            Type::Tuple(ts) => {
                let items: Vec<_> = ts.iter().map(|t| self.schema(t, down)).collect();
                let n = items.len();
                let mut tuple = json!({"type": "array", "items": false, "minItems": n, "maxItems": n});
                // An empty `prefixItems` is not valid (JSON Schema 2020-12 §10.3.1.1).
                if let (Some(tuple), true) = (tuple.as_object_mut(), n > 0) {
                    tuple.insert("prefixItems".to_owned(), Schema::Array(items));
                }
                tuple
            }
            Type::Map(k, v) if **k == Type::String => {
                json!({"type": "object", "additionalProperties": self.schema(v, down)})
            }
            Type::Map(k, v) => {
                let pair = [self.schema(k, down), self.schema(v, down)];
                json!({"type": "array", "items":
                    {"type": "array", "prefixItems": pair, "items": false, "minItems": 2, "maxItems": 2}})
            }
            Type::Option(t) if t.is_option() => json!({"anyOf": [
                closed(&[("some", self.schema(t, down))], &["some"]),
                {"type": "null"},
            ]}),
            Type::Option(t) => json!({"anyOf": [self.schema(t, down), {"type": "null"}]}),
            Type::Result(ok, err) => {
                let mut side = |word: &str, t: &Option<std::sync::Arc<Type>>| {
                    let payload = match t {
                        Some(t) => self.schema(t, down),
                        None => json!({"type": "null"}),
                    };
                    closed(&[(word, payload)], &[word])
                };
                let sides = [side("ok", ok), side("err", err)];
                json!({"oneOf": sides})
            }
            Type::Record(r) => self.define(&r.name, |defs| {
                let fields = r.fields.iter().map(|f| (f.name.as_str(), &f.ty, f.docs.as_str()));
                described(defs.object(fields.collect(), down), &r.docs)
            }),
            Type::Variant(v) => self.define(&v.name, |defs| {
                let mut case = |c: &crate::Case| {
                    let tag = ("tag", json!({"const": c.name}));
                    let schema = match &c.ty {
                        Some(t) => closed(&[tag, ("val", defs.schema(t, down))], &["tag", "val"]),
                        None => closed(&[tag], &["tag"]),
                    };
                    described(schema, &c.docs)
                };
                let cases: Vec<_> = v.cases.iter().map(&mut case).collect();
                described(json!({"oneOf": cases}), &v.docs)
            }),
            Type::Enum(e) => self.define(&e.name, |_| {
                let names: Vec<_> = e.cases.iter().map(|c| &c.name).collect();
                described(json!({"type": "string", "enum": names}), &e.docs)
            }),
            Type::Flags(x) => self.define(&x.name, |_| {
                let names: Vec<_> = x.flags.iter().map(|f| &f.name).collect();
                let items = json!({"type": "string", "enum": names});
                described(json!({"type": "array", "items": items, "uniqueItems": true}), &x.docs)
            }),
            // No value fits: such functions are not offered.
            Type::Handle(_) => json!(false),
        }
    }

    /// A reference to a named type, described on first sight.
    fn define(&mut self, name: &TypeName, describe: impl FnOnce(&mut Self) -> Schema) -> Schema {
        let known = |(known, _, _): &&(TypeName, String, Schema)| known == name;
        if let Some((_, key, _)) = self.named.iter().find(known) {
            return json!({"$ref": format!("#/$defs/{key}")});
        }
        let taken = |key: &str| self.named.iter().any(|(_, k, _)| k == key);
        let key = match taken(&name.name) {
            false => name.name.clone(),
            // Two interfaces define the same name: a number keeps them apart.
            true => (2..).map(|n| format!("{}-{n}", name.name)).find(|k| !taken(k)).unwrap_or_default(),
        };
        let slot = self.named.len();
        self.named.push((name.clone(), key.clone(), json!({})));
        let schema = describe(self);
        self.named[slot].2 = schema;
        json!({"$ref": format!("#/$defs/{key}")})
    }

    fn object(&mut self, fields: Vec<(&str, &Type, &str)>, depth: usize) -> Schema {
        let required: Vec<_> = fields.iter().filter(|(_, ty, _)| !ty.is_option()).map(|(name, ..)| *name).collect();
        let properties: Vec<_> =
            fields.iter().map(|(name, ty, docs)| (*name, described(self.schema(ty, depth + 1), docs))).collect();
        closed(&properties, &required)
    }
}

fn closed(properties: &[(&str, Schema)], required: &[&str]) -> Schema {
    let properties: Map<_, _> = properties.iter().map(|(name, s)| ((*name).to_owned(), s.clone())).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn integer(minimum: impl Into<i64>, maximum: impl Into<i64>) -> Schema {
    json!({"type": "integer", "minimum": minimum.into(), "maximum": maximum.into()})
}

fn described(mut schema: Schema, docs: &str) -> Schema {
    if let (Schema::Object(object), false) = (&mut schema, docs.is_empty()) {
        object.insert("description".to_owned(), Schema::String(docs.to_owned()));
    }
    schema
}
