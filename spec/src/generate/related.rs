//! Related objects: the methods that follow the paths of a message, those of expand masks, and the names by which objects in
//! an `Any` are known.

use std::collections::BTreeSet;

use super::messages::Writer;
use super::text::{literal, put};
use crate::model::{Related, Schema, Type};
use crate::names::{free, identifier, raw, snake};
use crate::naming::{METHODS, methods};

/// The type of a path's object that has no schema.
const TIMESTAMP: &str = "google.protobuf.Timestamp";

impl Writer<'_> {
    /// The protobuf name of the message.
    pub(super) fn full_name(&self, schema: &Schema, out: &mut String) {
        if let Some(proto) = &schema.proto {
            let (name, proto) = (self.name, literal(proto));
            put!(
                out,
                "
impl crate::FullName for {name} {{
    const FULL_NAME: &'static str = {proto};
}}"
            );
        }
    }

    /// A method for each path whose objects are of a type that is known.
    pub(super) fn related(&self, out: &mut String) {
        let mut taken = self.taken();
        let mut accessors = String::new();
        for (wire, field) in &self.message.fields {
            if let Some(related) = &field.related
                && let Some(ty) = self.target(related)
                && field.ty == Type::String
            {
                let shown = self.description.field(self.name, wire);
                let stem = shown.strip_suffix("_path").unwrap_or(&shown);
                let method = free([stem.to_owned(), format!("related_{stem}")], |name| {
                    taken.contains(name)
                });
                let path = if field.required {
                    format!("Some(&self.{})", raw(&shown))
                } else {
                    format!("self.{}.as_deref()", raw(&shown))
                };
                let (function, objects, result) = if related.many {
                    ("all", "objects", format!("Vec<{ty}>"))
                } else {
                    ("one", "object", format!("Option<{ty}>"))
                };
                let method_name = identifier(&method);
                put!(
                    accessors,
                    "    /// The {objects} in the response's `expanded` that `{shown}` leads to; see [`related`](crate::related).
    ///
    /// # Errors
    ///
    /// Those of [`related::{function}`](crate::related::{function}).
    pub fn {method_name}(&self, expanded: &[crate::Any]) -> Result<{result}, crate::Error> {{
        crate::related::named({shown:?}, crate::related::{function}(expanded, {path}))
    }}"
                );
                taken.insert(method);
            }
        }
        self.methods(&accessors, out);
    }

    /// The Rust type of a path's objects; `None` if the description lacks it.
    fn target(&self, related: &Related) -> Option<&str> {
        if related.proto == TIMESTAMP {
            return Some("chrono::DateTime<chrono::Utc>");
        }
        let name = self.description.by_proto(&related.proto)?;
        self.description.message(name).map(|_| name)
    }

    /// A method for each path that an expand mask takes, and one for all.
    pub(super) fn expand_mask(&self, is_request: bool, out: &mut String) {
        let mut fields = self.message.fields.iter();
        let mask = fields.find_map(|(wire, field)| {
            let is_list = field.ty == Type::List(Box::new(Type::String));
            let expands = field.expands.as_ref().filter(|_| is_list && is_request)?;
            Some((wire, expands))
        });
        let Some((wire, expands)) = mask else {
            return;
        };
        let ident = self.ident(wire);
        let mut taken = self.taken();
        let mut setters = format!(
            "    /// Asks for all related objects.
    #[must_use]
    pub fn all() -> Self {{
        Self::new().{ident}([\"*\"])
    }}
"
        );
        taken.insert("all".to_owned());
        for path in expands {
            let method = free([snake(path), format!("expand_{}", snake(path))], |name| {
                taken.contains(name)
            });
            let (method_name, path) = (identifier(&method), literal(path));
            put!(
                setters,
                "
    /// Asks for the objects of `{method}`, too.
    #[must_use]
    pub fn {method_name}(mut self) -> Self {{
        self.{ident}.push({path}.to_owned());
        self
    }}"
            );
            taken.insert(method);
        }
        self.methods(&setters, out);
    }

    /// The names that methods of the message have, or could have.
    fn taken(&self) -> BTreeSet<String> {
        let fields = self.message.fields.keys();
        let fields = fields.map(|wire| self.description.field(self.name, wire));
        let oneofs = self.message.oneofs.keys();
        let oneofs = oneofs.flat_map(|group| methods(&self.names(group).stem));
        let own = METHODS.iter().map(|method| (*method).to_owned());
        fields.chain(oneofs).chain(own).collect()
    }

    fn methods(&self, methods: &str, out: &mut String) {
        if !methods.is_empty() {
            put!(out, "\nimpl {} {{\n{methods}}}", self.name);
        }
    }
}
