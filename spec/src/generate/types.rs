//! Messages: their structs, constructors, setters and codecs.

use std::collections::BTreeSet;

use super::enums::open_enum;
use super::text::{doc, is_pattern, literal, put, rust};
use crate::error::{Error, Result};
use crate::model::{Description, Field, Message, Schema, SchemaKind, Type};
use crate::names::{identifier, pascal, snake};
use crate::select::closure;

/// The file `types.rs`.
pub(super) fn types(description: &Description) -> Result<String> {
    let operations = description.operations.iter();
    let bodies = operations.filter_map(|operation| operation.body.as_deref());
    let requests = closure(description, bodies);
    let mut out = String::new();
    let mut messages = Vec::new();
    for (name, schema) in &description.schemas {
        match &schema.kind {
            SchemaKind::Message(message) => {
                messages.push(name.as_str());
                let is_request = requests.contains(name.as_str());
                let writer = Writer {
                    description,
                    name,
                    message,
                };
                writer.message(schema, is_request, &mut out)?;
            }
            SchemaKind::Enum(values) => open_enum(name, schema, values, &mut out)?,
            SchemaKind::Pattern(_) => {
                // progenitor generates it, under the name that it makes of ours.
                let theirs = pascal(name);
                put!(
                    out,
                    "#[doc(inline)]\npub use crate::raw::types::{theirs} as {name};"
                );
                put!(out, "wire::via_serde!({name});");
            }
        }
    }
    put!(out, "wire::messages!({});", messages.join(", "));
    Ok(out)
}

/// Prints one message.
pub(super) struct Writer<'a> {
    pub(super) description: &'a Description,
    pub(super) name: &'a str,
    pub(super) message: &'a Message,
}

impl Writer<'_> {
    fn message(&self, schema: &Schema, is_request: bool, out: &mut String) -> Result<()> {
        let Self { name, message, .. } = self;
        let full_name = schema.proto.as_deref().unwrap_or(name);
        let fallback = format!("The message `{full_name}`.");
        doc(out, "", schema.doc.as_deref().unwrap_or(&fallback));
        if schema.deprecated {
            put!(out, "#[deprecated]");
        }
        let is_sensitive = message.fields.values().any(|field| field.sensitive);
        let debug = if is_sensitive { "" } else { ", Debug" };
        let default = if self.has_default() { ", Default" } else { "" };
        put!(
            out,
            "#[derive(Clone{debug}{default}, PartialEq)]\n#[non_exhaustive]\npub struct {name} {{"
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
        if is_sensitive {
            self.debug(out);
        }
        if is_request {
            put!(out, "impl {name} {{");
            self.constructor(out);
            self.setters(out)?;
            put!(out, "}}");
        }
        self.codec(out);
        for (group, members) in &message.oneofs {
            self.oneof(group, members, out)?;
        }
        Ok(())
    }

    /// A message can be made of nothing where it requires nothing.
    fn has_default(&self) -> bool {
        !self.message.fields.values().any(|field| field.required)
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
    pub(super) fn is_boxed(&self, ty: &Type) -> bool {
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
                // Lists and maps are on the heap already.
                let direct = message.fields.values().map(|field| &field.ty);
                open.extend(direct.filter_map(|ty| {
                    if let Type::Ref(name) = ty {
                        Some(name.as_str())
                    } else {
                        None
                    }
                }));
            }
        }
        false
    }

    /// An expression of the value's type as the field holds it.
    pub(super) fn stored(&self, field: &Field, value: &str) -> String {
        let value = if self.is_boxed(&field.ty) {
            format!("Box::new({value})")
        } else {
            value.to_owned()
        };
        if self.is_optional(field) {
            format!("Some({value})")
        } else {
            value
        }
    }

    fn debug(&self, out: &mut String) {
        let name = self.name;
        let mut fields = String::new();
        for (wire, field) in &self.message.fields {
            let (ident, shown) = (identifier(wire), literal(&snake(wire)));
            let value = if field.sensitive {
                format!("wire::redact(&self.{ident})")
            } else {
                format!("self.{ident}")
            };
            put!(fields, "            .field({shown}, &{value})");
        }
        put!(
            out,
            "impl std::fmt::Debug for {name} {{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{
        f.debug_struct({name:?})
{fields}            .finish()
    }}
}}"
        );
    }

    /// `new`, with what is required as arguments.
    fn constructor(&self, out: &mut String) {
        let [mut arguments, mut values] = <[Vec<String>; 2]>::default();
        for (wire, field) in self
            .message
            .fields
            .iter()
            .filter(|(_, field)| field.required)
        {
            let ident = identifier(wire);
            let (ty, value) = argument(&field.ty, &ident);
            arguments.push(format!("{ident}: {ty}"));
            values.push(format!(
                "        new.{ident} = {};\n",
                self.stored(field, &value)
            ));
        }
        let (doc, body) = if values.is_empty() {
            (
                "A request with nothing set.",
                "        <Self as Default>::default()".to_owned(),
            )
        } else {
            let values = values.concat();
            let empty = "        let mut new = <Self as wire::Message>::empty();";
            (
                "A request with what is required.",
                format!("{empty}\n{values}        new"),
            )
        };
        let arguments = arguments.join(", ");
        put!(
            out,
            "    /// {doc}
    #[must_use]
    pub fn new({arguments}) -> Self {{
{body}
    }}"
        );
    }

    /// A setter for each field; that of a oneof's member clears the others.
    fn setters(&self, out: &mut String) -> Result<()> {
        let message = self.message;
        for (wire, field) in &message.fields {
            let ident = identifier(wire);
            if ident == "new" {
                return Err(self.clash(&ident));
            }
            let (ty, value) = argument(&field.ty, "value");
            let value = self.stored(field, &value);
            let deprecated = if field.deprecated {
                "    #[deprecated]\n"
            } else {
                ""
            };
            let group = message
                .oneofs
                .iter()
                .find(|(_, members)| members.contains(wire));
            let clear = group.map_or_else(String::new, |(group, _)| {
                format!("        self.clear_{}();\n", snake(group))
            });
            put!(
                out,
                "    /// Sets `{wire}`.
{deprecated}    #[must_use]
    pub fn {ident}(mut self, value: {ty}) -> Self {{
{clear}        self.{ident} = {value};
        self
    }}"
            );
        }
        Ok(())
    }

    /// The two directions of the wire form, one line a field.
    fn codec(&self, out: &mut String) {
        let name = self.name;
        let [mut absent, mut read, mut write] = <[String; 3]>::default();
        for (wire, field) in &self.message.fields {
            let (ident, key) = (identifier(wire), literal(wire));
            // Required and with a zero to stand in for what was absent: always written.
            let is_plain = field.required && !is_pattern(self.description, &field.ty);
            let function = if is_plain { "write_required" } else { "write" };
            put!(absent, "            {ident}: wire::absent(),");
            put!(
                read,
                "            {key} => wire::read(&mut self.{ident}, input),"
            );
            put!(
                write,
                "        wire::{function}(&self.{ident}, {key}, out);"
            );
        }
        let empty = if self.has_default() {
            "        <Self as Default>::default()".to_owned()
        } else {
            format!("        Self {{\n{absent}        }}")
        };
        let (arguments, read) = if read.is_empty() {
            (["_", "_", "_"], "        Ok(false)".to_owned())
        } else {
            let read =
                format!("        match name {{\n{read}            _ => Ok(false),\n        }}");
            (["name", "input", "out"], read)
        };
        let [key, input, writer] = arguments;
        put!(
            out,
            "impl wire::Message for {name} {{
    fn empty() -> Self {{
{empty}
    }}
    fn read_field(&mut self, {key}: &str, {input}: &mut dyn wire::Input) -> Result<bool, wire::Fault> {{
{read}
    }}
    fn write_fields<S: serde::ser::SerializeMap>(&self, {writer}: &mut wire::Writer<'_, S>) {{
{write}    }}
}}"
        );
    }

    pub(super) fn clash(&self, method: &str) -> Error {
        let pointer = format!("#/components/schemas/{}", self.name);
        let found = format!("two things that are called {method:?} in Rust");
        Error::new(&pointer, found, "names that differ")
    }
}

/// The type of an argument that becomes a value, and the expression that makes it one.
fn argument(ty: &Type, name: &str) -> (String, String) {
    match ty {
        Type::List(item) => (
            format!("impl IntoIterator<Item = impl Into<{}>>", rust(item, "")),
            format!("{name}.into_iter().map(Into::into).collect()"),
        ),
        Type::Map(item) => (
            format!(
                "impl IntoIterator<Item = (impl Into<String>, impl Into<{}>)>",
                rust(item, "")
            ),
            format!("{name}.into_iter().map(|(key, value)| (key.into(), value.into())).collect()"),
        ),
        _ => (
            format!("impl Into<{}>", rust(ty, "")),
            format!("{name}.into()"),
        ),
    }
}

fn field_doc(out: &mut String, wire: &str, field: &Field) {
    let mut prose = field.doc.clone().unwrap_or_else(|| format!("`{wire}`"));
    if field.read_only {
        prose.push_str("\n\nSet by the server.");
    }
    if let Some(day) = &field.sunset {
        prose.extend(["\n\nGoes away after ", day.as_str(), "."]);
    }
    doc(out, "    ", &prose);
    if field.deprecated {
        put!(out, "    #[deprecated]");
    }
}
