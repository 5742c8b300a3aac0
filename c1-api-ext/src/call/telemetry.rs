//! What can be seen of calls from outside: traces, and a hook for metrics.
//!
//! One span for each call, `c1.call`, named and attributed as OpenTelemetry's conventions for HTTP clients have it
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>), and in it an event for each repetition. Neither
//! holds what a call is about: no body, no header, no value in path or query.

use std::fmt;
use std::sync::Arc;

use c1_api::{BoxFuture, Error, Operation, Transport};
use reqwest::{Request, Response, StatusCode};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::call::metrics::{Ended, Metrics, Tries, error_type, failed_status};
use crate::clock::Clock;

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
