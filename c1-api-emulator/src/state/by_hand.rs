//! The operations with rules of their own, and the functions that execute them.

use c1_api_spec::model::Operation;

use super::call::Call;
use super::{
    HandlerResult, State, actions, bindings, catalog, clients, connector, execution, grant, me,
    review, system_log, task, webhook,
};

/// Executes an operation.
pub(super) type Handler = fn(&mut State, &Call<'_>) -> HandlerResult;

/// An operation, known by its id and its path, since another description may mean something else by the id.
pub(super) type Entry = (&'static str, &'static str, Handler);

/// A list for each file with such functions, and the kinds of objects without which they do nothing.
const ROOMS: &[(&[&str], &[Entry])] = &[
    (&["User"], me::HANDLERS),
    (&[], system_log::HANDLERS),
    (actions::RULE_KINDS, actions::RULE_HANDLERS),
    (actions::DOMAIN_KINDS, actions::DOMAIN_HANDLERS),
    (actions::FINDING_KINDS, actions::FINDING_HANDLERS),
    (actions::INVITATION_KINDS, actions::INVITATION_HANDLERS),
    (bindings::PRINCIPAL_KINDS, bindings::PRINCIPAL_HANDLERS),
    (bindings::SCHEMA_KINDS, bindings::SCHEMA_HANDLERS),
    (bindings::EXCLUSION_KINDS, bindings::EXCLUSION_HANDLERS),
    (catalog::KINDS, catalog::HANDLERS),
    (clients::PERSONAL_KINDS, clients::PERSONAL_HANDLERS),
    (clients::PRINCIPAL_KINDS, clients::PRINCIPAL_HANDLERS),
    (grant::KINDS, grant::HANDLERS),
    (review::KINDS, review::HANDLERS),
    (task::KINDS, task::HANDLERS),
    (webhook::KINDS, webhook::HANDLERS),
    (connector::KINDS, connector::HANDLERS),
    (execution::KINDS, execution::HANDLERS),
];

/// What executes the operation, if it has rules of its own, and the kinds of objects that it needs.
pub(super) fn handler(operation: &Operation) -> Option<(Handler, &'static [&'static str])> {
    let id = operation.id();
    ROOMS.iter().find_map(|(kinds, entries)| {
        let mut entries = entries.iter();
        let found = entries.find(|(known, path, _)| *known == id && *path == operation.path);
        found.map(|(_, _, handler)| (*handler, *kinds))
    })
}
