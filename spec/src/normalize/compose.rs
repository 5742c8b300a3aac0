//! Schemas that are put together of others: `allOf`, `oneOf`, `anyOf`, and what stands beside a reference.
//!
//! Objects become one message, one schema and null become that schema, constants become an enum. Anything else is carried as
//! JSON: protobuf's JSON has no unions.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::oneofs::{self, Group};
use super::schema::{JSON, MAX_DEPTH, Reader, Use, types};
use crate::error::{Error, Result, child};
use crate::model::Type;
use crate::object::Object;

/// The keywords that say what a value is. `format` and `pattern` only restrict it.
const TYPING: [&str; 11] = [
    "$ref",
    "allOf",
    "anyOf",
    "oneOf",
    "type",
    "properties",
    "additionalProperties",
    "items",
    "prefixItems",
    "enum",
    "const",
];

/// Those of them by which a schema says more than other schemas that it is put together of.
const OWN: [&str; 6] = [
    "properties",
    "patternProperties",
    "items",
    "prefixItems",
    "enum",
    "const",
];

/// The members of the objects that a message is put together of.
#[derive(Default)]
pub(super) struct Parts<'a> {
    /// Where the whole is.
    pub(super) pointer: String,
    /// The properties, and where each is.
    pub(super) properties: IndexMap<&'a str, (&'a Value, String)>,
    /// The names of those that are required, and where that is said.
    pub(super) required: IndexMap<&'a str, String>,
    /// The oneofs that any part states or announces.
    pub(super) oneofs: Vec<Group>,
    /// The parts that stand in the whole, whose other keywords are still to be noted.
    inline: Vec<Object<'a>>,
    /// Where the parts are that are being read.
    open: Vec<String>,
    /// Where those are that were read: twice the same is once.
    done: BTreeSet<String>,
    /// How many references lead to what is being read.
    references: usize,
}

impl Parts<'_> {
    /// Notes the keywords that no pass reads.
    pub(super) fn finish(&mut self) {
        for part in self.inline.drain(..) {
            part.finish();
        }
    }
}

/// The other schemas of which a schema is put together.
struct Sources<'a> {
    reference: Option<&'a Value>,
    /// Of `allOf`, each with its position.
    parts: Vec<(usize, &'a Value)>,
    /// `oneOf`, `anyOf`.
    unions: Vec<&'static str>,
}

impl<'a> Sources<'a> {
    fn of(value: &'a Value) -> Self {
        let list = |key: &str| value.get(key).and_then(Value::as_array);
        let is_union =
            |key: &&str| list(key).is_some_and(|variants| variants.iter().any(says_type));
        let parts = list("allOf").into_iter().flatten().enumerate();
        Self {
            reference: value.get("$ref"),
            parts: parts.filter(|(_, part)| says_type(part)).collect(),
            unions: ["oneOf", "anyOf"].into_iter().filter(is_union).collect(),
        }
    }

    fn count(&self) -> usize {
        usize::from(self.reference.is_some()) + self.parts.len() + self.unions.len()
    }
}

/// Whether a schema says what a value is, not only what holds for it.
fn says_type(value: &Value) -> bool {
    match value {
        Value::Bool(is_any) => !is_any,
        Value::Object(members) => TYPING.iter().any(|key| members.contains_key(*key)),
        // Refused where it is read.
        _ => true,
    }
}

/// Whether a schema is a reference, or put together of others.
pub(super) fn is_composed(value: &Value) -> bool {
    Sources::of(value).count() > 0
}

/// Whether it is put together of several, so that it may be a message.
pub(super) fn is_merged(value: &Value) -> bool {
    let count = Sources::of(value).count();
    count > 1 || (count == 1 && has_own(value))
}

fn has_own(value: &Value) -> bool {
    OWN.iter().any(|key| value.get(key).is_some())
}

/// Whether a schema is true of any value.
pub(super) fn is_any(value: &Value) -> bool {
    *value == Value::Bool(true) || value.as_object().is_some_and(Map::is_empty)
}

/// A property without what only describes it.
fn bare(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        members.retain(|key, _| {
            !matches!(
                key.as_str(),
                "description" | "title" | "example" | "examples"
            )
        });
    }
    value
}

impl<'a> Reader<'a> {
    /// The type of a schema, whatever it is put together of.
    pub(super) fn composed(
        &mut self,
        schema: &Object<'a>,
        value: &'a Value,
        site: &str,
        facts: &mut Use,
    ) -> Result<Type> {
        for (index, part) in schema.list("allOf")?.unwrap_or_default().iter().enumerate() {
            if !says_type(part) && part.is_object() {
                let pointer = schema.item("allOf", index);
                let part = Object::new(part, &pointer, self.findings())?;
                facts.absorb(Use::of(&part)?);
                part.finish();
            }
        }
        if is_merged(value) {
            return self.merged(schema, value, site);
        }
        let sources = Sources::of(value);
        if sources.count() == 0 {
            return self.plain(schema, value, site, facts);
        }
        // What it repeats of the type says nothing, but for null.
        if let Some(Value::Array(names)) = schema.get("type") {
            facts.nullable |= names.iter().any(|name| name == "null");
        }
        if let Some(reference) = sources.reference {
            schema.get("$ref");
            return self.referred(reference, &schema.at("$ref"), facts);
        }
        if let [(index, part)] = sources.parts[..] {
            let pointer = schema.item("allOf", index);
            let (ty, inner) = self.ty(part, &pointer, site)?;
            facts.absorb(inner);
            return Ok(ty);
        }
        let key = sources.unions.first().copied().unwrap_or_default();
        let variants = schema.list(key)?.unwrap_or_default();
        self.union(variants, &schema.at(key), site, facts)
    }

    /// Objects that are one message together, or JSON.
    fn merged(&mut self, schema: &Object<'a>, value: &'a Value, site: &str) -> Result<Type> {
        let mut parts = Parts::default();
        if self.collect(schema, value, &mut parts)? {
            return Ok(self.hoisted(parts, site));
        }
        for key in TYPING.iter().chain(&OWN).chain(&["required"]) {
            if let Some(Value::Array(parts)) = schema.get(key) {
                self.check_references(parts, &schema.at(key))?;
            }
        }
        if let Some(reference) = schema.get("$ref") {
            self.target(reference, &schema.at("$ref"))?;
        }
        let found = "schemas that are not one message together";
        self.findings().note(schema.pointer(), found, JSON);
        Ok(Type::Json)
    }

    /// Refuses references that lead nowhere, of schemas that are not read.
    fn check_references(&self, schemas: &[Value], pointer: &str) -> Result<()> {
        for (index, schema) in schemas.iter().enumerate() {
            if let Some(reference) = schema.get("$ref") {
                let pointer = child(&child(pointer, &index.to_string()), "$ref");
                self.target(reference, &pointer)?;
            }
        }
        Ok(())
    }

    /// Collects the members of a schema and of those that it is put together of, for one message. False where that is none:
    /// where a schema is no object with these properties alone, or has another property of the same name.
    pub(super) fn collect(
        &self,
        schema: &Object<'a>,
        value: &'a Value,
        parts: &mut Parts<'a>,
    ) -> Result<bool> {
        let pointer = schema.pointer().to_owned();
        if parts.open.contains(&pointer) {
            let expected = "an end of `allOf` and references";
            return Err(Error::new(
                &pointer,
                "a schema that is part of itself",
                expected,
            ));
        }
        if parts.open.len() >= MAX_DEPTH {
            let found = format!("more than {MAX_DEPTH} schemas that are parts of each other");
            return Err(Error::new(&pointer, found, "fewer"));
        }
        if parts.open.is_empty() {
            parts.pointer.clone_from(&pointer);
        }
        if !parts.done.insert(pointer.clone()) {
            return Ok(true);
        }
        parts.open.push(pointer);
        let is_message = self.collect_members(schema, value, parts);
        parts.open.pop();
        is_message
    }

    fn collect_members(
        &self,
        schema: &Object<'a>,
        value: &'a Value,
        parts: &mut Parts<'a>,
    ) -> Result<bool> {
        let sources = Sources::of(value);
        let is_object = match types(value)[..] {
            [] => value.get("type").is_none(),
            [name] => name == "object",
            _ => false,
        };
        let others = OWN.iter().filter(|key| **key != "properties");
        let is_closed = matches!(
            schema.get("additionalProperties"),
            None | Some(Value::Bool(false))
        );
        if !is_object
            || !is_closed
            || !sources.unions.is_empty()
            || others.filter(|key| value.get(key).is_some()).count() > 0
        {
            return Ok(false);
        }
        schema.get("type");
        if let Some(reference) = schema.get("$ref") {
            let (key, target) = self.target(reference, &schema.at("$ref"))?;
            let object = Object::new(target, &self.pointer(key), self.findings())?;
            parts.references += 1;
            let is_message = self.collect(&object, target, parts);
            parts.references -= 1;
            if !is_message? {
                return Ok(false);
            }
        }
        schema.list("allOf")?;
        for (index, part) in sources.parts {
            let pointer = schema.item("allOf", index);
            let object = Object::new(part, &pointer, self.findings())?;
            Use::of(&object)?;
            if !self.collect(&object, part, parts)? {
                return Ok(false);
            }
            if parts.references == 0 {
                parts.inline.push(object);
            }
        }
        if let Some(properties) = schema.object("properties")? {
            for (name, value, pointer) in properties.entries() {
                match parts.properties.get(name) {
                    Some((known, _)) if bare(known) != bare(value) => return Ok(false),
                    Some(_) => {}
                    None => {
                        parts.properties.insert(name, (value, pointer));
                    }
                }
            }
        }
        for name in schema.texts("required")?.unwrap_or_default() {
            parts.required.insert(name, schema.at("required"));
        }
        parts.oneofs.extend(oneofs::groups(schema, self.is_ours())?);
        Ok(true)
    }

    /// One of several schemas: X or null is X that may be null, constants are an enum, anything else is JSON.
    fn union(
        &mut self,
        variants: &'a [Value],
        pointer: &str,
        site: &str,
        facts: &mut Use,
    ) -> Result<Type> {
        let mut others = Vec::new();
        for (index, variant) in variants.iter().enumerate() {
            if is_null(variant) {
                facts.nullable = true;
            } else {
                others.push((child(pointer, &index.to_string()), variant));
            }
        }
        if let [(pointer, variant)] = &others[..] {
            let (ty, inner) = self.ty(variant, pointer, site)?;
            facts.absorb(inner);
            return Ok(ty);
        }
        let names: Option<Vec<_>> = others.iter().map(|(_, variant)| names(variant)).collect();
        if let Some(names) = names.filter(|names| !names.is_empty()) {
            let mut values: Vec<String> = Vec::new();
            for name in names.into_iter().flatten() {
                if !values.iter().any(|known| known == name) {
                    values.push(name.to_owned());
                }
            }
            return Ok(if values.is_empty() {
                Type::String
            } else {
                self.enum_site(values, site)
            });
        }
        self.check_references(variants, pointer)?;
        if !others.is_empty() {
            let found = format!("{} schemas, of which one holds", others.len());
            self.findings().note(pointer, found, JSON);
        }
        Ok(Type::Json)
    }
}

/// Whether a schema holds for null alone.
fn is_null(schema: &Value) -> bool {
    let is_listed = |key: &str, null: &Value| {
        let values = schema.get(key).and_then(Value::as_array);
        values.is_some_and(|values| matches!(&values[..], [value] if value == null))
    };
    let name = Value::from("null");
    schema.get("type") == Some(&name)
        || schema.get("const") == Some(&Value::Null)
        || is_listed("type", &name)
        || is_listed("enum", &Value::Null)
}

/// The strings that a schema lists; none for any string, `None` where it is not of strings.
fn names(schema: &Value) -> Option<Vec<&str>> {
    let members = schema.as_object()?;
    let is_known = |key: &String| {
        matches!(
            key.as_str(),
            "type" | "enum" | "const" | "title" | "description" | "deprecated"
        )
    };
    if types(schema) != ["string"] || !members.keys().all(is_known) {
        return None;
    }
    let listed = members.get("enum").and_then(Value::as_array);
    let listed = listed.into_iter().flatten().chain(members.get("const"));
    listed.map(Value::as_str).collect()
}
