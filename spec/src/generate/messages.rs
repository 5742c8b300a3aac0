//! Messages: their structs, constructors, setters and codecs.

use std::collections::BTreeSet;

use super::UnknownFields;
use super::docs::{field_doc, folded};
use super::text::{argument, doc, is_pattern, literal, put, rust, signature};
use crate::model::{Description, Field, Message, Schema, Type};
use crate::names::{UNKNOWN_FIELDS, raw, snake};
use crate::naming::{METHODS, methods};

/// Prints one message.
pub(super) struct Writer<'a> {
    pub(super) description: &'a Description,
    pub(super) name: &'a str,
    pub(super) message: &'a Message,
    pub(super) unknown: UnknownFields,
}

impl Writer<'_> {
    pub(super) fn message(&self, schema: &Schema, is_request: bool, out: &mut String) {
        let Self { name, message, .. } = self;
        put!(out, "");
        doc(out, "", schema.doc.as_deref().unwrap_or(""));
        // The last segment of the protobuf name, where the short name is another.
        let proto = schema
            .proto
            .as_deref()
            .and_then(|proto| proto.rsplit('.').next());
        if let Some(alias) = proto.filter(|alias| folded(alias) != folded(name)) {
            put!(out, "#[doc(alias = {})]", literal(alias));
        }
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
            let ident = self.ident(wire);
            field_doc(wire, &ident, field, self.oneof_of(wire), out);
            put!(out, "    pub {ident}: {},", self.field_type(field));
        }
        if self.keeps_unknown_fields() {
            put!(out, "    /// The fields that are not described here.");
            put!(out, "    pub {UNKNOWN_FIELDS}: wire::UnknownFields,");
        }
        put!(out, "}}");
        if is_sensitive {
            self.debug(out);
        }
        if is_request {
            put!(out, "\nimpl {name} {{");
            self.constructor(out);
            self.setters(out);
            put!(out, "}}");
        }
        self.codec(out);
        self.full_name(schema, out);
        self.related(out);
        self.expand_mask(is_request, out);
        for (group, members) in &message.oneofs {
            self.oneof(group, members, out);
        }
    }

    /// A field as an identifier.
    pub(super) fn ident(&self, wire: &str) -> String {
        raw(&self.description.field(self.name, wire))
    }

    /// The oneof that the field belongs to.
    fn oneof_of(&self, wire: &str) -> Option<&str> {
        let mut oneofs = self.message.oneofs.iter();
        oneofs
            .find(|(_, members)| members.iter().any(|member| member == wire))
            .map(|(group, _)| group.as_str())
    }

    /// A message can be made of nothing where it requires nothing.
    fn has_default(&self) -> bool {
        !self.message.fields.values().any(|field| field.required)
    }

    fn keeps_unknown_fields(&self) -> bool {
        self.unknown == UnknownFields::Keep
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
    pub(super) fn is_optional(&self, field: &Field) -> bool {
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
            let shown = self.description.field(self.name, wire);
            let (ident, shown) = (raw(&shown), literal(&shown));
            let value = if field.sensitive {
                format!("wire::redact(&self.{ident})")
            } else {
                format!("self.{ident}")
            };
            put!(fields, "            .field({shown}, &{value})");
        }
        if self.keeps_unknown_fields() {
            put!(
                fields,
                "            .field({UNKNOWN_FIELDS:?}, &self.{UNKNOWN_FIELDS})"
            );
        }
        put!(
            out,
            "
impl std::fmt::Debug for {name} {{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{
        f.debug_struct({name:?})
{fields}            .finish()
    }}
}}"
        );
    }

    /// `new`, with what is required as arguments.
    fn constructor(&self, out: &mut String) {
        let mut arguments = Vec::new();
        let mut values = String::new();
        for (wire, field) in self
            .message
            .fields
            .iter()
            .filter(|(_, field)| field.required)
        {
            let (ident, name) = (self.ident(wire), self.setter(wire));
            let (ty, value) = argument(&field.ty, "", &name);
            arguments.push(format!("{name}: {ty}"));
            put!(
                values,
                "        new.{ident} = {};",
                self.stored(field, &value)
            );
        }
        let body = if values.is_empty() {
            "        <Self as Default>::default()".to_owned()
        } else {
            let empty = "        let mut new = <Self as wire::Message>::empty();";
            format!("{empty}\n{values}        new")
        };
        put!(
            out,
            "    #[must_use]\n{} {{\n{body}\n    }}",
            signature("    ", "new", &arguments, "Self")
        );
    }

    /// Setters for the fields that a client decides; that of a oneof's member clears the others.
    fn setters(&self, out: &mut String) {
        for (wire, field) in &self.message.fields {
            let ident = self.ident(wire);
            let group = self.oneof_of(wire);
            // What the server sets needs no setter, and this is safe to leave out because the field itself is public: who
            // sends back what was read, or knows better than the description, assigns it. A oneof's member keeps its
            // setter, since an assignment would not clear the others.
            if field.read_only && !field.required && group.is_none() {
                continue;
            }
            let (ty, value) = argument(&field.ty, "", "value");
            let value = self.stored(field, &value);
            put!(out, "");
            let mut clear = String::new();
            if let Some(group) = group {
                put!(
                    out,
                    "    /// Clears the rest of the oneof `{}`.",
                    snake(group)
                );
                put!(clear, "        self.clear_{}();", self.names(group).stem);
            }
            if field.deprecated {
                put!(out, "    #[deprecated]");
            }
            let arguments = ["mut self".to_owned(), format!("value: {ty}")];
            put!(
                out,
                "    #[must_use]
{} {{
{clear}        self.{ident} = {value};
        self
    }}",
                signature("    ", &self.setter(wire), &arguments, "Self")
            );
        }
    }

    /// What the setter of a field is called: as the field, with an underscore behind it where the message has another method
    /// of that name. No field ends in an underscore, so this is free.
    fn setter(&self, wire: &str) -> String {
        let name = self.description.field(self.name, wire);
        let mut groups = self.message.oneofs.keys();
        let is_taken = METHODS.contains(&name.as_str())
            || groups.any(|group| methods(&self.names(group).stem).contains(&name));
        if is_taken { name + "_" } else { raw(&name) }
    }

    /// The two directions of the wire form, one line a field.
    fn codec(&self, out: &mut String) {
        let name = self.name;
        let [mut absent, mut read, mut write] = <[String; 3]>::default();
        for (wire, field) in &self.message.fields {
            let (ident, key) = (self.ident(wire), literal(wire));
            // Required and with a zero to stand in for what was absent: always written.
            let is_plain = field.required && !is_pattern(self.description, &field.ty);
            let function = match (is_plain, field.ty.has_number()) {
                (true, false) => "write_required",
                (false, false) => "write",
                (true, true) => "write_required_numbers",
                (false, true) => "write_numbers",
            };
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
        let mut unknown = String::new();
        if self.keeps_unknown_fields() {
            put!(
                absent,
                "            {UNKNOWN_FIELDS}: wire::UnknownFields::default(),"
            );
            put!(
                unknown,
                "    fn unknown_fields_mut(&mut self) -> &mut wire::UnknownFields {{
        &mut self.{UNKNOWN_FIELDS}
    }}\n"
            );
            put!(
                write,
                "        wire::write_unknown(&self.{UNKNOWN_FIELDS}, out);"
            );
        }
        let empty = if self.has_default() {
            "        <Self as Default>::default()".to_owned()
        } else {
            format!("        Self {{\n{absent}        }}")
        };
        let ([key, input], read) = if read.is_empty() {
            (["_", "_"], "        Ok(false)".to_owned())
        } else {
            let read =
                format!("        match name {{\n{read}            _ => Ok(false),\n        }}");
            (["name", "input"], read)
        };
        let writer = if write.is_empty() { "_" } else { "out" };
        put!(
            out,
            "
impl wire::Message for {name} {{
    fn empty() -> Self {{
{empty}
    }}

    fn read_field(&mut self, {key}: &str, {input}: &mut dyn wire::Input) -> Result<bool, wire::Fault> {{
{read}
    }}

{unknown}    fn write_fields<S: serde::ser::SerializeMap>(&self, {writer}: &mut wire::Writer<'_, S>) {{
{write}    }}
}}"
        );
    }
}
