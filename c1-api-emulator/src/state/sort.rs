//! The order that a search asks for.
//!
//! The convention: a field `sortBy` or `sortField` whose value ends with the name of a field of the objects, as in
//! `APP_SORT_BY_DISPLAY_NAME`, perhaps with `ASC` or `DESC` behind it, and a field `direction` or `sortDirection`. What
//! names no field is refused, because a list in another order would pass for an answer.

use c1_api_spec::model::{Message, Type};
use chrono::DateTime;
use serde_json::Value;

use super::call::Call;
use super::names::camel;
use super::row::Row;
use crate::status::Status;

/// The order of a list.
#[derive(Debug, PartialEq)]
pub(super) struct Order {
    field: String,
    pub(super) descending: bool,
}

impl Order {
    /// The order that the call asks for; `None` for that of creation.
    pub(super) fn of(message: &Message, call: &Call<'_>) -> Result<Option<Self>, Status> {
        let direction = ["direction", "sortDirection"].map(|name| call.value(name));
        let descending = direction
            .iter()
            .flatten()
            .any(|value| value == "SORT_DIRECTION_DESC");
        for name in ["sortBy", "sortField"] {
            let Some(Value::String(value)) = call.value(name) else {
                continue;
            };
            if value.is_empty() || value.ends_with("_UNSPECIFIED") {
                continue;
            }
            let order = Self::named(message, &value).ok_or_else(|| Status::no_filter(name))?;
            return Ok(Some(Self {
                descending: order.descending || descending,
                ..order
            }));
        }
        Ok(None)
    }

    /// The order with this name.
    fn named(message: &Message, value: &str) -> Option<Self> {
        let mut words: Vec<_> = value.split('_').map(str::to_lowercase).collect();
        let descending = words.last().is_some_and(|last| last == "desc");
        if descending || words.last().is_some_and(|last| last == "asc") {
            words.pop();
        }
        let fields = (0..words.len()).flat_map(|at| {
            let name = camel(&words[at..]);
            let time = format!("{name}At");
            [name, time]
        });
        let mut fields = fields.filter(|name| message.fields.contains_key(name));
        Some(Self {
            field: fields.next()?,
            descending,
        })
    }

    /// What an object is sorted by.
    pub(super) fn key(&self, message: &Message, row: &Row) -> SortKey {
        let ty = message.fields.get(&self.field).map(|field| &field.ty);
        key(ty, row.0.get(&self.field))
    }
}

/// What values are compared by: a number, then a text. Values that are not set come first.
pub(super) type SortKey = Option<(i128, String)>;

fn key(ty: Option<&Type>, value: Option<&Value>) -> SortKey {
    Some(match (ty, value?) {
        (Some(Type::Timestamp), Value::String(text)) => {
            let time = DateTime::parse_from_rfc3339(text).ok()?;
            let nanoseconds = i128::from(time.timestamp_subsec_nanos());
            (
                i128::from(time.timestamp()) * 1_000_000_000 + nanoseconds,
                String::new(),
            )
        }
        (Some(Type::Int64 | Type::Uint64), Value::String(text)) => {
            (text.parse().ok()?, String::new())
        }
        (_, Value::Bool(value)) => (i128::from(*value), String::new()),
        (_, Value::Number(number)) if number.as_i64().is_some() => {
            (number.as_i64()?.into(), String::new())
        }
        (_, Value::String(text)) => (0, text.to_lowercase()),
        _ => return None,
    })
}
