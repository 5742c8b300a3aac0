//! What can be seen of calls from outside: traces, and a hook for metrics.
//!
//! One span for each call, `c1.call`, named and attributed as OpenTelemetry's conventions for HTTP clients have it
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>), and in it an event for each repetition. Neither
//! holds what a call is about: no body, no header, no value in path or query.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use c1_api::{BoxFuture, Error, ErrorKind, Operation, Transport};
use reqwest::{Request, Response, StatusCode};
use tracing::{Instrument as _, Span, field::Empty};

use crate::{clock::Clock, retry::Tries};

/// Is told of calls, to count and to measure them. It is called in the middle of things: it should be quick, and must
/// not panic.
///
/// A call that is cancelled is never told to be over. An answer that comes and cannot be understood counts as a success
/// here, for it is only looked into when it has left the transport.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use c1_api_ext::{Ended, Metrics, Retried};
///
/// #[derive(Debug, Default)]
/// struct Counters { calls: AtomicU64, retries: AtomicU64 }
///
/// impl Metrics for Counters {
///     fn ended(&self, _: &Ended<'_>) {
///         self.calls.fetch_add(1, Ordering::Relaxed);
///     }
///     fn retried(&self, _: &Retried<'_>) {
///         self.retries.fetch_add(1, Ordering::Relaxed);
///     }
/// }
/// ```
pub trait Metrics: fmt::Debug + Send + Sync + 'static {
    /// A call is over, with all its tries.
    fn ended(&self, call: &Ended<'_>) {
        let _ = call;
    }

    /// A try has failed, and after a delay there will be another.
    fn retried(&self, retry: &Retried<'_>) {
        let _ = retry;
    }
}

/// For those who keep a hand on their metrics.
impl<M: Metrics + ?Sized> Metrics for Arc<M> {
    fn ended(&self, call: &Ended<'_>) {
        (**self).ended(call);
    }

    fn retried(&self, retry: &Retried<'_>) {
        (**self).retried(retry);
    }
}

/// A call that is over.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ended<'a> {
    /// What was called.
    pub operation: &'static Operation,
    /// How often it was tried; 0 if it never came to that.
    pub tries: u32,
    /// From the call to its end: waits, delays and tries.
    pub elapsed: Duration,
    /// What came of it.
    pub result: Result<StatusCode, &'a Error>,
}

/// A call that will be tried again.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Retried<'a> {
    /// What was called.
    pub operation: &'static Operation,
    /// How often it was tried so far.
    pub tries: u32,
    /// How long the next try is put off.
    pub delay: Duration,
    /// How the last try failed.
    pub error: &'a Error,
}

/// The attribute `error.type`: the status as text where it is the failure, else the kind.
pub(crate) fn error_type(error: &Error) -> Cow<'static, str> {
    match failed_status(error) {
        Some(status) => status.as_str().to_owned().into(),
        None => error.kind().as_str().into(),
    }
}

/// The status of an answer that is no success. One that comes with [`ErrorKind::Auth`] is the token endpoint's.
fn failed_status(error: &Error) -> Option<StatusCode> {
    let status = error.status().filter(|status| !status.is_success())?;
    (error.kind() != ErrorKind::Auth).then_some(status)
}

/// The layer: a span around each call, and a word to the metrics when it is over.
pub(crate) struct Telemetry<T> {
    pub(crate) inner: T,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Option<Arc<dyn Metrics>>,
}

impl<T: Transport> Telemetry<T> {
    async fn call(
        &self,
        request: Request,
        operation: &'static Operation,
    ) -> Result<Response, Error> {
        let began = self.clock.now();
        let url = request.url();
        let span = tracing::info_span!(
            "c1.call",
            "otel.name" = %format_args!("{} {}", operation.method, operation.path),
            "otel.kind" = "client",
            "otel.status_code" = Empty,
            "http.request.method" = operation.method,
            "server.address" = url.host_str(),
            "server.port" = url.port_or_known_default(),
            "url.template" = operation.path,
            "http.response.status_code" = Empty,
            "http.request.resend_count" = Empty,
            "error.type" = Empty,
            "c1.operation.id" = operation.id,
            "c1.request.id" = Empty,
        );
        let inner = self.inner.execute(request, operation);
        let result = inner.instrument(span.clone()).await;
        let (tries, result_seen) = match &result {
            Ok(response) => {
                let tries = response.extensions().get().map_or(1, |Tries(tries)| *tries);
                (tries, Ok(response.status()))
            }
            Err(error) => (error.tries(), Err(error)),
        };
        record(&span, tries, result_seen);
        if let Some(metrics) = &self.metrics {
            let elapsed = self.clock.now().duration_since(began);
            metrics.ended(&Ended {
                operation,
                tries,
                elapsed: elapsed.unwrap_or_default(),
                result: result_seen,
            });
        }
        result
    }
}

fn record(span: &Span, tries: u32, result: Result<StatusCode, &Error>) {
    if tries > 1 {
        span.record("http.request.resend_count", tries - 1);
    }
    let status = result.map_or_else(failed_status, Some);
    if let Some(status) = status {
        span.record("http.response.status_code", status.as_u16());
    }
    if let Err(error) = result {
        span.record("error.type", &*error_type(error));
        span.record("otel.status_code", "ERROR");
        // C1 tells it in the message of an error, and nowhere else.
        if let Some(id) = error.request_id() {
            span.record("c1.request.id", id);
        }
    }
}

impl<T: Transport> Transport for Telemetry<T> {
    fn execute<'a>(
        &'a self,
        request: Request,
        operation: &'static Operation,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(self.call(request, operation))
    }
}

impl<T: Transport> fmt::Debug for Telemetry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
