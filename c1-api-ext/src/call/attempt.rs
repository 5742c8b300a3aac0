//! One try of a call: the request goes out, and the answer comes in whole, in time and not too large.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, mem};

use c1_api::{Error, ErrorKind, Operation, Transport};
use reqwest::header::RETRY_AFTER;
use reqwest::{Request, Response, ResponseBuilderExt as _};

use crate::clock::Clock;

/// What is read of the body of a refusal, as [`Error::from_response`] reads no more.
const MAX_REFUSAL: usize = 1024 * 1024;

/// Reads the answer inside the try, so that a body that breaks off can be repeated as any broken connection.
#[derive(Clone)]
pub(crate) struct Attempt {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    max_bytes: usize,
}

impl Attempt {
    /// `max_bytes` counts what is left of the answer when its compression is undone.
    pub(crate) fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>, max_bytes: usize) -> Self {
        Self {
            inner,
            clock,
            max_bytes,
        }
    }

    /// The answer of a success, its body in memory.
    ///
    /// # Errors
    /// Those of the transport; [`ErrorKind::Timeout`] after `timeout`; [`ErrorKind::TooLarge`]; and whatever goes with
    /// a status that is no success.
    pub(crate) async fn execute(
        &self,
        request: Request,
        operation: &'static Operation,
        timeout: Option<Duration>,
    ) -> Result<Response, Error> {
        let answer = self.answer(request, operation);
        let Some(timeout) = timeout else {
            return answer.await;
        };
        // Not by the clock: one that tests move would be ahead of any server.
        let answer = tokio::time::timeout(timeout, answer).await;
        answer.unwrap_or_else(|_| {
            let message = "the server did not answer in time";
            Err(Error::new(ErrorKind::Timeout, message))
        })
    }

    async fn answer(
        &self,
        request: Request,
        operation: &'static Operation,
    ) -> Result<Response, Error> {
        let mut response = self.inner.execute(request, operation).await?;
        if response.status().is_success() {
            let body = self.read(&mut response, self.max_bytes).await?;
            return with_body(response, body);
        }
        let limit = self.max_bytes.min(MAX_REFUSAL);
        // The status tells more than the body that goes missing.
        let body = self.read(&mut response, limit).await.unwrap_or_default();
        // A server without a clock sends no `Date` that its date could count from.
        let told = response.headers().get(RETRY_AFTER);
        let until = told
            .and_then(|told| told.to_str().ok())
            .and_then(|told| httpdate::parse_http_date(told.trim()).ok());
        let error = Error::from_response(with_body(response, body)?).await;
        match (error.retry_after(), until) {
            (None, Some(until)) => {
                let delay = until.duration_since(self.clock.now());
                Err(error.with_retry_after(delay.unwrap_or_default()))
            }
            _ => Err(error),
        }
    }

    async fn read(&self, response: &mut Response, limit: usize) -> Result<Vec<u8>, Error> {
        let status = response.status();
        let too_large = || {
            let message = format!("the server's answer has more than {limit} bytes");
            Error::new(ErrorKind::TooLarge, message).with_status(status)
        };
        // Not told of a compressed body.
        let told = response.content_length().unwrap_or_default();
        if usize::try_from(told).map_or(true, |told| told > limit) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        let broken = |error| Error::from_reqwest(error).with_status(status);
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if chunk.len() > limit - body.len() {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The same answer with this body.
fn with_body(mut response: Response, body: Vec<u8>) -> Result<Response, Error> {
    let mut whole = ::http::Response::builder()
        .url(response.url().clone())
        .status(response.status())
        .version(response.version())
        .body(body)
        .map_err(|error| {
            Error::new(ErrorKind::Transport, "the answer is none of HTTP").with_source(error)
        })?;
    *whole.headers_mut() = mem::take(response.headers_mut());
    whole
        .extensions_mut()
        .extend(mem::take(response.extensions_mut()));
    Ok(whole.into())
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("inner", &self.inner)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
