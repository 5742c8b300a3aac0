//! Schemas: their names, fields and types; enums hoisted and shared, oneof groups read.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::Value;

use super::type_names::{SITE, is_renamed, name_enums, short_names};
use crate::error::{Error, Result, child};
use crate::findings::Findings;
use crate::lock::{Kind, Lock};
use crate::model::{Description, Field, Message, Schema, SchemaKind, Type};
use crate::names::{capitalized, free, is_prelude, pascal, snake};
use crate::object::{Object, text};
use crate::read::shape;

/// Where the references of a document point.
const PREFIX: &str = "#/components/schemas/";

/// The types that, listed together, mean any JSON value.
const JSON_TYPES: [&str; 6] = ["string", "number", "object", "array", "boolean", "null"];

/// Reads schemas, collecting the inline enums and patterns on the way.
pub(super) struct Reader<'a> {
    components: Object<'a>,
    lock: &'a Lock,
    /// The key in the document to our short name; that of an enum is given once its places are known, see [`SITE`].
    short: BTreeMap<&'a str, String>,
    /// Value set to the places that use it, in order of appearance.
    enums: IndexMap<Vec<String>, Vec<String>>,
    /// Pattern to the name of its first place.
    patterns: IndexMap<String, String>,
}

/// What a schema in the place of a type says.
#[derive(Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts of the document"
)]
pub(super) struct Use {
    pub(super) nullable: bool,
    pub(super) read_only: bool,
    pub(super) deprecated: bool,
    pub(super) sensitive: bool,
    pub(super) sunset: Option<String>,
    pub(super) doc: Option<String>,
}

impl Use {
    /// Takes over what is said within a wrapper (`oneOf` with null, `allOf` of one).
    fn absorb(&mut self, inner: Self) {
        self.nullable |= inner.nullable;
        self.read_only |= inner.read_only;
        self.deprecated |= inner.deprecated;
        self.sensitive |= inner.sensitive;
        self.sunset = self.sunset.take().or(inner.sunset);
        self.doc = self.doc.take().or(inner.doc);
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(components: Object<'a>, lock: &'a Lock) -> Result<Self> {
        let short = short_names(&components, lock)?;
        Ok(Self {
            components,
            lock,
            short,
            enums: IndexMap::new(),
            patterns: IndexMap::new(),
        })
    }

    /// Where notes and problems go.
    pub(super) fn findings(&self) -> &'a Findings {
        self.components.findings()
    }

    /// The short name that a reference leads to.
    pub(super) fn reference(&self, value: &Value, pointer: &str) -> Result<String> {
        let reference = text(value, pointer)?;
        let key = reference
            .strip_prefix(PREFIX)
            .map(|key| key.replace("~1", "/").replace("~0", "~"));
        key.and_then(|key| self.short.get(key.as_str()).cloned())
            .ok_or_else(|| {
                Error::new(
                    pointer,
                    format!("{reference:?}"),
                    format!("a schema below {PREFIX}"),
                )
            })
    }

    /// The type at `value`. `site` is the name it would get if it had to be hoisted.
    pub(super) fn ty(
        &mut self,
        value: &'a Value,
        pointer: &str,
        site: &str,
    ) -> Result<(Type, Use)> {
        let schema = Object::new(value, pointer, self.findings())?;
        let mut facts = Use {
            nullable: schema.boolean("nullable")?,
            read_only: schema.boolean("readOnly")?,
            deprecated: schema.boolean("deprecated")?,
            sensitive: schema.boolean("x-sensitive")?,
            sunset: schema.string("x-sunset")?.map(str::to_owned),
            doc: schema.doc()?,
        };
        let ty = if let Some(reference) = schema.get("$ref") {
            Type::Ref(self.reference(reference, &schema.at("$ref"))?)
        } else if let Some(variants) = schema.list("oneOf")? {
            self.one_of(variants, &schema.at("oneOf"), site, &mut facts)?
        } else if let Some(parts) = schema.list("allOf")? {
            let [part] = parts else {
                let expected = "an allOf of one element";
                return Err(Error::new(
                    &schema.at("allOf"),
                    format!("{} elements", parts.len()),
                    expected,
                ));
            };
            let (ty, inner) = self.ty(part, &child(&schema.at("allOf"), "0"), site)?;
            facts.absorb(inner);
            ty
        } else {
            self.plain(&schema, site, &mut facts)?
        };
        schema.finish();
        Ok((ty, facts))
    }

    /// `[X, {type: null}]` is X that may be null; several plain types are any JSON value.
    fn one_of(
        &mut self,
        variants: &'a [Value],
        pointer: &str,
        site: &str,
        facts: &mut Use,
    ) -> Result<Type> {
        let mut types = Vec::new();
        for (index, variant) in variants.iter().enumerate() {
            let pointer = child(pointer, &index.to_string());
            if variant.get("type").and_then(Value::as_str) == Some("null") {
                Object::new(variant, &pointer, self.findings())?.get("type");
                facts.nullable = true;
            } else {
                let (ty, inner) = self.ty(variant, &pointer, site)?;
                facts.absorb(inner);
                types.push(ty);
            }
        }
        match <[Type; 1]>::try_from(types) {
            Ok([ty]) => Ok(ty),
            Err(types) if !types.is_empty() && types.iter().all(|ty| ty.reference().is_none()) => {
                facts.nullable = true;
                Ok(Type::Json)
            }
            Err(types) => {
                let expected = "one schema and null, or several plain types";
                Err(Error::new(
                    pointer,
                    format!("{} schemas", types.len()),
                    expected,
                ))
            }
        }
    }

    /// A schema that says its `type`.
    fn plain(&mut self, schema: &Object<'a>, site: &str, facts: &mut Use) -> Result<Type> {
        let name = match schema.require("type")? {
            Value::String(name) => name.as_str(),
            Value::Array(names) => {
                let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
                if JSON_TYPES.iter().all(|name| names.contains(name)) {
                    facts.nullable = true;
                    return Ok(Type::Json);
                }
                match names[..] {
                    [name, "null"] | ["null", name] if name != "null" => {
                        facts.nullable = true;
                        name
                    }
                    _ => {
                        let expected = "one type, one type and null, or all types";
                        return Err(Error::new(
                            &schema.at("type"),
                            format!("{names:?}"),
                            expected,
                        ));
                    }
                }
            }
            other => {
                return Err(Error::new(
                    &schema.at("type"),
                    shape(other),
                    "a type or a list of types",
                ));
            }
        };
        match name {
            "array" => {
                let (item, _) = self.ty(schema.require("items")?, &schema.at("items"), site)?;
                return Ok(Type::List(Box::new(item)));
            }
            "object" => return self.inline_object(schema, site),
            _ => {}
        }
        let format = schema.string("format")?;
        Ok(match (name, format) {
            ("string", None) => self.string(schema, site)?,
            ("string", Some("date-time")) => Type::Timestamp,
            ("string", Some("duration")) => Type::Duration,
            ("string", Some("int64")) => Type::Int64,
            ("string", Some("uint64")) => Type::Uint64,
            ("string", Some("base64" | "byte")) => Type::Bytes,
            ("boolean", None) => Type::Bool,
            ("integer", Some("int32")) => Type::Int32,
            ("integer", Some("uint32")) => Type::Uint32,
            ("number", None) => Type::Double,
            (name, format) => {
                let format =
                    format.map_or_else(String::new, |format| format!(" of format {format:?}"));
                let expected = "string (date-time, duration, int64, uint64, base64), boolean, integer (int32, uint32), number, array or object";
                return Err(Error::new(
                    schema.pointer(),
                    format!("type {name:?}{format}"),
                    expected,
                ));
            }
        })
    }

    /// A string without format: plain, or of an enum or a pattern, which get a schema of their own.
    fn string(&mut self, schema: &Object<'a>, site: &str) -> Result<Type> {
        if let Some(values) = enum_values(schema)? {
            let entry = self.enums.entry(values);
            let index = entry.index();
            entry.or_default().push(site.to_owned());
            return Ok(Type::Ref(format!("{SITE}{index}")));
        }
        if let Some(pattern) = schema.string("pattern")? {
            if let Some(name) = self.patterns.get(pattern) {
                return Ok(Type::Ref(name.clone()));
            }
            let name = self.hoisted(site);
            self.patterns.insert(pattern.to_owned(), name.clone());
            return Ok(Type::Ref(name));
        }
        Ok(Type::String)
    }

    /// An object without a name: protobuf's Any, a map, or free form.
    fn inline_object(&mut self, schema: &Object<'a>, site: &str) -> Result<Type> {
        let open = match schema.get("additionalProperties") {
            None | Some(Value::Bool(true)) => true,
            Some(value @ Value::Object(_)) => {
                let (value, _) = self.ty(value, &schema.at("additionalProperties"), site)?;
                return Ok(Type::Map(Box::new(value)));
            }
            Some(_) => false,
        };
        let Some(properties) = schema.object("properties")? else {
            return if open {
                Ok(Type::Object)
            } else {
                Err(Error::new(
                    &schema.at("additionalProperties"),
                    "false",
                    "true or a schema",
                ))
            };
        };
        let names: Vec<_> = properties.entries().map(|(name, ..)| name).collect();
        if open && names == ["@type"] {
            Ok(Type::Any)
        } else {
            let expected = "an object without properties, or protobuf's Any (`@type` alone)";
            Err(Error::new(
                properties.pointer(),
                format!("{names:?}"),
                expected,
            ))
        }
    }

    /// Reads the components and puts them, with what was hoisted, into the description.
    pub(super) fn finish(mut self, description: &mut Description) {
        let mut schemas: BTreeMap<String, Schema> = BTreeMap::new();
        let components: Vec<_> = self.components.entries().collect();
        for (key, value, pointer) in components {
            let name = self.short[key].clone();
            let schema = self.component(&name, key, value, &pointer);
            if let Some(schema) = self.findings().keep(schema) {
                schemas.insert(name, schema);
            }
        }
        for (pattern, name) in &self.patterns {
            let schema = Schema {
                proto: None,
                kind: SchemaKind::Pattern(pattern.clone()),
                deprecated: false,
                doc: None,
            };
            schemas.insert(name.clone(), schema);
        }
        name_enums(description, schemas, &self.enums, self.lock);
    }

    /// A name for a schema that has none in the document: that of its place, if it is free.
    fn hoisted(&self, site: &str) -> String {
        if let Some(name) = self.lock.get(Kind::Message, site) {
            return name.to_owned();
        }
        free([site.to_owned()], |name| {
            self.lock.has_type(name)
                || is_prelude(name)
                || self.short.values().any(|known| known == name)
                || self.patterns.values().any(|known| known == name)
        })
    }

    /// One named schema.
    fn component(
        &mut self,
        name: &str,
        key: &str,
        value: &'a Value,
        pointer: &str,
    ) -> Result<Schema> {
        let schema = Object::new(value, pointer, self.findings())?;
        schema.boolean("nullable")?;
        let proto = schema
            .string("x-proto-name")?
            .or(Some(key).filter(|key| is_renamed(key, name)))
            .map(str::to_owned);
        let deprecated = schema.boolean("deprecated")?;
        let doc = schema.doc()?;
        let kind = match schema.require_string("type")? {
            "object" => {
                let message = self.message(&schema, name, doc.as_deref())?;
                SchemaKind::Message(message)
            }
            "string" => match (enum_values(&schema)?, schema.string("pattern")?) {
                (Some(values), None) => SchemaKind::Enum(values),
                (None, Some(pattern)) => SchemaKind::Pattern(pattern.to_owned()),
                _ => {
                    return Err(Error::new(
                        pointer,
                        "a plain string",
                        "an object, an enum or a pattern",
                    ));
                }
            },
            other => {
                return Err(Error::new(
                    pointer,
                    format!("type {other:?}"),
                    "an object, an enum or a pattern",
                ));
            }
        };
        schema.finish();
        Ok(Schema {
            proto,
            kind,
            deprecated,
            doc,
        })
    }

    fn message(&mut self, schema: &Object<'a>, name: &str, doc: Option<&str>) -> Result<Message> {
        let required = schema.strings("required")?.unwrap_or_default();
        let problems = self.findings().problems();
        let mut message = Message::default();
        if let Some(properties) = schema.object("properties")? {
            for (property, value, pointer) in properties.entries() {
                let site = format!("{name}{}", capitalized(&pascal(property)));
                let ty = self.ty(value, &pointer, &site);
                let Some((ty, facts)) = self.findings().keep(ty) else {
                    continue;
                };
                let Use {
                    nullable,
                    read_only,
                    deprecated,
                    sensitive,
                    sunset,
                    doc,
                } = facts;
                let required = required.iter().any(|name| name == property);
                let field = Field {
                    ty,
                    nullable,
                    required,
                    read_only,
                    deprecated,
                    sunset,
                    sensitive,
                    doc,
                };
                message.fields.insert(property.to_owned(), field);
            }
        }
        if self.findings().problems() > problems {
            // What refers to the fields cannot be judged without all of them.
            return Ok(message);
        }
        if let Some(missing) = required
            .iter()
            .find(|name| !message.fields.contains_key(*name))
        {
            return Err(Error::new(
                &schema.at("required"),
                format!("{missing:?}"),
                "the name of a property",
            ));
        }
        message.oneofs = match schema.object("x-oneofs")? {
            Some(groups) => {
                let mut oneofs = IndexMap::new();
                for (group, ..) in groups.entries() {
                    oneofs.insert(group.to_owned(), groups.strings(group)?.unwrap_or_default());
                }
                oneofs
            }
            None => oneofs_in_prose(doc.unwrap_or_default(), schema.pointer())?,
        };
        message
            .oneofs
            .retain(|group, members| !is_presence(group, members));
        let mut grouped = BTreeSet::new();
        for (group, members) in &message.oneofs {
            for member in members {
                if !message.fields.contains_key(member) || !grouped.insert(member) {
                    let found = format!("{member:?} in the oneof {group:?}");
                    return Err(Error::new(
                        schema.pointer(),
                        found,
                        "a property, in one oneof only",
                    ));
                }
            }
        }
        Ok(message)
    }
}

/// The values of an enum. Every enum is open: a server may always send a name that is newer.
fn enum_values(schema: &Object<'_>) -> Result<Option<Vec<String>>> {
    let values = schema.strings("enum")?;
    for key in ["x-speakeasy-unknown-values", "x-open-enum"] {
        schema.get(key);
    }
    if values.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::new(&schema.at("enum"), "no values", "at least one"));
    }
    Ok(values)
}

/// The oneof groups that the vendor announces in the prose of a schema.
fn oneofs_in_prose(doc: &str, pointer: &str) -> Result<IndexMap<String, Vec<String>>> {
    const OPENING: &str = "This message contains a oneof named ";
    let mut groups = IndexMap::new();
    let mut lines = doc.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        let Some(rest) = line.strip_prefix(OPENING) else {
            continue;
        };
        let name = rest.split_once('.').map_or(rest, |(name, _)| name);
        let mut members = Vec::new();
        while let Some(member) = lines.peek().and_then(|line| line.strip_prefix("- ")) {
            members.push(member.to_owned());
            lines.next();
        }
        if members.is_empty() || groups.insert(name.to_owned(), members).is_some() {
            return Err(Error::new(
                pointer,
                format!("a oneof {name:?} without members, or twice"),
                "a list of its members",
            ));
        }
    }
    Ok(groups)
}

/// Whether a oneof is only how protobuf keeps the presence of an `optional` field: `_field` with `field` alone. Every field
/// here can be absent anyway.
fn is_presence(group: &str, members: &[String]) -> bool {
    let field = group.strip_prefix('_').map(snake);
    matches!(members, [member] if field == Some(snake(member)))
}
