//! Messages, enums and oneof views.

use std::collections::{BTreeMap, BTreeSet};

use super::text::{doc, is_pattern, literal, put, rust};
use crate::error::{Error, Result};
use crate::model::{Description, Field, Message, Schema, SchemaKind, Type};
use crate::names::{identifier, pascal, snake};
use crate::normalize::common_prefix;
use crate::select::closure;

/// The variant that holds a value newer than the description.
const UNRECOGNIZED: &str = "Unrecognized";

/// The file `types.rs`.
pub(super) fn types(description: &Description) -> Result<String> {
    let bodies = description
        .operations
        .iter()
        .filter_map(|operation| operation.body.as_deref());
    let requests = closure(description, bodies);
    let mut out = String::new();
    let mut messages = Vec::new();
    for (name, schema) in &description.schemas {
        match &schema.kind {
            SchemaKind::Message(message) => {
                messages.push(name.as_str());
                let writer = Writer {
                    description,
                    name,
                    message,
                    is_request: requests.contains(name.as_str()),
                };
                writer.message(schema, &mut out)?;
            }
            SchemaKind::Enum(values) => open_enum(name, schema, values, &mut out)?,
            SchemaKind::Pattern(_) => {
                // progenitor generates it, under the name that it makes of ours.
                put!(
                    out,
                    "#[doc(inline)]\npub use crate::raw::types::{} as {name};",
                    pascal(name)
                );
                put!(out, "wire::via_serde!({name});");
            }
        }
    }
    put!(out, "wire::messages!({});", messages.join(", "));
    Ok(out)
}

/// Prints one message.
struct Writer<'a> {
    description: &'a Description,
    name: &'a str,
    message: &'a Message,
    is_request: bool,
}

impl Writer<'_> {
    fn message(&self, schema: &Schema, out: &mut String) -> Result<()> {
        let Self { name, message, .. } = self;
        let fallback = schema.proto.as_deref().map_or_else(
            || format!("The message `{name}`."),
            |proto| format!("The message `{proto}`."),
        );
        doc(out, "", schema.doc.as_deref().unwrap_or(&fallback));
        if schema.deprecated {
            put!(out, "#[deprecated]");
        }
        let sensitive = message.fields.values().any(|field| field.sensitive);
        let defaults = !message.fields.values().any(|field| field.required);
        let derives = ["Clone", "Debug", "Default", "PartialEq"]
            .into_iter()
            .filter(|derive| match *derive {
                "Debug" => !sensitive,
                "Default" => defaults,
                _ => true,
            });
        put!(
            out,
            "#[derive({})]\n#[non_exhaustive]\npub struct {name} {{",
            derives.collect::<Vec<_>>().join(", ")
        );
        for (wire, field) in &message.fields {
            field_doc(out, wire, field);
            put!(
                out,
                "    pub {}: {},",
                identifier(wire),
                self.field_type(field)
            );
        }
        put!(out, "}}");
        if sensitive {
            self.debug(out);
        }
        if self.is_request {
            self.setters(out)?;
        }
        self.codec(out);
        for (group, members) in &message.oneofs {
            self.oneof(group, members, out)?;
        }
        Ok(())
    }

    /// `Option<T>`, a list or a map; `T` itself where it is required.
    fn field_type(&self, field: &Field) -> String {
        let mut ty = rust(&field.ty, "");
        if self.is_boxed(&field.ty) {
            ty = format!("Box<{ty}>");
        }
        if self.is_optional(field) {
            format!("Option<{ty}>")
        } else {
            ty
        }
    }

    /// Lists and maps are absent by being empty. A pattern has no zero to stand for "absent".
    fn is_optional(&self, field: &Field) -> bool {
        match field.ty {
            Type::List(_) | Type::Map(_) => false,
            _ => !field.required || is_pattern(self.description, &field.ty),
        }
    }

    /// A message that leads back to this one would be infinitely large.
    fn is_boxed(&self, ty: &Type) -> bool {
        let Type::Ref(target) = ty else { return false };
        let mut seen = BTreeSet::new();
        let mut open = vec![target.as_str()];
        while let Some(name) = open.pop() {
            if name == self.name {
                return true;
            }
            if seen.insert(name)
                && let Some(message) = self.description.message(name)
            {
                open.extend(message.fields.values().filter_map(|field| match &field.ty {
                    Type::Ref(name) => Some(name.as_str()),
                    _ => None,
                }));
            }
        }
        false
    }

    fn debug(&self, out: &mut String) {
        let name = self.name;
        put!(out, "impl std::fmt::Debug for {name} {{");
        put!(
            out,
            "    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{"
        );
        put!(out, "        f.debug_struct({})", literal(name));
        for (wire, field) in &self.message.fields {
            let ident = identifier(wire);
            let value = if field.sensitive {
                format!("wire::redact(&self.{ident})")
            } else {
                format!("self.{ident}")
            };
            put!(
                out,
                "            .field({}, &{value})",
                literal(&snake(wire))
            );
        }
        put!(out, "            .finish()\n    }}\n}}");
    }

    /// The parameter type of a setter and what makes the value of it.
    fn argument(ty: &Type) -> (String, String) {
        match ty {
            Type::List(item) => {
                let item = rust(item, "");
                (
                    format!("impl IntoIterator<Item = impl Into<{item}>>"),
                    "value.into_iter().map(Into::into).collect()".to_owned(),
                )
            }
            Type::Map(item) => (
                format!(
                    "impl IntoIterator<Item = (impl Into<String>, impl Into<{}>)>",
                    rust(item, "")
                ),
                "value.into_iter().map(|(key, value)| (key.into(), value.into())).collect()"
                    .to_owned(),
            ),
            _ => (
                format!("impl Into<{}>", rust(ty, "")),
                "value.into()".to_owned(),
            ),
        }
    }

    fn setters(&self, out: &mut String) -> Result<()> {
        let Self { name, message, .. } = self;
        let required: Vec<_> = message
            .fields
            .iter()
            .filter(|(_, field)| field.required)
            .collect();
        let mut taken = BTreeMap::from([("new".to_owned(), "the constructor")]);
        put!(out, "impl {name} {{");
        let what = if required.is_empty() {
            "A request with nothing set."
        } else {
            "A request with what is required."
        };
        let arguments = required
            .iter()
            .map(|(wire, field)| format!("{}: {}", identifier(wire), Self::argument(&field.ty).0));
        put!(out, "    /// {what}\n    #[must_use]");
        put!(
            out,
            "    pub fn new({}) -> Self {{",
            arguments.collect::<Vec<_>>().join(", ")
        );
        if required.is_empty() {
            put!(out, "        <Self as Default>::default()\n    }}");
        } else {
            put!(
                out,
                "        let mut new = <Self as wire::Message>::empty();"
            );
            for (wire, field) in &required {
                let ident = identifier(wire);
                let value = Self::argument(&field.ty)
                    .1
                    .replace("value.into", &format!("{ident}.into"));
                let value = if self.is_optional(field) {
                    format!("Some({value})")
                } else {
                    value
                };
                put!(out, "        new.{ident} = {value};");
            }
            put!(out, "        new\n    }}");
        }
        for (wire, field) in &message.fields {
            let ident = identifier(wire);
            if taken.insert(ident.clone(), "a field").is_some() {
                return Err(self.clash(&ident));
            }
            let (argument, mut value) = Self::argument(&field.ty);
            if self.is_boxed(&field.ty) {
                value = format!("Box::new({value})");
            }
            if self.is_optional(field) {
                value = format!("Some({value})");
            }
            put!(out, "    /// Sets `{wire}`.");
            if field.deprecated {
                put!(out, "    #[deprecated]");
            }
            put!(
                out,
                "    #[must_use]\n    pub fn {ident}(mut self, value: {argument}) -> Self {{"
            );
            if let Some(group) = message
                .oneofs
                .iter()
                .find(|(_, members)| members.contains(wire))
                .map(|(group, _)| group)
            {
                put!(out, "        self.clear_{}();", snake(group));
            }
            put!(out, "        self.{ident} = {value};\n        self\n    }}");
        }
        put!(out, "}}");
        Ok(())
    }

    /// The two directions of the wire form, one line a field.
    fn codec(&self, out: &mut String) {
        let Self { name, message, .. } = self;
        put!(
            out,
            "impl wire::Message for {name} {{\n    fn empty() -> Self {{"
        );
        if message.fields.values().any(|field| field.required) {
            put!(out, "        Self {{");
            for wire in message.fields.keys() {
                put!(out, "            {}: wire::absent(),", identifier(wire));
            }
            put!(out, "        }}\n    }}");
        } else {
            put!(out, "        <Self as Default>::default()\n    }}");
        }
        let (field_name, map) = if message.fields.is_empty() {
            ("_", "_")
        } else {
            ("name", "map")
        };
        put!(
            out,
            "    fn read_field<'de, A: serde::de::MapAccess<'de>>(&mut self, {field_name}: &str, {map}: &mut A) -> Result<bool, A::Error> {{"
        );
        if message.fields.is_empty() {
            put!(out, "        Ok(false)\n    }}");
        } else {
            put!(out, "        match name {{");
            for wire in message.fields.keys() {
                put!(
                    out,
                    "            {} => wire::read(&mut self.{}, map),",
                    literal(wire),
                    identifier(wire)
                );
            }
            put!(out, "            _ => Ok(false),\n        }}\n    }}");
        }
        let argument = if message.fields.is_empty() {
            "_"
        } else {
            "out"
        };
        put!(
            out,
            "    fn write_fields<S: serde::ser::SerializeMap>(&self, {argument}: &mut wire::Writer<'_, S>) {{"
        );
        for (wire, field) in &message.fields {
            let function = if self.is_plain(field) {
                "write_required"
            } else {
                "write"
            };
            put!(
                out,
                "        wire::{function}(&self.{}, {}, out);",
                identifier(wire),
                literal(wire)
            );
        }
        put!(out, "    }}\n}}");
    }

    /// Always there, so always written: required, and with a zero to stand in for what was absent.
    fn is_plain(&self, field: &Field) -> bool {
        field.required && !is_pattern(self.description, &field.ty)
    }

    /// The view of a oneof group: an enum of its members, and ways to read and to set it.
    fn oneof(&self, group: &str, members: &[String], out: &mut String) -> Result<()> {
        let name = self.name;
        let mut view = format!("{name}{}", pascal(group));
        if self.description.schemas.contains_key(&view) {
            view.push_str("Oneof");
        }
        let method = identifier(group);
        let stem = snake(group);
        let setter = format!("with_{stem}");
        let names = self
            .message
            .fields
            .keys()
            .map(|wire| identifier(wire))
            .collect::<BTreeSet<_>>();
        for method in [
            &method,
            &setter,
            &format!("into_{stem}"),
            &format!("clear_{stem}"),
        ] {
            if names.contains(method.as_str()) {
                return Err(self.clash(method));
            }
        }
        put!(
            out,
            "/// What the oneof `{group}` of [`{name}`] holds: at most one of its members."
        );
        put!(
            out,
            "#[derive(Clone, Debug, PartialEq)]\n#[non_exhaustive]\npub enum {view} {{"
        );
        for member in members {
            put!(
                out,
                "    /// `{member}`\n    {}({}),",
                variant(member),
                rust(&self.message.fields[member].ty, "")
            );
        }
        put!(out, "}}\nimpl {name} {{");
        put!(
            out,
            "    /// What the oneof `{group}` holds, as a copy. Of several members, which a newer server may"
        );
        put!(
            out,
            "    /// send, the first in the order of the description.\n    #[must_use]"
        );
        put!(
            out,
            "    pub fn {method}(&self) -> Option<{view}> {{\n        self.clone().into_{stem}()\n    }}"
        );
        put!(
            out,
            "    /// What the oneof `{group}` holds, taken out.\n    #[must_use]"
        );
        put!(out, "    pub fn into_{stem}(self) -> Option<{view}> {{");
        for member in members {
            let value = if self.is_boxed(&self.message.fields[member].ty) {
                "*value"
            } else {
                "value"
            };
            let ident = identifier(member);
            match self.message.fields[member].ty {
                Type::List(_) | Type::Map(_) => {
                    put!(
                        out,
                        "        if !self.{ident}.is_empty() {{\n            return Some({view}::{}(self.{ident}));\n        }}",
                        variant(member)
                    );
                }
                _ => {
                    put!(
                        out,
                        "        if let Some(value) = self.{ident} {{\n            return Some({view}::{}({value}));\n        }}",
                        variant(member)
                    );
                }
            }
        }
        put!(out, "        None\n    }}");
        put!(
            out,
            "    /// Sets the oneof `{group}`: this member, and no other any more.\n    #[must_use]"
        );
        put!(
            out,
            "    pub fn {setter}(mut self, value: impl Into<Option<{view}>>) -> Self {{"
        );
        put!(
            out,
            "        self.clear_{stem}();\n        match value.into() {{\n            None => {{}}"
        );
        for member in members {
            let field = &self.message.fields[member];
            let value = if self.is_boxed(&field.ty) {
                "Box::new(value)"
            } else {
                "value"
            };
            let value = if self.is_optional(field) {
                format!("Some({value})")
            } else {
                value.to_owned()
            };
            put!(
                out,
                "            Some({view}::{}(value)) => self.{} = {value},",
                variant(member),
                identifier(member)
            );
        }
        put!(out, "        }}\n        self\n    }}");
        put!(out, "    fn clear_{stem}(&mut self) {{");
        for member in members {
            put!(out, "        self.{} = wire::absent();", identifier(member));
        }
        put!(out, "    }}\n}}");
        Ok(())
    }

    fn clash(&self, method: &str) -> Error {
        let pointer = format!("#/components/schemas/{}", self.name);
        Error::new(
            &pointer,
            format!("two things that are called {method:?} in Rust"),
            "names that differ",
        )
    }
}

/// A name as that of an enum variant.
fn variant(name: &str) -> String {
    let name = pascal(name);
    match name.as_str() {
        // A keyword, and our own variant.
        "Self" | UNRECOGNIZED => name + "Value",
        _ if name.starts_with(|c: char| c.is_ascii_digit()) => format!("_{name}"),
        _ => name,
    }
}

fn field_doc(out: &mut String, wire: &str, field: &Field) {
    let mut prose = field.doc.clone().unwrap_or_else(|| format!("`{wire}`"));
    if field.read_only {
        prose.push_str("\n\nSet by the server.");
    }
    if let Some(day) = &field.sunset {
        prose.push_str(&format!("\n\nGoes away after {day}."));
    }
    doc(out, "    ", &prose);
    if field.deprecated {
        put!(out, "    #[deprecated]");
    }
}

fn open_enum(name: &str, schema: &Schema, values: &[String], out: &mut String) -> Result<()> {
    let fallback = format!("An open set of values, from `{}` on.", values[0]);
    put!(out, "wire::open_enum! {{");
    doc(out, "    ", schema.doc.as_deref().unwrap_or(&fallback));
    put!(out, "    pub enum {name} {{");
    let prefix = common_prefix(values);
    let mut variants = BTreeSet::from([UNRECOGNIZED.to_owned()]);
    for value in values {
        let variant = variant(value.strip_prefix(prefix).unwrap_or(value));
        if variant.is_empty() || !variants.insert(variant.clone()) {
            let pointer = format!("#/components/schemas/{name}");
            return Err(Error::new(
                &pointer,
                format!("the value {value:?}"),
                "values that differ as Rust names",
            ));
        }
        put!(
            out,
            "        /// `{value}`\n        {variant} = {},",
            literal(value)
        );
    }
    put!(out, "    }}\n}}");
    Ok(())
}
