//! Enums: the calls of the macro that makes them open, and the names of variants.

use std::collections::BTreeSet;

use super::text::{doc, literal, put};
use crate::model::Schema;
use crate::names::{capitalized, pascal, snake};
use crate::normalize::common_prefix;

/// The variant that holds a value newer than the description.
const UNRECOGNIZED: &str = "Unrecognized";

/// The variant of the empty value, or of one that is nothing but what all begin with.
const EMPTY: &str = "Empty";

/// The names of the variants of an enum, in the order of what they are named after. What makes no name is spelled by the
/// code points of its characters; where two would have one name, the later gets a number behind it.
pub(super) fn variants<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<_> = names.into_iter().map(variant).collect();
    let mut taken: BTreeSet<String> = names.iter().cloned().collect();
    let mut given = BTreeSet::new();
    let mut variants = Vec::with_capacity(names.len());
    for name in names {
        let mut number = 1;
        let mut variant = name.clone();
        while !given.insert(variant.clone()) {
            number += 1;
            let next = format!("{name}{number}");
            if taken.insert(next.clone()) {
                variant = next;
            }
        }
        variants.push(variant);
    }
    variants
}

/// A name as that of a variant.
fn variant(name: &str) -> String {
    let mut variant = pascal(name);
    if !variant.is_ascii() || variant.is_empty() {
        let spelled = name.chars().map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_string()
            } else {
                format!("U{:04x}", u32::from(c))
            }
        });
        variant = capitalized(&spelled.collect::<String>());
    }
    match variant.as_str() {
        "" => EMPTY.to_owned(),
        // A keyword, and our own variant.
        "Self" | UNRECOGNIZED => variant + "Value",
        _ if variant.starts_with(|c: char| c.is_ascii_digit()) => format!("_{variant}"),
        _ => variant,
    }
}

/// One enum, its variants without what all values begin with.
pub(super) fn open_enum(name: &str, schema: &Schema, values: &[String], out: &mut String) {
    let prefix = common_prefix(values);
    let fallback = if prefix.is_empty() {
        String::new()
    } else {
        format!("On the wire `{prefix}` stands in front of each value.")
    };
    put!(out, "\nwire::open_enum! {{");
    doc(out, "    ", schema.doc.as_deref().unwrap_or(&fallback));
    put!(out, "    pub enum {name} {{");
    let shorts: Vec<_> = values
        .iter()
        .map(|value| value.strip_prefix(prefix).unwrap_or(value))
        .collect();
    // The empty value steps back from one that is called so.
    let is_taken = shorts
        .iter()
        .any(|short| !short.is_empty() && variant(short) == EMPTY);
    let empty = if is_taken { "EmptyValue" } else { EMPTY };
    let named = shorts
        .iter()
        .map(|short| if short.is_empty() { empty } else { short });
    for ((value, short), variant) in values.iter().zip(&shorts).zip(variants(named)) {
        // The names of most values follow from those of the variants.
        if snake(&variant).to_uppercase() != *short {
            let shown = value.escape_debug().to_string().replace('`', "'");
            put!(out, "        /// `{shown}`");
        }
        put!(out, "        {variant} = {},", literal(value));
    }
    put!(out, "    }}\n}}");
}
