//! The layer that makes one attempt: the request is sent, and the response read whole, in time and up to a limit. A body that
//! the caller reads by itself is only watched over.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, mem};

use c1_api::{BoxFuture, Call, Error, ErrorKind, MaxBytes, Transport, read_body};
use futures_util::stream;
use reqwest::{Request, Response, ResponseBuilderExt as _};
use tokio::time::{Instant, timeout_at};

use crate::auth::redact;
use crate::auth::token_error::TokenError;
use crate::call::auth_transport::{SentToken, TokenKept};
use crate::call::policy::RetryPolicy;
use crate::clock::Clock;

/// How much of an error's body is read, in bytes.
const MAX_ERROR_BODY: usize = 1024 * 1024;
/// How long the body of an error is waited for: its status is known already.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the response inside the attempt, so that a body that breaks off is retried like any broken connection. A response
/// whose status is not a success becomes an error.
pub(crate) struct Attempt<T> {
    inner: T,
    clock: Arc<dyn Clock>,
    max_bytes: usize,
}

impl<T: Transport> Attempt<T> {
    /// `max_bytes` counts decompressed bytes.
    pub(crate) fn new(inner: T, clock: Arc<dyn Clock>, max_bytes: usize) -> Self {
        Self {
            inner,
            clock,
            max_bytes,
        }
    }

    async fn attempt(&self, request: Request, call: &Call) -> Result<Response, Error> {
        call.begin_attempt();
        // Not by the clock: one that tests move would be ahead of any server.
        let limit = self.time_limit(call);
        // A limit beyond the clock's range is none.
        let until = limit.and_then(|limit| Instant::now().checked_add(limit));
        let response = self.inner.execute(request, call);
        let mut response = within(until, response)
            .await
            .unwrap_or_else(|| Err(timed_out(call)))?;
        let status = response.status();
        if status.is_success() && call.is_streamed() {
            response.extensions_mut().insert(MaxBytes(self.max_bytes));
            return with_body(response, |response| self.watched(response, call));
        }
        if status.is_success() {
            let body = read(&mut response, self.max_bytes);
            let body = within(until, body).await;
            let body = body.unwrap_or_else(|| Err(timed_out(call)))?;
            return with_body(response, |_| body.into());
        }
        // The status says more than a body that is missing or late.
        let soon = Instant::now() + ERROR_BODY_TIMEOUT;
        let until = until.map_or(soon, |until| until.min(soon));
        let body = read(&mut response, self.max_bytes.min(MAX_ERROR_BODY));
        let body = within(Some(until), body).await;
        let mut body = body.and_then(Result::ok).unwrap_or_default();
        if let Some(SentToken(token)) = response.extensions().get() {
            // What the server repeats of it must not get into the error.
            let text = redact::without(&String::from_utf8_lossy(&body), token.expose());
            body = text.unwrap_or_default().into_bytes();
        }
        let now = Some(self.clock.now());
        let error = Error::from_parts(status, response.headers(), &body, now);
        Err(match response.extensions().get() {
            Some(TokenKept) => error.with_note(
                "the server has refused access tokens several times in a row, so no other was requested",
            ),
            None => error,
        })
    }

    /// The body of the response as it arrives: each part within the time of an attempt, all of it within that of the call.
    fn watched(&self, response: Response, call: &Call) -> reqwest::Body {
        let part = RetryPolicy::of(call).attempt_timeout;
        let left = call.deadline().map(|deadline| {
            let left = deadline.duration_since(self.clock.now());
            left.unwrap_or_default()
        });
        let end = left.and_then(|left| Instant::now().checked_add(left));
        reqwest::Body::wrap_stream(stream::try_unfold(
            response,
            move |mut response| async move {
                let until = part.and_then(|part| Instant::now().checked_add(part));
                let until = [until, end].into_iter().flatten().min();
                match within(until, response.chunk()).await {
                    Some(Ok(chunk)) => Ok(chunk.map(|chunk| (chunk, response))),
                    Some(Err(error)) => Err(Error::from_reqwest(error)),
                    None => {
                        let message = "the server did not send the body of the response in time";
                        Err(Error::new(ErrorKind::Timeout, message))
                    }
                }
            },
        ))
    }

    fn time_limit(&self, call: &Call) -> Option<Duration> {
        let limit = RetryPolicy::of(call).attempt_timeout;
        let Some(deadline) = call.deadline() else {
            return limit;
        };
        let left = deadline
            .duration_since(self.clock.now())
            .unwrap_or_default();
        Some(limit.map_or(left, |limit| limit.min(left)))
    }
}

/// The output of `future`, or `None` if it is not there in time.
async fn within<F: Future>(until: Option<Instant>, future: F) -> Option<F::Output> {
    match until {
        None => Some(future.await),
        Some(until) => timeout_at(until, future).await.ok(),
    }
}

/// The time of the attempt is over: while waiting for a token, nothing was sent.
fn timed_out(call: &Call) -> Error {
    if call.is_sent() {
        Error::new(ErrorKind::Timeout, "the server did not respond in time")
    } else {
        let message = "no response within the time of the attempt";
        TokenError::Unreachable(Error::new(ErrorKind::Timeout, message)).into()
    }
}

async fn read(response: &mut Response, limit: usize) -> Result<Vec<u8>, Error> {
    let status = response.status();
    let mut body = Vec::new();
    match read_body(response, limit, &mut body).await {
        Ok(true) => Ok(body),
        Ok(false) => {
            let message = format!("the response is larger than {limit} bytes");
            Err(Error::new(ErrorKind::TooLarge, message).with_status(status))
        }
        Err(error) => Err(Error::from_reqwest(error).with_status(status)),
    }
}

/// The same response with the body that is made of it.
pub(crate) fn with_body(
    mut response: Response,
    body: impl FnOnce(Response) -> reqwest::Body,
) -> Result<Response, Error> {
    let headers = mem::take(response.headers_mut());
    let extensions = mem::take(response.extensions_mut());
    let mut whole = ::http::Response::builder()
        .url(response.url().clone())
        .status(response.status())
        .version(response.version())
        .body(body(response))
        .map_err(|error| {
            Error::new(ErrorKind::Transport, "the response is not valid HTTP").with_source(error)
        })?;
    *whole.headers_mut() = headers;
    whole.extensions_mut().extend(extensions);
    Ok(whole.into())
}

impl<T: Transport> Transport for Attempt<T> {
    fn execute<'a>(
        &'a self,
        request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(self.attempt(request, call))
    }
}

impl<T: Transport> fmt::Debug for Attempt<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("inner", &self.inner)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
