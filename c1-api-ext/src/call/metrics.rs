//! What can be measured of calls.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use c1_api::{Error, ErrorKind, Operation};
use reqwest::StatusCode;

/// Receives what happens to calls, to count and measure it. It runs within the call: it should be quick, and must not panic.
///
/// A cancelled call is not reported.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use c1_api_ext::{CallEnded, Metrics, RetryScheduled};
///
/// #[derive(Debug, Default)]
/// struct Counters { calls: AtomicU64, retries: AtomicU64 }
///
/// impl Metrics for Counters {
///     fn call_ended(&self, _: &CallEnded<'_>) {
///         self.calls.fetch_add(1, Ordering::Relaxed);
///     }
///     fn retry_scheduled(&self, _: &RetryScheduled<'_>) {
///         self.retries.fetch_add(1, Ordering::Relaxed);
///     }
/// }
/// ```
pub trait Metrics: fmt::Debug + Send + Sync + 'static {
    /// A call is over, with all its attempts.
    fn call_ended(&self, call: &CallEnded<'_>) {
        let _ = call;
    }

    /// An attempt failed, and there will be another after a delay.
    fn retry_scheduled(&self, retry: &RetryScheduled<'_>) {
        let _ = retry;
    }
}

/// For metrics that the caller keeps a handle to.
impl<M: Metrics + ?Sized> Metrics for Arc<M> {
    fn call_ended(&self, call: &CallEnded<'_>) {
        (**self).call_ended(call);
    }

    fn retry_scheduled(&self, retry: &RetryScheduled<'_>) {
        (**self).retry_scheduled(retry);
    }
}

/// A call that is over.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallEnded<'a> {
    /// The operation.
    pub operation: &'static Operation,
    /// The number of attempts; 0 if there was no time for one.
    pub attempts: u32,
    /// From the start of the call to its end, its response decoded: waits, delays and attempts.
    pub elapsed: Duration,
    /// The status of a success, or the error; a response that could not be decoded is an error.
    pub result: Result<StatusCode, &'a Error>,
}

/// A call that will be retried.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RetryScheduled<'a> {
    /// The operation.
    pub operation: &'static Operation,
    /// The number of attempts so far.
    pub attempts: u32,
    /// The delay before the next attempt.
    pub delay: Duration,
    /// The error of the last attempt.
    pub error: &'a Error,
}

/// The attribute `error.type`: the status as text where it is the failure, else the kind.
pub(crate) fn error_type(error: &Error) -> Cow<'static, str> {
    match failed_status(error) {
        Some(status) => status.as_str().to_owned().into(),
        None => error.kind().as_str().into(),
    }
}

/// The status of a response that is not a success. With [`ErrorKind::Auth`] it is that of the token endpoint.
pub(crate) fn failed_status(error: &Error) -> Option<StatusCode> {
    let status = error.status().filter(|status| !status.is_success())?;
    (error.kind() != ErrorKind::Auth).then_some(status)
}
