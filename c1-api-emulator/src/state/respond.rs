//! Responses: objects in their views and lists, with the objects that the request expands.

use c1_api_spec::model::Type;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::expand::Expansion;
use super::messages;
use super::plan::Action;
use super::row::Row;
use super::{HandlerResult, State};

/// The response with the object, as far as the response has a place for it.
pub(super) fn one(state: &State, action: &Action, call: &Call<'_>, row: &Row) -> Value {
    let mut expansion = Expansion::new(state, call);
    let mut response = Map::new();
    let Some(shape) = &action.shape else {
        return Value::Object(response);
    };
    let object = viewed(state, action, row, &mut expansion);
    match &shape.field {
        Some(field) => {
            response.insert(field.clone(), object);
            expansion.finish(&mut response);
            Value::Object(response)
        }
        None => object,
    }
}

/// The response to a creation: with the id, where the response has it beside the object, and with the
/// secrets that are shown only then.
pub(super) fn created(state: &mut State, action: &Action, call: &Call<'_>, row: &Row) -> Value {
    let mut response = one(state, action, call, row);
    let message = messages::response(&state.description, call.operation);
    let (Some(message), Some(fields)) = (message, response.as_object_mut()) else {
        return response;
    };
    for (name, field) in &message.fields {
        if field.ty != Type::String
            || fields.contains_key(name)
            || action
                .shape
                .as_ref()
                .is_none_or(|shape| shape.field.is_none())
        {
            continue;
        }
        if field.sensitive {
            fields.insert(name.clone(), json!(state.ids.id()));
        } else if let Some(value) = row.0.get(name) {
            fields.insert(name.clone(), value.clone());
        }
    }
    response
}

/// The response with a page of objects and the token of the next page.
pub(super) fn page(
    state: &State,
    action: &Action,
    call: &Call<'_>,
    (rows, next): (Vec<&Row>, String),
) -> Value {
    let field = action.shape.as_ref().and_then(|shape| shape.field.as_ref());
    let field = field.map(String::as_str).unwrap_or_default();
    list(state, call, field, (rows, next), |row, expansion| {
        viewed(state, action, row, expansion)
    })
}

/// The same with a list in `field`, whose elements `element` makes of the objects.
pub(super) fn list<'s>(
    state: &'s State,
    call: &Call<'_>,
    field: &str,
    (rows, next): (Vec<&Row>, String),
    element: impl Fn(&Row, &mut Expansion<'s>) -> Value,
) -> Value {
    let mut expansion = Expansion::new(state, call);
    let list = rows.into_iter().map(|row| element(row, &mut expansion));
    let list: Vec<_> = list.collect();
    let mut response = Map::new();
    if !field.is_empty() {
        response.insert(field.to_owned(), Value::Array(list));
    }
    if !next.is_empty() {
        response.insert("nextPageToken".to_owned(), json!(next));
    }
    expansion.finish(&mut response);
    Value::Object(response)
}

/// A page of the objects of a kind, of which `element` makes the elements of the list in `field`.
pub(super) fn rows<'s>(
    state: &'s State,
    call: &Call<'_>,
    (kind, field): (&str, &str),
    keep: impl Fn(&Row) -> bool,
    element: impl Fn(&Row, &mut Expansion<'s>) -> Value,
) -> HandlerResult {
    let table = state.read_table(kind);
    let page = table.page(&state.description, call, keep)?;
    Ok(list(state, call, field, page, element))
}

/// An entitlement in its view.
pub(super) fn entitlement(state: &State, row: &Row, expansion: &mut Expansion<'_>) -> Value {
    let view = ("AppEntitlementView", "appEntitlement");
    in_view(state, "AppEntitlement", view, row, expansion)
}

/// The object, in its view if the response has one.
fn viewed(state: &State, action: &Action, row: &Row, expansion: &mut Expansion<'_>) -> Value {
    match action.shape.as_ref().and_then(|shape| shape.view.as_ref()) {
        Some((view, field)) => in_view(state, &action.kind, (view, field), row, expansion),
        None => Value::Object(state.fields(&action.kind, row)),
    }
}

/// The object in the field of a view, with the ids and the references of the view.
pub(super) fn in_view(
    state: &State,
    kind: &str,
    (view, field): (&str, &str),
    row: &Row,
    expansion: &mut Expansion<'_>,
) -> Value {
    let object = state.fields(kind, row);
    let mut fields = expansion.paths(view, kind, row);
    if let Some(message) = state.description.message(view) {
        let id = format!("{field}Id");
        for (name, facts) in message
            .fields
            .iter()
            .filter(|(_, facts)| facts.ty == Type::String)
        {
            let own = if *name == id { "id" } else { name };
            if let Some(value) = object
                .get(own)
                .filter(|value| value.is_string() && facts.ty == Type::String)
            {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    fields.insert(field.to_owned(), Value::Object(object));
    Value::Object(fields)
}
