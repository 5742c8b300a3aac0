//! The messages of an operation: those of its request and its response.

use c1_api_spec::model::{Description, Message, Operation, Payload};

/// The message in the body of the request.
pub(super) fn request<'d>(
    description: &'d Description,
    operation: &Operation,
) -> Option<&'d Message> {
    let schema = operation.body.as_ref().and_then(Payload::schema)?;
    description.message(schema)
}

/// The message in the response.
pub(super) fn response<'d>(
    description: &'d Description,
    operation: &Operation,
) -> Option<&'d Message> {
    description.message(operation.response.schema()?)
}
