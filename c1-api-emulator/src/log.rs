//! The log of received requests.

use std::collections::BTreeMap;

use c1_api_spec::model::Operation;
use hyper::header::{AUTHORIZATION, HeaderMap};
use serde_json::Value;

use crate::auth::DPOP;

/// A request to an operation of the API as received, including requests that were rejected.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// The id of the operation, for example `apps.get`.
    pub operation: String,
    /// The HTTP method.
    pub method: String,
    /// The path template, for example `/api/v1/apps/{id}`.
    pub template: String,
    /// The decoded path parameters by name.
    pub path: BTreeMap<String, String>,
    /// The decoded query parameters in order; empty if they are not UTF-8.
    pub query: Vec<(String, String)>,
    /// The body; `None` if there was none or it was not JSON.
    pub body: Option<Value>,
    /// The headers, with names in lower case, without `authorization` and `dpop` and without values
    /// that are not visible ASCII.
    pub headers: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn new(
        operation: &Operation,
        path: &[(String, String)],
        query: Option<&[(String, String)]>,
        body: Option<&Option<Value>>,
        headers: &HeaderMap,
    ) -> Self {
        let headers = headers
            .iter()
            .filter(|(name, _)| *name != AUTHORIZATION && *name != DPOP);
        let headers = headers
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        Self {
            operation: operation.id(),
            method: operation.method.as_str().to_owned(),
            template: operation.path.clone(),
            path: path.iter().cloned().collect(),
            query: query.unwrap_or_default().to_vec(),
            body: body.cloned().flatten(),
            headers: headers.collect(),
        }
    }
}
