//! Keeps the operations of the wanted groups, and the schemas that they lead to.

use std::collections::BTreeSet;

use crate::model::{Description, Operation, SchemaKind};

/// Schemas that no operation refers to but users need: the payloads of webhooks.
const WANTED: &str = "c1.webhooks.v1.";

/// Keeps the operations whose group is wanted, every schema that they lead to, and the payloads of
/// webhooks where `webhooks` says so.
pub fn select(description: &mut Description, wanted: impl Fn(&str) -> bool, webhooks: bool) {
    description
        .operations
        .retain(|operation| wanted(&operation.group));
    let roots = wanted_roots(description, |_| true, webhooks);
    let kept: BTreeSet<String> = closure(description, roots)
        .into_iter()
        .map(str::to_owned)
        .collect();
    description.schemas.retain(|name, _| kept.contains(name));
}

/// The schemas from which all others that the wanted groups need follow: those that their operations name, and the payloads
/// of webhooks where `webhooks` says so.
pub fn wanted_roots(
    description: &Description,
    wanted: impl Fn(&str) -> bool,
    webhooks: bool,
) -> Vec<&str> {
    let operations = description.operations.iter();
    let mut found: Vec<&str> = operations
        .filter(|operation| wanted(&operation.group))
        .flat_map(roots)
        .collect();
    if webhooks {
        let is_webhook = |proto: &Option<String>| {
            proto
                .as_ref()
                .is_some_and(|proto| proto.starts_with(WANTED))
        };
        let schemas = description.schemas.iter();
        let payloads = schemas.filter(|(_, schema)| is_webhook(&schema.proto));
        found.extend(payloads.map(|(name, _)| name.as_str()));
    }
    found
}

/// The schemas that an operation names: of its body, its response and its parameters.
pub fn roots(operation: &Operation) -> impl Iterator<Item = &str> {
    operation.types().filter_map(|ty| ty.reference())
}

/// The named schemas and everything that they lead to.
pub fn closure<'a>(
    description: &'a Description,
    roots: impl IntoIterator<Item = &'a str>,
) -> BTreeSet<&'a str> {
    let mut open: Vec<&str> = roots.into_iter().collect();
    let mut kept = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(schema) = description.schemas.get(name)
            && kept.insert(name)
            && let SchemaKind::Message(message) = &schema.kind
        {
            let fields = message.fields.values();
            open.extend(fields.clone().filter_map(|field| field.ty.reference()));
            // What a path leads to.
            let related = fields.filter_map(|field| field.related.as_ref());
            open.extend(related.filter_map(|related| description.by_proto(&related.proto)));
        }
    }
    kept
}
