//! Requests with an update mask, and the fields that can be in it. The traits are in `c1-api/src/update.rs`.

use std::collections::BTreeMap;

use super::messages::Writer;
use super::text::{literal, put};
use crate::model::{Description, Message, SchemaKind, Type};

/// The field with the mask, and the one with paths of what the response is to contain besides.
const MASK: &str = "updateMask";
const EXPAND_MASK: &str = "expandMask";

/// What an update changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object<'d> {
    /// A message in a field of the request: the wire name of the field, and the message.
    Field(&'d str, &'d str),
    /// Fields of the request itself.
    Request(&'d str),
}

impl<'d> Object<'d> {
    /// The message with the fields that are changed.
    pub(super) fn message(self) -> &'d str {
        match self {
            Self::Field(_, message) | Self::Request(message) => message,
        }
    }
}

/// The updates by the names of their requests: messages with a mask that are called so. The request to test a connection
/// has a mask, too, and changes nothing.
pub(super) fn updates(description: &Description) -> BTreeMap<&str, Object<'_>> {
    let schemas = description.schemas.iter();
    let updates = schemas.filter_map(|(name, schema)| match &schema.kind {
        SchemaKind::Message(message) if name.contains("Update") => {
            let is_mask = message.fields.get(MASK)?.ty == Type::String;
            is_mask.then(|| (name.as_str(), object(name, message, description)))
        }
        _ => None,
    });
    updates.collect()
}

/// The one message in the request, or the request itself, which has fields beside several messages or none.
fn object<'d>(name: &'d str, message: &'d Message, description: &'d Description) -> Object<'d> {
    let fields = message.fields.iter();
    let mut messages = fields.filter_map(|(wire, field)| match &field.ty {
        Type::Ref(target) if wire != EXPAND_MASK => {
            description.message(target)?;
            Some(Object::Field(wire, target))
        }
        _ => None,
    });
    match (messages.next(), messages.next()) {
        (Some(object), None) => object,
        _ => Object::Request(name),
    }
}

impl Writer<'_> {
    /// The request as an `Update`.
    pub(super) fn update(&self, object: Object<'_>, out: &mut String) {
        let made = |wire: &str, make: &str| {
            let ident = self.ident(wire);
            match self.message.fields.get(wire) {
                Some(field) if self.is_optional(field) => format!("self.{ident}.{make}"),
                _ => format!("&mut self.{ident}"),
            }
        };
        let place = match object {
            Object::Field(wire, target) if self.is_boxed(&Type::Ref(target.to_owned())) => made(
                wire,
                "get_or_insert_with(|| Box::new(wire::Message::empty()))",
            ),
            Object::Field(wire, _) => made(wire, "get_or_insert_with(wire::Message::empty)"),
            Object::Request(_) => "self".to_owned(),
        };
        put!(
            out,
            "
impl crate::Update for {} {{
    type Object = {};

    fn object(&mut self) -> &mut Self::Object {{
        {place}
    }}

    fn mask(&mut self) -> &mut String {{
        {}
    }}
}}",
            self.name,
            object.message(),
            made(MASK, "get_or_insert_default()")
        );
    }

    /// The fields of the object of an update that the mask can name: those that a client decides.
    pub(super) fn updatable(&self, out: &mut String) {
        let name = self.name;
        let [mut constants, mut names] = <[String; 2]>::default();
        for (wire, field) in &self.message.fields {
            if field.read_only || wire == MASK || wire == EXPAND_MASK {
                continue;
            }
            // As the field, in capitals, so that two differ where the fields do.
            let constant = self.description.field(name, wire).to_uppercase();
            let wire = literal(wire);
            if field.deprecated {
                put!(constants, "    #[deprecated]");
            }
            put!(
                constants,
                "    pub const {constant}: crate::MaskField<Self> = crate::MaskField::new({wire});"
            );
            put!(names, "        {wire},");
        }
        put!(
            out,
            "
/// Its fields in update masks.
impl {name} {{
{constants}}}

impl crate::Updatable for {name} {{
    const FIELDS: &'static [&'static str] = &[
{names}    ];
}}"
        );
    }
}
