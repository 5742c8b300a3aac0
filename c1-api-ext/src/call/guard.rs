//! Clients that do not write: the layer in front of all others.

#[cfg(test)]
mod tests;

use std::error::Error as StdError;
use std::fmt;

use c1_api::{BoxFuture, Call, Error, ErrorKind, SENSITIVE_FIELDS, Safety, Transport};
use reqwest::{Request, Response};
use serde_json::Value as Json;

/// What becomes of a call that is not [`Safety::Safe`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Guard {
    /// It is refused.
    ReadOnly,
    /// It is refused, with the request that would have been sent.
    DryRun,
}

/// Lets only reads pass.
#[derive(Debug)]
pub(crate) struct Guarded<T> {
    inner: T,
    guard: Guard,
}

impl<T: Transport> Guarded<T> {
    pub(crate) fn new(inner: T, guard: Guard) -> Self {
        Self { inner, guard }
    }
}

impl<T: Transport> Transport for Guarded<T> {
    fn execute<'a>(
        &'a self,
        request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        if call.operation().safety == Safety::Safe {
            return self.inner.execute(request, call);
        }
        let id = call.operation().id;
        let error = match self.guard {
            Guard::ReadOnly => Error::new(
                ErrorKind::NotSent,
                format!("`{id}` was not sent: the client is read-only"),
            ),
            Guard::DryRun => Error::new(
                ErrorKind::NotSent,
                format!("`{id}` was not sent: the client is in a dry run"),
            )
            .with_source(UnsentRequest::new(&request)),
        };
        Box::pin(std::future::ready(Err(error)))
    }
}

/// The request that a client in a dry run would have sent: the source of an error of the kind [`ErrorKind::NotSent`].
///
/// It has no headers. In the body, the values of fields that hold secrets are replaced by `[redacted]`.
///
/// ```no_run
/// # async fn show(c1: c1_api_ext::C1) {
/// use c1_api_ext::UnsentRequest;
/// use c1_api_ext::types::CreateAppRequest;
///
/// let result = c1.dry_run().apps().create(CreateAppRequest::new("Wiki")).await;
/// if let Some(request) = result.as_ref().err().and_then(UnsentRequest::of) {
///     println!("{} {} {:?}", request.method, request.path, request.body);
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnsentRequest {
    /// The HTTP method in capitals.
    pub method: String,
    /// The path of the URL, percent-encoded.
    pub path: String,
    /// The query of the URL, percent-encoded.
    pub query: Option<String>,
    /// The body, if there is one.
    pub body: Option<Json>,
}

impl UnsentRequest {
    fn new(request: &Request) -> Self {
        let bytes = request.body().and_then(reqwest::Body::as_bytes);
        let mut body = bytes.and_then(|bytes| serde_json::from_slice(bytes).ok());
        if let Some(body) = &mut body {
            redact(body);
        }
        Self {
            method: request.method().to_string(),
            path: request.url().path().to_owned(),
            query: request.url().query().map(str::to_owned),
            body,
        }
    }

    /// The request that `error` carries, if it comes from a dry run.
    pub fn of(error: &Error) -> Option<&Self> {
        StdError::source(error)?.downcast_ref()
    }
}

/// Replaces the values of all fields that hold secrets somewhere in the API, whatever the message.
fn redact(value: &mut Json) {
    match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                if SENSITIVE_FIELDS.contains(&name.as_str()) && !value.is_null() {
                    *value = Json::from("[redacted]");
                } else {
                    redact(value);
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

impl fmt::Display for UnsentRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if let Some(query) = &self.query {
            write!(f, "?{query}")?;
        }
        match &self.body {
            Some(body) => write!(f, " {body}"),
            None => Ok(()),
        }
    }
}

impl StdError for UnsentRequest {}
