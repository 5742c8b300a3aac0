//! What the documentation says of operations and fields: prose where there is some, then facts. A line that only repeats
//! a name is not written.

use std::collections::BTreeSet;

use super::sentence::sentence;
use super::text::{doc, literal, put};
use crate::model::{Field, Operation, PageToken};
use crate::names::snake;

/// The documentation and the attributes of an operation.
pub(super) fn operation_doc(operation: &Operation, indent: &str, out: &mut String) {
    match &operation.doc {
        Some(prose) => doc(out, indent, prose),
        None => doc(out, indent, &sentence(operation)),
    }
    let mut call = format!("`{} {}`", operation.method.as_str(), operation.path);
    if let Some(rpc) = &operation.rpc {
        call = format!("{call}, RPC `{rpc}`");
    }
    let mut facts = vec![call + "."];
    if let Some(stability) = &operation.stability {
        facts.push(format!("Stability: {}.", stability.as_str()));
    }
    if let Some(page) = &operation.page {
        let streams = match page.token {
            PageToken::Query | PageToken::Body => {
                ", and `.items()` and `.pages()` give all of them"
            }
            PageToken::Nowhere => "",
        };
        facts.push(format!(
            "Paged: `{}` holds the items of a page{streams}.",
            snake(&page.items)
        ));
    }
    facts.push(format!(
        "Requires the feature `{}` or `full`.",
        operation.group
    ));
    put!(out, "{indent}///");
    doc(out, indent, &facts.join(" "));
    for alias in aliases(operation) {
        put!(out, "{indent}#[doc(alias = {})]", literal(&alias));
    }
    if operation.deprecated {
        put!(out, "{indent}#[deprecated]");
    }
}

/// The other names by which an operation is known: the vendor's, and that of its RPC. Search ignores case and underscores,
/// so that one that differs by these alone is no other name.
fn aliases(operation: &Operation) -> BTreeSet<String> {
    let rpc = operation
        .rpc
        .as_ref()
        .and_then(|rpc| rpc.rsplit('.').next());
    let mut known = BTreeSet::from([folded(&operation.name)]);
    let names = operation.vendor_name.as_deref().into_iter().chain(rpc);
    names
        .filter(|name| known.insert(folded(name)))
        .map(str::to_owned)
        .collect()
}

/// A name as the search of rustdoc compares it.
pub(super) fn folded(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

/// Whether rustdoc takes the name as an alias.
fn is_alias(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\''))
}

/// The documentation and the attributes of a field that is called `ident`; `group` is the oneof that it belongs to.
pub(super) fn field_doc(
    wire: &str,
    ident: &str,
    field: &Field,
    group: Option<&str>,
    out: &mut String,
) {
    let mut facts = Vec::new();
    if let Some(group) = group {
        facts.push(format!("One of the oneof `{}`.", snake(group)));
    }
    if field.required {
        facts.push("Required.".to_owned());
    }
    if field.read_only {
        facts.push("Set by the server.".to_owned());
    }
    if field.write_only {
        facts.push("Not returned by the server.".to_owned());
    }
    if let Some(default) = &field.default {
        facts.push(format!("If absent, the server takes `{default}`."));
    }
    if field.sensitive {
        facts.push("A secret: `Debug` does not show it.".to_owned());
    }
    if let Some(day) = &field.sunset {
        facts.push(format!("Goes away after {day}."));
    }
    if let Some(prose) = &field.doc {
        doc(out, "    ", prose);
        if !facts.is_empty() {
            put!(out, "    ///");
        }
    }
    doc(out, "    ", &facts.join(" "));
    if is_alias(wire) && folded(ident.trim_start_matches("r#")) != folded(wire) {
        put!(out, "    #[doc(alias = {})]", literal(wire));
    }
    if field.deprecated {
        put!(out, "    #[deprecated]");
    }
}
