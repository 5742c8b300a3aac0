//! The layer that retries.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use c1_api::{BoxFuture, Call, Error, ErrorKind, Transport};
use reqwest::{Request, Response, StatusCode};

use crate::auth::token_error::TokenError;
use crate::call::metrics::{Metrics, RetryScheduled, error_type};
use crate::call::pace::fits;
use crate::call::policy::RetryPolicy;
use crate::clock::Clock;
use crate::random::Random;

/// Whether the failure may be temporary, and sending the request again is safe.
fn is_retryable(error: &Error, call: &Call) -> bool {
    let not_processed = matches!(
        error.kind(),
        ErrorKind::RateLimited | ErrorKind::Connect | ErrorKind::Auth
    );
    is_temporary(error) && (call.is_repeatable() || not_processed)
}

/// Whether the same call may succeed later.
pub(crate) fn is_temporary(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::RateLimited
        | ErrorKind::Connect
        | ErrorKind::Timeout
        | ErrorKind::Transport
        | ErrorKind::RequestTimeout => true,
        ErrorKind::Auth => TokenError::of(error).is_some_and(TokenError::is_retryable),
        ErrorKind::Server => matches!(
            error.status(),
            Some(
                StatusCode::INTERNAL_SERVER_ERROR
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            )
        ),
        _ => false,
    }
}

/// What a client may still spend on retries: the token bucket of smithy-rs, with its numbers.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    const CAPACITY: u32 = 500;
    const RETRY: u32 = 5;
    const RETRY_AFTER_TIMEOUT: u32 = 10;
    const SUCCESS: u32 = 1;

    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(Self::CAPACITY))
    }

    /// Takes the cost of a retry, and returns it unless it is kept; `None` if there is not as much left.
    fn reserve(&self, error: &Error) -> Option<Reserved<'_>> {
        let cost = match error.kind() {
            ErrorKind::Timeout => Self::RETRY_AFTER_TIMEOUT,
            _ => Self::RETRY,
        };
        let spent = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(cost)
            });
        spent.ok().map(|_| Reserved { budget: self, cost })
    }

    fn refund(&self, amount: u32) {
        let add = |left: u32| Some(left.saturating_add(amount).min(Self::CAPACITY));
        // The closure never returns None.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

/// The cost of a retry that is still to come. A call that is cancelled before gives it back.
struct Reserved<'a> {
    budget: &'a Budget,
    cost: u32,
}

impl Reserved<'_> {
    fn keep(mut self) -> u32 {
        std::mem::take(&mut self.cost)
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.budget.refund(self.cost);
    }
}

/// Sends the request again after a failure, as the [`RetryPolicy`] of the call says.
pub(crate) struct Retry<T> {
    pub(crate) inner: T,
    pub(crate) budget: Budget,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) metrics: Option<Arc<dyn Metrics>>,
}

impl<T: Transport> Retry<T> {
    async fn retried(&self, mut request: Request, call: &Call) -> Result<Response, Error> {
        let policy = RetryPolicy::of(call);
        let began = self.clock.now();
        // A layer of the user's may send the same call more than once.
        let earlier = call.attempts();
        let limits = policy
            .deadline
            .into_iter()
            .chain(call.options().time_limit());
        let deadline = limits.min().and_then(|limit| began.checked_add(limit));
        call.set_deadline(deadline);
        let mut paid = Budget::SUCCESS;
        let mut last: Option<Error> = None;
        let finish = |error: Error| {
            let elapsed = self.clock.now().duration_since(began).unwrap_or_default();
            Err(error.with_attempts(call.attempts()).with_elapsed(elapsed))
        };
        loop {
            let before = call.attempts();
            let again = (before - earlier + 1 < policy.attempts)
                .then(|| request.try_clone())
                .flatten();
            let mut error = match self.inner.execute(request, call).await {
                Ok(response) => {
                    self.budget.refund(paid);
                    return Ok(response);
                }
                Err(error) => error,
            };
            let attempts = call.attempts();
            if attempts == before {
                // It did not get its turn before the deadline.
                return finish(last.map_or(error, no_time_to_retry));
            }
            if last.as_ref().is_some_and(Error::may_have_been_sent) {
                error = error.with_may_have_been_sent(true);
            }
            let Some(again) = again.filter(|_| is_retryable(&error, call)) else {
                return finish(error);
            };
            let delay = policy.delay(attempts - earlier, error.retry_after(), &*self.random);
            let now = self.clock.now();
            if deadline.is_some_and(|deadline| !fits(now, delay, deadline)) {
                return finish(no_time_to_retry(error));
            }
            let Some(reserved) = self.budget.reserve(&error) else {
                let note = "not retried, because the retry budget of the client is used up by other failures";
                return finish(error.with_note(note));
            };
            tracing::info!(
                "error.type" = &*error_type(&error),
                "c1.retry.delay_ms" = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
                "http.request.resend_count" = attempts,
                "the call is retried"
            );
            if let Some(metrics) = &self.metrics {
                metrics.retry_scheduled(&RetryScheduled {
                    operation: call.operation(),
                    attempts,
                    delay,
                    error: &error,
                });
            }
            self.clock.sleep(delay).await;
            paid = reserved.keep();
            request = again;
            last = Some(error);
        }
    }
}

fn no_time_to_retry(error: Error) -> Error {
    error.with_note("not retried, because the call's deadline leaves no time for it")
}

impl<T: Transport> Transport for Retry<T> {
    fn execute<'a>(
        &'a self,
        request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(self.retried(request, call))
    }
}

impl<T: Transport> fmt::Debug for Retry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
