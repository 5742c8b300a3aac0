//! Schemas: their names, fields and types; enums hoisted and shared, oneof groups read.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::Value;

use crate::error::{Error, Result, child};
use crate::findings::Findings;
use crate::model::{Description, Field, Message, Schema, SchemaKind, Type};
use crate::names::{capitalized, is_prelude, pascal, snake};
use crate::object::{Object, text};
use crate::read::shape;

/// Where the references of a document point.
const PREFIX: &str = "#/components/schemas/";

/// The types that, listed together, mean any JSON value.
const JSON_TYPES: [&str; 6] = ["string", "number", "object", "array", "boolean", "null"];

/// Stands for "the schema of this enum site" until all sites are known and named.
const SITE: char = '\u{0}';

/// Reads schemas, collecting the inline enums and patterns on the way.
pub(super) struct Reader<'a> {
    components: Object<'a>,
    /// The key in the document to our short name.
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
    pub(super) fn new(components: Object<'a>) -> Result<Self> {
        let short = short_names(&components)?;
        Ok(Self {
            components,
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
            let name = self
                .patterns
                .entry(pattern.to_owned())
                .or_insert_with(|| site.to_owned());
            return Ok(Type::Ref(name.clone()));
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
    pub(super) fn finish(mut self, description: &mut Description) -> Result<()> {
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
            if schemas.insert(name.clone(), schema).is_some() {
                return Err(Error::new(
                    &child("#/components/schemas", name),
                    "the name of a schema",
                    "a free name for a pattern",
                ));
            }
        }
        let names = self.enum_names(&schemas);
        for ((values, _), name) in self.enums.iter().zip(&names) {
            let schema = Schema {
                proto: None,
                kind: SchemaKind::Enum(values.clone()),
                deprecated: false,
                doc: None,
            };
            schemas.insert(name.clone(), schema);
        }
        for schema in schemas.values_mut() {
            if let SchemaKind::Message(message) = &mut schema.kind {
                for field in message.fields.values_mut() {
                    name_sites(&mut field.ty, &names);
                }
            }
        }
        for operation in &mut description.operations {
            for ty in operation.types_mut() {
                name_sites(ty, &names);
            }
        }
        description.schemas = schemas.into_iter().collect();
        Ok(())
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
            .or(Some(key).filter(|key| key.contains('.')))
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
            let mut idents = BTreeMap::new();
            for property in message.fields.keys() {
                if let Some(other) = idents.insert(snake(property), property) {
                    let found = format!("{other:?} and {property:?}");
                    return Err(Error::new(
                        properties.pointer(),
                        found,
                        "names that differ in snake_case",
                    ));
                }
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

    /// A name for every collected enum: the common prefix of its values; where that is empty or
    /// taken, the place of its first use. Of several sets with one prefix the most used has it.
    fn enum_names(&self, schemas: &BTreeMap<String, Schema>) -> Vec<String> {
        let prefixes: Vec<_> = self
            .enums
            .keys()
            .map(|values| pascal(common_prefix(values)))
            .collect();
        let mut taken: BTreeSet<String> = schemas.keys().cloned().collect();
        let mut order: Vec<usize> = (0..self.enums.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(self.enums[index].len()));
        let mut names = vec![String::new(); self.enums.len()];
        for index in order {
            let prefix = &prefixes[index];
            // Of `2FA_ON` and `2FA_OFF` it would be no name.
            let is_name = |name: &String| name.starts_with(|c: char| c.is_ascii_uppercase());
            let by_prefix = Some(prefix.clone()).filter(is_name);
            let by_schema = by_prefix
                .clone()
                .map(|name| name + "Enum")
                .filter(|_| schemas.contains_key(prefix) || is_prelude(prefix));
            let by_site = self.enums[index].iter().min().cloned();
            let name = [by_prefix, by_schema, by_site]
                .into_iter()
                .flatten()
                .find(|name| !taken.contains(name) && !is_prelude(name));
            // A site is used by one set only, so the last resort is a number.
            let name = name.unwrap_or_else(|| format!("{prefix}{index}"));
            taken.insert(name.clone());
            names[index] = name;
        }
        names
    }
}

/// Puts the final names in the place of the enum sites.
fn name_sites(ty: &mut Type, names: &[String]) {
    match ty {
        Type::List(inner) | Type::Map(inner) => name_sites(inner, names),
        Type::Ref(name) => {
            let site = name
                .strip_prefix(SITE)
                .and_then(|index| index.parse::<usize>().ok());
            if let Some(known) = site.and_then(|index| names.get(index)) {
                name.clone_from(known);
            }
        }
        _ => {}
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

/// The words that all values begin with, up to and with an underscore. The empty value says nothing of the others.
pub(crate) fn common_prefix(values: &[String]) -> &str {
    let mut rest = values.iter().filter(|value| !value.is_empty()).peekable();
    let Some(first) = rest.next() else {
        return "";
    };
    let is_alone = rest.peek().is_none();
    let length = rest.fold(first.len(), |length, value| {
        first
            .bytes()
            .zip(value.bytes())
            .take(length)
            .take_while(|(a, b)| a == b)
            .count()
    });
    let length = if is_alone { 0 } else { length };
    first
        .get(..length)
        .and_then(|prefix| prefix.rfind('_'))
        .map_or("", |end| &first[..=end])
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

/// A short name for every schema: the vendor's override, else the last segment of the full name.
/// Names that clash, with each other or with the prelude, fall back to the last segment, then take the package in front.
fn short_names<'a>(components: &Object<'a>) -> Result<BTreeMap<&'a str, String>> {
    let mut candidates: BTreeMap<&'a str, [String; 3]> = BTreeMap::new();
    for (key, value, pointer) in components.entries() {
        let last = last_segment(key);
        let preferred = Object::new(value, &pointer, components.findings())?
            .string("x-speakeasy-name-override")?
            .unwrap_or(&last)
            .to_owned();
        let package = package(key);
        candidates.insert(key, [preferred, last.clone(), format!("{package}{last}")]);
    }
    let mut names: BTreeMap<&'a str, String> = BTreeMap::new();
    let mut open: Vec<&'a str> = candidates.keys().copied().collect();
    for level in 0..3 {
        let mut claims: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
        for key in &open {
            claims.entry(&candidates[key][level]).or_default().push(key);
        }
        open = Vec::new();
        for (name, keys) in claims {
            let free = !is_prelude(name) && !names.values().any(|taken| taken == name);
            // The one whose own last segment is the name keeps it; the others step back.
            let owner = match keys[..] {
                [key] if free => Some(key),
                _ if free && level == 0 => {
                    let own: Vec<_> = keys
                        .iter()
                        .copied()
                        .filter(|key| candidates[key][1] == name)
                        .collect();
                    own.first().copied().filter(|_| own.len() == 1)
                }
                _ => None,
            };
            if let Some(owner) = owner {
                names.insert(owner, name.to_owned());
            }
            open.extend(keys.into_iter().filter(|key| Some(*key) != owner));
        }
    }
    let unnamed = open.first().map(|key| (*key, candidates[key][2].clone()));
    let odd = names.iter().find(|(_, name)| {
        !name.starts_with(|c: char| c.is_ascii_uppercase())
            || !name.chars().all(|c| c.is_ascii_alphanumeric())
    });
    if let Some((key, name)) = odd.map(|(key, name)| (*key, name.clone())).or(unnamed) {
        let expected = "a name of its own, of letters and digits, with a capital first";
        return Err(Error::new(
            &components.at(key),
            format!("the name {name:?}"),
            expected,
        ));
    }
    Ok(names)
}

/// `c1.api.app.v1.Outer.Inner` to `OuterInner`: the segments behind the version.
fn last_segment(key: &str) -> String {
    let segments: Vec<_> = key.split('.').collect();
    let names = segments
        .iter()
        .position(|segment| is_version(segment))
        .map_or(segments.len() - 1, |at| at + 1);
    segments[names.min(segments.len() - 1)..]
        .iter()
        .map(|segment| capitalized(segment))
        .collect()
}

/// `c1.api.app.v1.App` to `App`: the package in front of the version, as part of a name.
fn package(key: &str) -> String {
    let segments: Vec<_> = key
        .split('.')
        .take_while(|segment| !is_version(segment))
        .collect();
    segments
        .last()
        .map_or_else(String::new, |segment| pascal(segment))
}

fn is_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}
