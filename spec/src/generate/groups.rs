//! The file `operations.rs`, with the table and the client's accessors, and a file for each group.

use std::collections::BTreeMap;

use super::operations::{builder, pages, requests, start};
use super::table::{about, sensitive_fields, table};
use super::text::{include, put};
use super::{File, Whole};
use crate::model::{Description, Operation};
use crate::names::{identifier, pascal, snake};

/// The operations of a group, each with its place in the table.
type Group<'a> = Vec<(usize, &'a Operation)>;

/// `operations.rs` and what it includes.
pub(super) fn groups(description: &Description, whole: &Whole) -> Vec<File> {
    let mut sorted: Vec<_> = description.operations.iter().collect();
    sorted.sort_by_key(|operation| operation.raw_id());
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    for (index, operation) in sorted.iter().enumerate() {
        groups
            .entry(&operation.group)
            .or_default()
            .push((index, operation));
    }

    let mut out = String::new();
    table(&sorted, &mut out);
    sensitive_fields(&whole.secrets, &mut out);
    about(description, whole, &mut out);
    accessors(groups.keys().copied(), &mut out);
    let mut files = Vec::new();
    for (name, operations) in &groups {
        let (module, path) = (identifier(name), format!("groups/{}.rs", snake(name)));
        put!(
            out,
            "
/// The requests of [`Client::{module}`].
#[cfg_attr(docsrs, doc(cfg(any(feature = {name:?}, feature = \"full\"))))]
#[allow(
    deprecated,
    missing_docs,
    clippy::too_many_arguments,
    rustdoc::bare_urls,
    reason = \"generated: calls and prose are as the API has them\"
)]
pub mod {module} {{
    {}
}}",
            include(&path)
        );
        let source = format!("the operations of the group {name}");
        let items = group(name, operations, description);
        files.push(File::new(&path, &source, &items));
    }
    files.push(File::new("operations.rs", "the description", &out));
    files
}

/// The methods of the client that lead to the groups.
fn accessors<'a>(groups: impl Iterator<Item = &'a str>, out: &mut String) {
    put!(out, "\nimpl Client {{");
    for (at, group) in groups.enumerate() {
        let (module, entry) = (identifier(group), pascal(group));
        if at > 0 {
            put!(out, "");
        }
        put!(
            out,
            "    /// Requires the feature `{group}` or `full`.
    #[cfg_attr(docsrs, doc(cfg(any(feature = {group:?}, feature = \"full\"))))]
    pub fn {module}(&self) -> {module}::{entry} {{
        {module}::{entry}(self.clone())
    }}"
        );
    }
    put!(out, "}}");
}

/// The file of a group: its entry, then a builder for each operation.
fn group(name: &str, operations: &Group<'_>, description: &Description) -> String {
    let entry = pascal(name);
    let mut out = String::new();
    put!(
        out,
        "use crate::request::requests;
use crate::{{types, BoxFuture, Client, Error, ResponseValue}};

/// The operations of the group; see [`Client::{}`].
#[derive(Clone, Debug)]
pub struct {entry}(pub(crate) Client);

impl {entry} {{",
        identifier(name)
    );
    for (at, (_, operation)) in operations.iter().enumerate() {
        if at > 0 {
            put!(out, "");
        }
        start(operation, description, &mut out);
    }
    put!(out, "}}");
    for (_, operation) in operations {
        builder(&entry, operation, description, &mut out);
    }
    requests(operations, description, &mut out);
    let before = out.len();
    pages(operations, description, &mut out);
    if out.len() > before {
        out = out.replacen(
            "use crate::request",
            "use crate::page::pages;\nuse crate::request",
            1,
        );
    }
    // Where no operation has a message or an enum.
    if !out.contains("types::") {
        out = out.replacen("{types, ", "{", 1);
    }
    out
}
