//! The operations with rules of their own, and the functions that execute them.

use c1_api_spec::model::Operation;

use super::call::Call;
use super::{HandlerResult, State, me};

/// Executes an operation.
pub(super) type Handler = fn(&mut State, &Call<'_>) -> HandlerResult;

/// An operation, known by its id and its path, since another description may mean something else by the id.
pub(super) type Entry = (&'static str, &'static str, Handler);

/// A list for each file with such functions.
const ROOMS: &[&[Entry]] = &[me::HANDLERS];

/// What executes the operation, if it has rules of its own.
pub(super) fn handler(operation: &Operation) -> Option<Handler> {
    let id = operation.id();
    ROOMS
        .iter()
        .copied()
        .flatten()
        .find(|(known, path, _)| *known == id && *path == operation.path)
        .map(|(_, _, handler)| *handler)
}
