//! One HTTP request with credentials: it has a time limit and follows no redirect, and its response is read as JSON,
//! up to a limit and without leaving or quoting what may be a token.

use std::time::Duration;

use c1_api::{Error, ErrorKind, read_body, require_runtime};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Client, Request, StatusCode};
use serde_json::Value;
use zeroize::Zeroizing;

/// How long the request may take, from connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A response is a few kilobytes.
const MAX_BODY: usize = 256 * 1024;

/// Why there is no JSON.
pub(crate) enum Failure {
    /// The request failed before there was a whole response.
    Unreachable(Error),
    /// The response is not what was expected.
    Unexpected {
        status: StatusCode,
        reason: &'static str,
        retry_after: Option<Duration>,
    },
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(Error::from_reqwest(error))
    }
}

/// A response of which the body has not been read.
pub(crate) struct Response(reqwest::Response);

/// Sends `request`.
pub(crate) async fn send(http: &Client, mut request: Request) -> Result<Response, Failure> {
    require_runtime().map_err(Failure::Unreachable)?;
    *request.timeout_mut() = Some(TIMEOUT);
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(ACCEPT, json);
    let url = request.url().clone();
    let response = Response(http.execute(request).await?);
    // The client is the caller's and may follow redirects.
    if response.status().is_redirection() || *response.0.url() != url {
        return Err(response.unexpected("a redirect, which is not followed with credentials"));
    }
    Ok(response)
}

impl Response {
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    pub(crate) fn unexpected(&self, reason: &'static str) -> Failure {
        Failure::Unexpected {
            status: self.status(),
            reason,
            retry_after: self.retry_after(),
        }
    }

    /// How long the server asks to wait before the next request (RFC 9110, section 10.2.3).
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        Error::from_parts(self.status(), self.headers(), &[], None).retry_after()
    }

    /// Reads the body, whose bytes are overwritten.
    pub(crate) async fn json(&mut self) -> Result<Value, Failure> {
        // Large enough from the start: growing would leave copies behind.
        let mut body = Zeroizing::new(Vec::with_capacity(MAX_BODY));
        match read_body(&mut self.0, MAX_BODY, &mut body).await {
            Ok(true) => {}
            Ok(false) => return Err(self.unexpected("the body is larger than 256 KiB")),
            Err(error) if self.status().is_success() => return Err(error.into()),
            // The status says more than a body that is missing or late.
            Err(_) => return Err(self.unexpected("the body is incomplete")),
        }
        // serde's message could quote the token, so it is not kept.
        serde_json::from_slice(&body).map_err(|_| self.unexpected("the body is not JSON"))
    }
}

/// Whether the same request may get a response later: it was in order, and the program as well.
pub(crate) fn may_respond(error: &Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::InvalidRequest | ErrorKind::NoRuntime
    )
}

/// Whether a service that responds with `status` may respond otherwise later: it has failed or is busy.
pub(crate) fn may_recover(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}
