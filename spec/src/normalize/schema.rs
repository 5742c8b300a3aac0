//! Schemas: their names, fields and types; enums and inline objects hoisted, enums shared. What has no type here is carried
//! as JSON, and noted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use indexmap::IndexMap;
use serde_json::Value;

use super::compose::{Parts, is_any, is_composed, is_merged};
use super::oneofs;
use super::type_names::{SITE, is_renamed, name_enums, short_names};
use crate::error::{Error, Result, child};
use crate::findings::{Findings, Note};
use crate::lock::{Kind, Lock};
use crate::model::{Description, Field, Message, Related, Schema, SchemaKind, Type};
use crate::names::{capitalized, free, is_prelude, pascal, type_name};
use crate::object::{Object, text};
use crate::read::shape;

/// Where the references of a document point.
const PREFIX: &str = "#/components/schemas/";

/// The types that, listed together, mean any JSON value.
const JSON_TYPES: [&str; 5] = ["string", "number", "object", "array", "boolean"];

/// As what is carried that has no type here.
pub(super) const JSON: &str = "JSON";

/// How deep types may be nested, within each other and through references, and how many may be parts of each other.
pub(super) const MAX_DEPTH: usize = 64;

/// Reads schemas, collecting the inline enums, objects and patterns on the way.
pub(super) struct Reader<'a> {
    components: Object<'a>,
    /// Whether the document is in our form, so that no oneof is announced in prose.
    is_ours: bool,
    lock: &'a Lock,
    /// The key in the document to our short name; that of an enum is given once its places are known, see [`SITE`].
    short: BTreeMap<&'a str, String>,
    /// The keys of components that become no schema of their own: their type stands wherever they are referred to.
    aliases: BTreeSet<&'a str>,
    /// Those of them that are being read, with the number of lists and maps around them.
    open: BTreeMap<&'a str, usize>,
    /// How many lists and maps are around what is being read.
    containers: usize,
    /// How many types are around what is being read.
    depth: usize,
    /// The types that were read, by their pointers: those of an alias and of the parts of an `allOf` are asked for again.
    known: BTreeMap<String, (Type, Use)>,
    /// Value set to the places that use it, in order of appearance.
    enums: IndexMap<Vec<String>, Vec<String>>,
    /// Pattern to the name of its first place.
    patterns: IndexMap<String, String>,
    /// The inline objects, whose fields are read last.
    objects: VecDeque<(String, Parts<'a>)>,
    /// The names of schemas that are given away.
    taken: BTreeSet<String>,
}

/// What a schema in the place of a type says.
#[derive(Clone, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts of the document"
)]
pub(super) struct Use {
    pub(super) nullable: bool,
    pub(super) read_only: bool,
    pub(super) write_only: bool,
    pub(super) deprecated: bool,
    pub(super) sensitive: bool,
    pub(super) sunset: Option<String>,
    pub(super) related: Option<Related>,
    pub(super) expands: Option<Vec<String>>,
    pub(super) default: Option<Value>,
    pub(super) doc: Option<String>,
}

impl Use {
    pub(super) fn of(schema: &Object<'_>) -> Result<Self> {
        let default = schema.get("default").filter(|default| !default.is_null());
        Ok(Self {
            nullable: schema.boolean("nullable")?,
            read_only: schema.boolean("readOnly")?,
            write_only: schema.boolean("writeOnly")?,
            deprecated: schema.boolean("deprecated")?,
            sensitive: schema.boolean("x-sensitive")?,
            sunset: schema.string("x-sunset")?.map(str::to_owned),
            related: schema
                .object("x-related")?
                .as_ref()
                .map(related)
                .transpose()?,
            expands: schema.strings("x-expands")?,
            default: default.cloned(),
            doc: schema.doc()?,
        })
    }

    /// Takes over what is said within a wrapper (`oneOf` with null, `allOf` of one).
    pub(super) fn absorb(&mut self, inner: Self) {
        self.nullable |= inner.nullable;
        self.read_only |= inner.read_only;
        self.write_only |= inner.write_only;
        self.deprecated |= inner.deprecated;
        self.sensitive |= inner.sensitive;
        self.sunset = self.sunset.take().or(inner.sunset);
        self.related = self.related.take().or(inner.related);
        self.expands = self.expands.take().or(inner.expands);
        self.default = self.default.take().or(inner.default);
        self.doc = self.doc.take().or(inner.doc);
    }
}

/// What a component is.
enum Component<'a> {
    Message(Box<Parts<'a>>),
    Enum,
    Pattern,
    /// Anything else: a list, a map, a scalar, another name for a schema.
    Alias,
}

impl<'a> Reader<'a> {
    pub(super) fn new(components: Object<'a>, is_ours: bool, lock: &'a Lock) -> Result<Self> {
        let short = short_names(&components, lock)?;
        let mut reader = Self {
            components,
            is_ours,
            lock,
            short,
            aliases: BTreeSet::new(),
            open: BTreeMap::new(),
            containers: 0,
            depth: 0,
            known: BTreeMap::new(),
            enums: IndexMap::new(),
            patterns: IndexMap::new(),
            objects: VecDeque::new(),
            taken: BTreeSet::new(),
        };
        let entries: Vec<_> = reader.components.entries().collect();
        for (key, value, pointer) in entries {
            let schema = Object::new(value, &pointer, reader.findings())?;
            // What is wrong with it is told when it is read.
            if let Ok(Component::Alias) = reader.kind(&schema, value) {
                reader.aliases.insert(key);
            } else {
                reader.taken.insert(reader.short[key].clone());
            }
        }
        Ok(reader)
    }

    /// Where notes and problems go.
    pub(super) fn findings(&self) -> &'a Findings {
        self.components.findings()
    }

    /// Whether prose may announce a oneof.
    pub(super) fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// The short name that a reference leads to.
    pub(super) fn reference(&self, value: &Value, pointer: &str) -> Result<String> {
        let (key, _) = self.target(value, pointer)?;
        Ok(self.short[key].clone())
    }

    /// The component that a reference leads to: its key, and the component itself.
    pub(super) fn target(&self, value: &Value, pointer: &str) -> Result<(&'a str, &'a Value)> {
        let reference = text(value, pointer)?;
        let key = reference
            .strip_prefix(PREFIX)
            .map(|key| key.replace("~1", "/").replace("~0", "~"));
        key.and_then(|key| self.short.get_key_value(key.as_str()))
            .and_then(|(key, _)| Some((*key, self.components.get(key)?)))
            .ok_or_else(|| {
                Error::new(
                    pointer,
                    format!("{reference:?}"),
                    format!("a schema below {PREFIX}"),
                )
            })
    }

    /// The pointer of a component.
    pub(super) fn pointer(&self, key: &str) -> String {
        self.components.at(key)
    }

    /// The type at `value`. `site` is the name it would get if it had to be hoisted.
    pub(super) fn ty(
        &mut self,
        value: &'a Value,
        pointer: &str,
        site: &str,
    ) -> Result<(Type, Use)> {
        if let Some(known) = self.known.get(pointer) {
            return Ok(known.clone());
        }
        let mut facts = Use::default();
        let ty = if let Value::Bool(is_any) = value {
            if !is_any {
                self.findings().note(pointer, "false", JSON);
            }
            Type::Json
        } else {
            let schema = Object::new(value, pointer, self.findings())?;
            if self.depth >= MAX_DEPTH {
                let found = format!("more than {MAX_DEPTH} types within each other");
                return Err(Error::new(pointer, found, "fewer"));
            }
            facts = Use::of(&schema)?;
            self.depth += 1;
            let ty = self.composed(&schema, value, site, &mut facts);
            self.depth -= 1;
            let ty = ty?;
            schema.finish();
            ty
        };
        facts.nullable |= ty == Type::Json;
        self.known
            .insert(pointer.to_owned(), (ty.clone(), facts.clone()));
        Ok((ty, facts))
    }

    /// The type of the component that a reference leads to.
    pub(super) fn referred(
        &mut self,
        reference: &Value,
        pointer: &str,
        facts: &mut Use,
    ) -> Result<Type> {
        let (key, value) = self.target(reference, pointer)?;
        if !self.aliases.contains(key) {
            return Ok(Type::Ref(self.short[key].clone()));
        }
        if let Some(containers) = self.open.get(key) {
            if *containers == self.containers {
                let expected = "a schema behind all references";
                return Err(Error::new(pointer, format!("{key:?} in itself"), expected));
            }
            self.findings()
                .note(pointer, format!("{key:?} in itself"), JSON);
            return Ok(Type::Json);
        }
        let (ty, inner) = self.alias(key, value)?;
        facts.absorb(inner);
        Ok(ty)
    }

    fn alias(&mut self, key: &'a str, value: &'a Value) -> Result<(Type, Use)> {
        let site = self.short[key].clone();
        self.open.insert(key, self.containers);
        let read = self.ty(value, &self.pointer(key), &site);
        self.open.remove(key);
        read
    }

    /// The type of the elements of a list, or of the values of a map.
    fn element(
        &mut self,
        value: &'a Value,
        pointer: &str,
        site: &str,
        facts: &mut Use,
    ) -> Result<Box<Type>> {
        self.containers += 1;
        let read = self.ty(value, pointer, site);
        self.containers -= 1;
        let (ty, inner) = read?;
        facts.sensitive |= inner.sensitive;
        if inner.default.is_some() {
            let at = child(pointer, "default");
            self.findings().note(&at, "default", Note::UNUSED);
        }
        Ok(Box::new(ty))
    }

    /// A schema by itself, neither a reference nor put together of others.
    pub(super) fn plain(
        &mut self,
        schema: &Object<'a>,
        value: &'a Value,
        site: &str,
        facts: &mut Use,
    ) -> Result<Type> {
        let name = self.type_name(schema, value, facts)?;
        match name {
            None => return Ok(Type::Json),
            Some("array") => return self.array(schema, site, facts),
            Some("object") => return self.object(schema, value, site, facts),
            Some(_) => {}
        }
        let format = schema.string("format")?;
        Ok(match (name.unwrap_or_default(), format) {
            ("string", Some("date-time")) => Type::Timestamp,
            ("string", Some("duration")) => Type::Duration,
            ("string", Some("int64")) => Type::Int64,
            ("string", Some("uint64")) => Type::Uint64,
            ("string", Some("base64" | "byte")) => Type::Bytes,
            ("integer" | "number", Some("int32")) => Type::Int32,
            ("integer" | "number", Some("uint32")) => Type::Uint32,
            ("integer" | "number", Some("int64")) | ("integer", None) => Type::Int64Number,
            ("integer" | "number", Some("uint64")) => Type::Uint64Number,
            // JSON has one kind of numbers, and a double holds every float.
            ("number", None | Some("double" | "float")) => Type::Double,
            (name, format) => {
                match format {
                    None => {}
                    Some("password") if name == "string" => facts.sensitive = true,
                    Some(format) => {
                        let found = format!("format: {format}");
                        self.findings()
                            .note(&schema.at("format"), found, Note::UNUSED);
                    }
                }
                match name {
                    "string" => self.string(schema, site, facts)?,
                    "boolean" => Type::Bool,
                    "integer" => Type::Int64Number,
                    "number" => Type::Double,
                    other => {
                        let found = format!("type {other:?}");
                        self.findings().note(&schema.at("type"), found, JSON);
                        Type::Json
                    }
                }
            }
        })
    }

    /// The one type of a schema; `None` where that is any.
    fn type_name(
        &self,
        schema: &Object<'a>,
        value: &'a Value,
        facts: &mut Use,
    ) -> Result<Option<&'a str>> {
        match schema.get("type") {
            Some(Value::Array(_)) => {
                let names = schema.texts("type")?.unwrap_or_default();
                facts.nullable |= names.contains(&"null");
            }
            None | Some(Value::String(_)) => {}
            Some(other) => {
                let expected = "a type or a list of types";
                return Err(Error::new(&schema.at("type"), shape(other), expected));
            }
        }
        let names = types(value);
        match names[..] {
            [] => Ok(None),
            [name] => Ok(Some(name)),
            _ if JSON_TYPES.iter().all(|name| names.contains(name)) => Ok(None),
            _ => {
                let found = format!("the types {}", names.join(", "));
                self.findings().note(&schema.at("type"), found, JSON);
                Ok(None)
            }
        }
    }

    fn array(&mut self, schema: &Object<'a>, site: &str, facts: &mut Use) -> Result<Type> {
        let items = schema.get("items");
        let is_tuple = schema.get("prefixItems").is_some() || items.is_some_and(Value::is_array);
        if is_tuple {
            let found = "a type for each position";
            self.findings()
                .note(schema.pointer(), found, "a list of JSON");
        }
        Ok(Type::List(match items {
            Some(items) if !is_tuple => self.element(items, &schema.at("items"), site, facts)?,
            _ => Box::new(Type::Json),
        }))
    }

    /// A string without format: plain, or of an enum or a pattern, which get a schema of their own.
    fn string(&mut self, schema: &Object<'a>, site: &str, facts: &mut Use) -> Result<Type> {
        if let Some(values) = self.enum_values(schema, facts)? {
            return Ok(self.enum_site(values, site));
        }
        if let Some(pattern) = schema.string("pattern")? {
            if !is_pattern(pattern) {
                let found = format!("the pattern {pattern:?}");
                self.findings()
                    .note(&schema.at("pattern"), found, "any string");
                return Ok(Type::String);
            }
            if !self.patterns.contains_key(pattern) {
                let name = self.free(site);
                self.patterns.insert(pattern.to_owned(), name);
            }
            return Ok(Type::Ref(self.patterns[pattern].clone()));
        }
        Ok(Type::String)
    }

    /// An enum that is used in one more place.
    pub(super) fn enum_site(&mut self, values: Vec<String>, site: &str) -> Type {
        let entry = self.enums.entry(values);
        let index = entry.index();
        entry.or_default().push(site.to_owned());
        Type::Ref(format!("{SITE}{index}"))
    }

    /// The values of an enum of strings, or a constant, which is an enum of one. Every enum is open: a server may always
    /// send a name that is newer.
    fn enum_values(&self, schema: &Object<'a>, facts: &mut Use) -> Result<Option<Vec<String>>> {
        for key in ["x-speakeasy-unknown-values", "x-open-enum"] {
            schema.get(key);
        }
        let (key, listed) = match (schema.list("enum")?, schema.get("const")) {
            (Some(listed), _) => ("enum", listed),
            (None, Some(constant)) => ("const", std::slice::from_ref(constant)),
            (None, None) => return Ok(None),
        };
        let mut values = Vec::with_capacity(listed.len());
        for (index, value) in listed.iter().enumerate() {
            match value {
                Value::Null => facts.nullable = true,
                Value::String(value) if !values.contains(value) => values.push(value.clone()),
                _ => {
                    let at = schema.item(key, index);
                    let found = format!("the enum value {}", shape(value));
                    self.findings().note(&at, found, Note::UNUSED);
                }
            }
        }
        if values.is_empty() {
            self.findings().note(&schema.at(key), key, Note::UNUSED);
        }
        Ok(Some(values).filter(|values| !values.is_empty()))
    }

    /// An object without a name: protobuf's Any, a map, free form, or a message that gets a name.
    fn object(
        &mut self,
        schema: &Object<'a>,
        value: &'a Value,
        site: &str,
        facts: &mut Use,
    ) -> Result<Type> {
        let properties = schema.object("properties")?;
        let names: Vec<_> = properties
            .iter()
            .flat_map(|properties| properties.entries().map(|(name, ..)| name))
            .collect();
        let others = schema.get("additionalProperties");
        let is_open = others.is_some_and(is_any);
        if names == ["@type"] && (is_open || others.is_none()) {
            return Ok(Type::Any);
        }
        if !names.is_empty() {
            let mut parts = Parts::default();
            if self.collect(schema, value, &mut parts)? {
                return Ok(self.hoisted(parts, site));
            }
            let (ty, carried) = if is_open && names.contains(&"@type") {
                (Type::Any, "protobuf's Any")
            } else {
                (Type::Object, "a JSON object")
            };
            let found = "properties beside others";
            self.findings().note(schema.pointer(), found, carried);
            return Ok(ty);
        }
        match others {
            // Speakeasy leaves the `@type` out of protobuf's Any, so that this remains.
            Some(_) if is_open && properties.is_some() => Ok(Type::Any),
            Some(others @ Value::Object(_))
                if !is_open && value.get("patternProperties").is_none() =>
            {
                let at = schema.at("additionalProperties");
                Ok(Type::Map(self.element(others, &at, site, facts)?))
            }
            Some(Value::Bool(false)) => {
                let at = schema.at("additionalProperties");
                self.findings()
                    .note(&at, "additionalProperties", Note::UNUSED);
                Ok(Type::Object)
            }
            _ => Ok(Type::Object),
        }
    }

    /// A message for an inline object, named after its place.
    pub(super) fn hoisted(&mut self, parts: Parts<'a>, site: &str) -> Type {
        let name = self.free(site);
        self.objects.push_back((name.clone(), parts));
        Type::Ref(name)
    }

    /// A name for a schema that has none in the document: the one that is locked for its place, else that of the place, with
    /// a number behind it where another has it.
    fn free(&mut self, site: &str) -> String {
        let site = type_name(site);
        let locked = self.lock.get(Kind::Message, &site);
        let locked = locked.filter(|name| !self.taken.contains(*name));
        let name = locked.map_or_else(
            || {
                free([site.clone()], |name| {
                    is_prelude(name) || self.lock.has_type(name) || self.taken.contains(name)
                })
            },
            str::to_owned,
        );
        self.taken.insert(name.clone());
        name
    }

    /// Reads the components and puts them, with what was hoisted, into the description.
    pub(super) fn finish(mut self, description: &mut Description) {
        let mut schemas: BTreeMap<String, Schema> = BTreeMap::new();
        let components: Vec<_> = self.components.entries().collect();
        for (key, value, pointer) in components {
            let name = self.short[key].clone();
            let schema = self.component(&name, key, value, &pointer);
            if let Some(Some(schema)) = self.findings().keep(schema) {
                schemas.insert(name, schema);
            }
        }
        while let Some((name, parts)) = self.objects.pop_front() {
            let message = self.message(&name, parts);
            if let Some(message) = self.findings().keep(message) {
                schemas.insert(name, hoisted(SchemaKind::Message(message)));
            }
        }
        for (pattern, name) in &self.patterns {
            schemas.insert(name.clone(), hoisted(SchemaKind::Pattern(pattern.clone())));
        }
        name_enums(description, schemas, &self.enums, self.lock);
    }

    /// One named schema; nothing for an alias.
    fn component(
        &mut self,
        name: &str,
        key: &'a str,
        value: &'a Value,
        pointer: &str,
    ) -> Result<Option<Schema>> {
        if self.aliases.contains(key) {
            self.alias(key, value)?;
            return Ok(None);
        }
        let schema = Object::new(value, pointer, self.findings())?;
        schema.boolean("nullable")?;
        schema.get("type");
        let proto = schema
            .string("x-proto-name")?
            .or(Some(key).filter(|key| is_renamed(key, name)))
            .map(str::to_owned);
        let deprecated = schema.boolean("deprecated")?;
        let doc = schema.doc()?;
        let kind = match self.kind(&schema, value)? {
            Component::Message(parts) => SchemaKind::Message(self.message(name, *parts)?),
            Component::Pattern => SchemaKind::Pattern(schema.require_string("pattern")?.to_owned()),
            Component::Enum | Component::Alias => SchemaKind::Enum(
                self.enum_values(&schema, &mut Use::default())?
                    .unwrap_or_default(),
            ),
        };
        schema.finish();
        Ok(Some(Schema {
            proto,
            kind,
            deprecated,
            doc,
        }))
    }

    /// What a component is.
    fn kind(&self, schema: &Object<'a>, value: &'a Value) -> Result<Component<'a>> {
        let is_string = types(value) == ["string"] && value.get("format").is_none();
        if is_merged(value) || (!is_composed(value) && types(value) == ["object"]) {
            let mut parts = Parts::default();
            if self.collect(schema, value, &mut parts)? {
                return Ok(Component::Message(Box::new(parts)));
            }
        } else if is_string && !is_composed(value) {
            let values = value.get("enum").and_then(Value::as_array);
            let mut values = values.into_iter().flatten().chain(value.get("const"));
            if values.any(Value::is_string) {
                return Ok(Component::Enum);
            }
            let pattern = value.get("pattern").and_then(Value::as_str);
            if pattern.is_some_and(is_pattern) {
                return Ok(Component::Pattern);
            }
        }
        Ok(Component::Alias)
    }

    fn message(&mut self, name: &str, mut parts: Parts<'a>) -> Result<Message> {
        parts.finish();
        let problems = self.findings().problems();
        let mut message = Message::default();
        for (property, (value, pointer)) in parts.properties {
            let site = format!("{name}{}", capitalized(&pascal(property)));
            let ty = self.ty(value, &pointer, &site);
            let Some((ty, facts)) = self.findings().keep(ty) else {
                continue;
            };
            let Use {
                nullable,
                read_only,
                write_only,
                deprecated,
                sensitive,
                sunset,
                related,
                expands,
                default,
                doc,
            } = facts;
            let field = Field {
                ty,
                nullable,
                required: parts.required.contains_key(property),
                read_only,
                write_only,
                deprecated,
                default,
                sunset,
                sensitive,
                related,
                expands,
                doc,
            };
            message.fields.insert(property.to_owned(), field);
        }
        if self.findings().problems() > problems {
            // What refers to the fields cannot be judged without all of them.
            return Ok(message);
        }
        for (name, pointer) in &parts.required {
            if !message.fields.contains_key(*name) {
                let found = format!("{name:?} required, which is no property");
                self.findings().note(pointer, found, Note::UNUSED);
            }
        }
        message.oneofs = oneofs::checked(parts.oneofs, &mut message.fields, self.findings())?;
        Ok(message)
    }
}

/// The objects that a path leads to: their type, and whether there can be several.
fn related(facts: &Object<'_>) -> Result<Related> {
    let related = Related {
        proto: facts.require_string("type")?.to_owned(),
        many: facts.boolean("many")?,
    };
    facts.finish();
    Ok(related)
}

/// A schema that the document has inline.
fn hoisted(kind: SchemaKind) -> Schema {
    Schema {
        proto: None,
        kind,
        deprecated: false,
        doc: None,
    }
}

/// Whether the generated code can have the pattern (ECMA 262).
fn is_pattern(pattern: &str) -> bool {
    regress::Regex::new(pattern).is_ok()
}

/// The types that a schema names, or that its other keywords speak of; without null, and without the integers among numbers.
pub(super) fn types(schema: &Value) -> Vec<&str> {
    let mut names: Vec<_> = match schema.get("type") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => implied_type(schema).into_iter().collect(),
    };
    names.retain(|name| *name != "null");
    if names.contains(&"number") {
        names.retain(|name| *name != "integer");
    }
    names
}

/// The type of a schema that does not name it.
fn implied_type(schema: &Value) -> Option<&'static str> {
    let has = |key| schema.get(key).is_some();
    if has("properties") || has("additionalProperties") {
        return Some("object");
    }
    if has("items") || has("prefixItems") {
        return Some("array");
    }
    let values = schema.get("enum").and_then(Value::as_array);
    let values = values.into_iter().flatten().chain(schema.get("const"));
    let mut names = values.filter_map(|value| match value {
        Value::Null => None,
        Value::Bool(_) => Some("boolean"),
        Value::Number(number) if number.is_f64() => Some("number"),
        Value::Number(_) => Some("integer"),
        Value::String(_) => Some("string"),
        Value::Array(_) => Some("array"),
        Value::Object(_) => Some("object"),
    });
    let first = names.next()?;
    names.all(|name| name == first).then_some(first)
}
