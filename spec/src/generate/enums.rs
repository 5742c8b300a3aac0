//! Enums: the calls of the macro that makes them open.

use super::text::{doc, literal, put};
use crate::model::{Description, Schema};
use crate::names::snake;

/// One enum, its variants without what the values begin with.
pub(super) fn open_enum(
    name: &str,
    schema: &Schema,
    values: &[String],
    description: &Description,
    out: &mut String,
) {
    let prefix = description.prefix(name);
    let is_prefix = |value: &String| value.is_empty() || value.starts_with(prefix);
    let fallback = if prefix.is_empty() {
        String::new()
    } else if values.iter().all(is_prefix) {
        format!("On the wire `{prefix}` stands in front of each value.")
    } else {
        format!("On the wire `{prefix}` stands in front of each value that says no other.")
    };
    put!(out, "\nwire::open_enum! {{");
    doc(out, "    ", schema.doc.as_deref().unwrap_or(&fallback));
    put!(out, "    pub enum {name} {{");
    for value in values {
        let variant = description.variant(name, value);
        // The names of most values follow from those of the variants.
        if format!("{prefix}{}", snake(&variant).to_uppercase()) != *value {
            let shown = value.escape_debug().to_string().replace('`', "'");
            put!(out, "        /// `{shown}`");
        }
        put!(out, "        {variant} = {},", literal(value));
    }
    put!(out, "    }}\n}}");
}
