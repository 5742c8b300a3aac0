//! What is tried again, how often and when.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use c1_api::{BoxFuture, Error, ErrorKind, Operation, Transport};
use reqwest::{Request, Response, StatusCode};

use crate::auth::token_error::TokenError;
use crate::call::limits::{Limited, NoTime, fits};
use crate::call::metrics::{Metrics, Retried, Tries, error_type};
use crate::call::policy::RetryPolicy;
use crate::clock::Clock;
use crate::random::Random;

/// Whether the failure may pass, and sending the request again does no harm.
fn is_retryable(error: &Error, operation: &Operation) -> bool {
    match error.kind() {
        ErrorKind::RateLimited | ErrorKind::Connect => true,
        ErrorKind::Auth => TokenError::of(error).is_some_and(TokenError::is_retryable),
        ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::RequestTimeout => {
            operation.is_repeatable()
        }
        ErrorKind::Server => {
            operation.is_repeatable()
                && matches!(
                    error.status(),
                    Some(
                        StatusCode::INTERNAL_SERVER_ERROR
                            | StatusCode::BAD_GATEWAY
                            | StatusCode::SERVICE_UNAVAILABLE
                            | StatusCode::GATEWAY_TIMEOUT
                    )
                )
        }
        _ => false,
    }
}

/// What a client may still spend on repetitions: the token bucket of smithy-rs, with its numbers.
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

    /// Takes what a repetition costs; `None`, if there is not as much.
    fn spend(&self, error: &Error) -> Option<u32> {
        let cost = match error.kind() {
            ErrorKind::Timeout => Self::RETRY_AFTER_TIMEOUT,
            _ => Self::RETRY,
        };
        let spent = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(cost)
            });
        spent.ok().map(|_| cost)
    }

    fn refund(&self, amount: u32) {
        let add = |left: u32| Some(left.saturating_add(amount).min(Self::CAPACITY));
        // It always gives something to store.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

/// The layer: repeats what failed.
pub(crate) struct Retry {
    pub(crate) policy: RetryPolicy,
    pub(crate) inner: Limited,
    pub(crate) budget: Arc<Budget>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) metrics: Option<Arc<dyn Metrics>>,
}

impl Retry {
    async fn call(
        &self,
        mut request: Request,
        operation: &'static Operation,
    ) -> Result<Response, Error> {
        let began = self.clock.now();
        let deadline = self
            .policy
            .deadline
            .and_then(|deadline| began.checked_add(deadline));
        let mut tries = 0;
        let mut paid = Budget::SUCCESS;
        let mut last: Option<Error> = None;
        let finish = |error: Error, tries| {
            let elapsed = self.clock.now().duration_since(began).unwrap_or_default();
            error.with_tries(tries).with_elapsed(elapsed)
        };
        loop {
            let again = (tries + 1 < self.policy.tries)
                .then(|| request.try_clone())
                .flatten();
            let sent_before = last.as_ref().is_some_and(Error::may_have_been_sent);
            let answer = self
                .inner
                .execute(request, operation, &self.policy, deadline)
                .await;
            let mut error = match answer {
                Ok(Ok(mut response)) => {
                    self.budget.refund(paid);
                    response.extensions_mut().insert(Tries(tries + 1));
                    return Ok(response);
                }
                Ok(Err(error)) => error,
                Err(NoTime) => return Err(finish(last.map_or_else(no_time, no_time_again), tries)),
            };
            tries += 1;
            if sent_before {
                error = error.with_may_have_been_sent(true);
            }
            let Some(again) = again.filter(|_| is_retryable(&error, operation)) else {
                return Err(finish(error, tries));
            };
            let told = error.retry_after();
            let delay = self.policy.delay(tries, told, &*self.random);
            let now = self.clock.now();
            if deadline.is_some_and(|deadline| !fits(now, delay, deadline)) {
                return Err(finish(no_time_again(error), tries));
            }
            let Some(cost) = self.budget.spend(&error) else {
                let note = "not tried again, because too many calls have failed: the retry budget of the client is \
                            used up";
                return Err(finish(error.with_note(note), tries));
            };
            paid = cost;
            tracing::info!(
                "error.type" = &*error_type(&error),
                "c1.retry.delay_ms" = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
                "http.request.resend_count" = tries,
                "the call is tried again"
            );
            if let Some(metrics) = &self.metrics {
                metrics.retried(&Retried {
                    operation,
                    tries,
                    delay,
                    error: &error,
                });
            }
            self.clock.sleep(delay).await;
            request = again;
            last = Some(error);
        }
    }
}

/// The call's time was over before it began.
fn no_time() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "the call's deadline left no time to wait for its turn",
    )
    .with_may_have_been_sent(false)
}

fn no_time_again(error: Error) -> Error {
    error.with_note("not tried again, because the call's deadline leaves no time for it")
}

impl Transport for Retry {
    fn execute<'a>(
        &'a self,
        request: Request,
        operation: &'static Operation,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(self.call(request, operation))
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("policy", &self.policy)
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
