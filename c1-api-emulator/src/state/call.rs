//! What a handler sees of a request: checked, decoded.

use std::time::SystemTime;

use c1_api_spec::model::Operation;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use super::row::Row;

/// A request that has passed the checks.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'a Operation,
    path: &'a [(String, String)],
    query: &'a [(String, String)],
    body: Row,
    pub(super) now: SystemTime,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        operation: &'a Operation,
        path: &'a [(String, String)],
        query: &'a [(String, String)],
        body: Option<&Value>,
        now: SystemTime,
    ) -> Self {
        let body = Row(body.and_then(Value::as_object).cloned().unwrap_or_default());
        Self {
            operation,
            path,
            query,
            body,
            now,
        }
    }

    /// A path parameter.
    pub(super) fn path(&self, name: &str) -> &'a str {
        self.path
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    }

    /// A query parameter; empty when it was not sent.
    pub(super) fn query(&self, name: &str) -> &'a str {
        self.query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    }

    /// The body; empty when there was none.
    pub(super) fn body(&self) -> &Row {
        &self.body
    }

    /// An object in the body; empty when it was not sent.
    pub(super) fn object(&self, name: &str) -> Row {
        Row(self
            .body
            .0
            .get(name)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default())
    }

    /// A list of objects in the body.
    pub(super) fn objects(&self, name: &str) -> Vec<Row> {
        let list = self.body.0.get(name).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|item| Some(Row(item.as_object()?.clone())))
            .collect()
    }

    /// Whether a filter of the body lets the value through: it lists it, or nothing at all.
    pub(super) fn admits(&self, filter: &str, value: &str) -> bool {
        let wanted = self.body.texts(filter);
        wanted.is_empty() || wanted.contains(&value)
    }

    /// Whether a filter of the body keeps the value out.
    pub(super) fn excludes(&self, filter: &str, value: &str) -> bool {
        self.body.texts(filter).contains(&value)
    }

    /// Like [`Call::admits`], for a field of many values.
    pub(super) fn admits_any(&self, filter: &str, values: &[&str]) -> bool {
        let wanted = self.body.texts(filter);
        wanted.is_empty() || values.iter().any(|value| wanted.contains(value))
    }

    /// The time of the call as the API writes it.
    pub(super) fn timestamp(&self) -> String {
        timestamp(self.now)
    }
}

/// RFC 3339 in UTC.
pub(super) fn timestamp(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
