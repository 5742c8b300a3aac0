//! The layer of traces and metrics.
//!
//! One span for each call, `c1.call`, named and attributed as OpenTelemetry's conventions for HTTP clients have it
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>), and in it an event for each retry. Neither has a
//! body, a header, or a value of path or query.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use c1_api::{BoxFuture, Call, Error, Transport};
use reqwest::{Request, Response, StatusCode};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::call::metrics::{CallEnded, Metrics, error_type, failed_status};
use crate::clock::Clock;

/// Opens a span around each call, which ends when its response is decoded, and reports it to the metrics.
pub(crate) struct Telemetry<T> {
    pub(crate) inner: T,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Option<Arc<dyn Metrics>>,
}

impl<T: Transport> Telemetry<T> {
    fn observe(&self, request: &Request, call: &Call) -> Span {
        let operation = call.operation();
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
        let (began, clock, metrics) = (self.clock.now(), self.clock.clone(), self.metrics.clone());
        let ended = span.clone();
        call.on_end(move |call, result| {
            let attempts = call.attempts();
            record(&ended, attempts, result);
            if let Some(metrics) = metrics {
                let elapsed = clock.now().duration_since(began);
                metrics.call_ended(&CallEnded {
                    operation,
                    attempts,
                    elapsed: elapsed.unwrap_or_default(),
                    result,
                });
            }
        });
        span
    }
}

fn record(span: &Span, attempts: u32, result: Result<StatusCode, &Error>) {
    if attempts > 1 {
        span.record("http.request.resend_count", attempts - 1);
    }
    let status = result.map_or_else(failed_status, Some);
    if let Some(status) = status {
        span.record("http.response.status_code", status.as_u16());
    }
    if let Err(error) = result {
        span.record("error.type", &*error_type(error));
        span.record("otel.status_code", "ERROR");
        // C1 sends it in the message of an error only.
        if let Some(id) = error.request_id() {
            span.record("c1.request.id", id);
        }
    }
}

impl<T: Transport> Transport for Telemetry<T> {
    fn execute<'a>(
        &'a self,
        request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        let span = self.observe(&request, call);
        Box::pin(self.inner.execute(request, call).instrument(span))
    }
}

impl<T: Transport> fmt::Debug for Telemetry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
