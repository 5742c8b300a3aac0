//! The table of operations, a row of facts for each, and what is to be said of the description.

use std::collections::BTreeSet;

use super::Whole;
use super::text::{literal, put};
use crate::model::{Description, Operation, Origin, PageToken, Safety, Stability};
use crate::names::pascal;

/// The table, of operations that are sorted by their raw ids.
pub(super) fn table(sorted: &[&Operation], out: &mut String) {
    put!(
        out,
        "/// Every operation that this build of the crate knows, sorted by its id with `.` read as `_`."
    );
    put!(out, "pub static OPERATIONS: &[Operation] = &[");
    for operation in sorted {
        row(operation, out);
    }
    put!(out, "];");
}

fn row(operation: &Operation, out: &mut String) {
    let page = operation.page.as_ref().map_or("None".to_owned(), |page| {
        let token = match page.token {
            PageToken::Query => "Query",
            PageToken::Body => "Body",
            PageToken::Nowhere => "Nowhere",
        };
        format!(
            "Some(Page {{ items: {}, token: PageToken::{token} }})",
            literal(&page.items)
        )
    });
    let safety = match operation.safety {
        Safety::Safe => "Safe",
        Safety::Idempotent => "Idempotent",
        Safety::Neither => "Neither",
    };
    let stability = operation
        .stability
        .as_ref()
        .map_or("Unmarked".to_owned(), |stability| match stability {
            Stability::Other(level) => format!("Other({})", literal(level)),
            known => pascal(known.as_str()),
        });
    put!(out, "    Operation {{");
    put!(out, "        id: {},", literal(&operation.id()));
    put!(
        out,
        "        method: {},",
        literal(operation.method.as_str())
    );
    put!(out, "        path: {},", literal(&operation.path));
    put!(out, "        safety: Safety::{safety},");
    put!(out, "        stability: Stability::{stability},");
    put!(out, "        deprecated: {},", operation.deprecated);
    put!(out, "        page: {page},\n    }},");
}

/// The wire names of all fields that hold secrets: what a client that shows a request must not show.
pub(super) fn sensitive_fields(names: &BTreeSet<String>, out: &mut String) {
    put!(
        out,
        "/// The wire names of the fields that hold secrets, whatever the message, and whatever the features of this build."
    );
    put!(out, "pub static SENSITIVE_FIELDS: &[&str] = &[");
    for name in names {
        put!(out, "    {},", literal(name));
    }
    put!(out, "];");
}

/// Which description the client was generated from.
pub(super) fn about(description: &Description, whole: &Whole, out: &mut String) {
    let origin =
        description
            .origin
            .as_ref()
            .map_or("None".to_owned(), |Origin { sha256, size, date }| {
                let (sha256, date) = (literal(sha256), literal(date));
                format!("Some(Origin {{ sha256: {sha256}, size: {size}, date: {date} }})")
            });
    put!(
        out,
        "
/// The description that this build of the crate was generated from.
#[allow(clippy::unreadable_literal, reason = \"the size is generated\")]
pub const DESCRIPTION: Description = Description {{
    version: {},
    origin: {origin},
    operations: {},
    groups: {},
    built_operations: {},
    built_groups: {},
}};",
        literal(&description.version),
        whole.operations,
        whole.groups,
        description.operations.len(),
        description.groups().len(),
    );
}
