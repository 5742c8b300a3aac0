//! What can be measured of calls.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use c1_api::{Error, ErrorKind, Operation};
use reqwest::StatusCode;

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
pub(crate) fn failed_status(error: &Error) -> Option<StatusCode> {
    let status = error.status().filter(|status| !status.is_success())?;
    (error.kind() != ErrorKind::Auth).then_some(status)
}

/// How often the call of an answer was tried: travels in its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tries(pub(crate) u32);
