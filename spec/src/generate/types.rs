//! The file `types.rs`, which includes a file of types for each group and one for those that several share.

use std::collections::{BTreeMap, BTreeSet};

use super::enums::open_enum;
use super::messages::Writer;
use super::text::{include, put};
use super::updates::updates;
use super::{File, UnknownFields};
use crate::model::{Description, SchemaKind, Type};
use crate::names::{pascal, snake};
use crate::select::{closure, roots};

/// `types.rs` and what it includes.
pub(super) fn types(description: &Description, unknown: UnknownFields) -> Vec<File> {
    let operations = description.operations.iter();
    let bodies = operations.filter_map(|operation| operation.body.as_ref()?.json.as_ref());
    let bodies = bodies.filter_map(Type::reference);
    let requests = closure(description, bodies);
    let homes = homes(description);
    let updates = updates(description);
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut messages = Vec::new();
    for (name, schema) in &description.schemas {
        let home = homes.get(name.as_str());
        let out = texts
            .entry(home.map_or("shared".to_owned(), |group| snake(group)))
            .or_default();
        match &schema.kind {
            SchemaKind::Message(message) => {
                messages.push(name.as_str());
                let is_request = requests.contains(name.as_str());
                let writer = Writer {
                    description,
                    name,
                    message,
                    unknown,
                };
                writer.message(schema, is_request, out);
                if let Some(object) = updates.get(name.as_str()) {
                    writer.update(*object, out);
                }
                if updates.values().any(|object| object.message() == name) {
                    writer.updatable(out);
                }
            }
            SchemaKind::Enum(values) => {
                open_enum(name, schema, values, description, out);
            }
            SchemaKind::Pattern(_) => {
                // progenitor generates it, under the name that it makes of ours.
                let theirs = pascal(name);
                put!(
                    out,
                    "\n#[doc(inline)]\npub use crate::raw::types::{theirs} as {name};"
                );
                put!(out, "wire::via_serde!({name});");
            }
        }
    }

    let mut out = String::new();
    let mut files = Vec::new();
    for (home, text) in &texts {
        let path = format!("types/{home}.rs");
        put!(out, "{}", include(&path));
        let source = if home == "shared" {
            "the schemas that no group has for itself".to_owned()
        } else {
            format!("the schemas of the group {home}")
        };
        files.push(File::new(&path, &source, text.trim_start()));
    }
    put!(out, "\nwire::messages!(");
    for message in messages {
        put!(out, "    {message},");
    }
    put!(out, ");");
    files.push(File::new("types.rs", "the description", &out));
    files
}

/// The schemas that the operations of one group alone lead to, each with that group.
fn homes(description: &Description) -> BTreeMap<&str, &str> {
    let mut roots: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for operation in &description.operations {
        let group = roots.entry(&operation.group).or_default();
        group.extend(self::roots(operation));
    }
    let mut homes: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for (group, roots) in roots {
        for name in closure(description, roots) {
            homes
                .entry(name)
                .and_modify(|home| *home = None)
                .or_insert(Some(group));
        }
    }
    homes
        .into_iter()
        .filter_map(|(name, home)| Some((name, home?)))
        .collect()
}
