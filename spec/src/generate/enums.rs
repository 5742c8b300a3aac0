//! Enums: the calls of the macro that makes them open, and the names of variants.

use std::collections::BTreeSet;

use super::text::{doc, literal, put};
use crate::error::{Error, Result};
use crate::model::Schema;
use crate::names::{pascal, snake};
use crate::normalize::common_prefix;

/// The variant that holds a value newer than the description.
const UNRECOGNIZED: &str = "Unrecognized";

/// The variant of the empty value, or of one that is nothing but what all begin with.
const EMPTY: &str = "Empty";

/// A name as that of an enum variant.
pub(super) fn variant(name: &str) -> String {
    let name = pascal(name);
    match name.as_str() {
        // A keyword, and our own variant.
        "Self" | UNRECOGNIZED => name + "Value",
        _ if name.starts_with(|c: char| c.is_ascii_digit()) => format!("_{name}"),
        _ => name,
    }
}

/// One enum, its variants without what all values begin with.
pub(super) fn open_enum<'a>(
    name: &str,
    schema: &Schema,
    values: &'a [String],
    out: &mut String,
) -> Result<()> {
    let prefix = common_prefix(values);
    let fallback = if prefix.is_empty() {
        String::new()
    } else {
        format!("On the wire `{prefix}` stands in front of each value.")
    };
    put!(out, "\nwire::open_enum! {{");
    doc(out, "    ", schema.doc.as_deref().unwrap_or(&fallback));
    put!(out, "    pub enum {name} {{");
    let mut variants = BTreeSet::from([UNRECOGNIZED.to_owned()]);
    let short = |value: &'a str| value.strip_prefix(prefix).unwrap_or(value);
    let empty = if values.iter().any(|value| variant(short(value)) == EMPTY) {
        "EmptyValue"
    } else {
        EMPTY
    };
    for value in values {
        let short = short(value);
        let variant = if short.is_empty() {
            empty.to_owned()
        } else {
            variant(short)
        };
        if variant.is_empty() || !variants.insert(variant.clone()) {
            let pointer = format!("#/components/schemas/{name}");
            return Err(Error::new(
                &pointer,
                format!("the value {value:?}"),
                "values that differ as Rust names",
            ));
        }
        // The names of most values follow from those of the variants.
        if snake(&variant).to_uppercase() != short {
            put!(out, "        /// `{value}`");
        }
        put!(out, "        {variant} = {},", literal(value));
    }
    put!(out, "    }}\n}}");
    Ok(())
}
