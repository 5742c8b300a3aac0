//! The request as seen by a handler: validated and decoded.

use std::time::{Duration, SystemTime};

use c1_api_spec::model::Operation;
use c1_api_spec::names::snake;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use super::row::Row;
use super::table::Pages;

/// A validated request.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'a Operation,
    path: &'a [(String, String)],
    query: &'a [(String, String)],
    body: Row,
    pub(super) now: SystemTime,
    /// The id of the user in whose name the call is made, if the token has one.
    caller: Option<String>,
    /// Whether the tenant itself acts.
    by_tenant: bool,
    pub(super) pages: Pages,
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
            caller: None,
            by_tenant: false,
            pages: Pages::default(),
        }
    }

    /// The same call, with pages of other sizes.
    pub(crate) fn paged(mut self, pages: Pages) -> Self {
        self.pages = pages;
        self
    }

    /// The same call, in the name of a user.
    pub(crate) fn by(mut self, caller: Option<String>) -> Self {
        self.caller = caller;
        self
    }

    /// The same call, made by the tenant itself.
    pub(super) fn by_tenant(mut self) -> Self {
        self.by_tenant = true;
        self
    }

    pub(super) fn is_by_tenant(&self) -> bool {
        self.by_tenant
    }

    /// The id of the user in whose name the call is made, if the token has one.
    pub(crate) fn caller(&self) -> Option<&str> {
        self.caller.as_deref()
    }

    /// A path parameter.
    pub(super) fn path(&self, name: &str) -> &'a str {
        self.path
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    }

    /// All path parameters, in order.
    pub(super) fn path_values(&self) -> &'a [(String, String)] {
        self.path
    }

    /// A query parameter; empty if absent.
    pub(super) fn query(&self, name: &str) -> &'a str {
        self.query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    }

    /// The body; empty if absent.
    pub(super) fn body(&self) -> &Row {
        &self.body
    }

    /// An object in the body; empty if absent.
    pub(super) fn object(&self, name: &str) -> Row {
        Row(self
            .body
            .0
            .get(name)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default())
    }

    /// A list of objects in the body; empty if absent.
    pub(super) fn objects(&self, name: &str) -> Vec<Row> {
        let list = self.body.0.get(name).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|item| Some(Row(item.as_object()?.clone())))
            .collect()
    }

    /// A parameter of the query, a list if it is there several times, or a field of the body that is not null.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        let query = self.query.iter();
        let mut query = query
            .filter(|(known, _)| known == name || snake(name) == *known)
            .map(|(_, value)| match value.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                text => Value::from(text),
            });
        let query = match (query.next(), query.next()) {
            (Some(first), Some(second)) => Some([first, second].into_iter().chain(query).collect()),
            (first, _) => first,
        };
        query.or_else(|| {
            self.body
                .0
                .get(name)
                .filter(|value| !value.is_null())
                .cloned()
        })
    }

    /// The time of the call in the API's format.
    pub(super) fn timestamp(&self) -> String {
        timestamp(self.now)
    }
}

/// The end of the year 9999, the last of RFC 3339 and of protobuf timestamps, since 1970.
pub(crate) const LATEST: Duration = Duration::from_secs(253_402_300_799);

/// RFC 3339 in UTC, for a time of at most [`LATEST`].
pub(super) fn timestamp(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
