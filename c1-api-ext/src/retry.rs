//! What is tried again, how often and when.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use c1_api::{BoxFuture, Error, ErrorKind, Operation, Transport};
use reqwest::{Request, Response, StatusCode};

use crate::{
    clock::Clock,
    limits::{Limited, NoTime, fits},
    random::Random,
    telemetry::{Metrics, Retried, error_type},
    token::endpoint::TokenError,
};

const TRIES: u32 = 4;
const BASE_DELAY: Duration = Duration::from_millis(500);
const MAX_DELAY: Duration = Duration::from_secs(30);
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// The slowest answer that was seen took three minutes.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(300);

/// Whether and when a call is tried again, and how long it may take.
///
/// | failure | tried again |
/// | --- | --- |
/// | 429; no connection | every operation |
/// | no token, and the token endpoint may have one later | every operation |
/// | 408, 500, 502, 503, 504; a connection or an answer that breaks off; no answer in time | [`Operation::is_repeatable`] |
/// | anything else | none |
///
/// So a POST or PATCH that changes something is never sent twice when it may have arrived.
///
/// Delays grow exponentially with full jitter: before try n + 1 it is a random time up to `base_delay` * 2^(n-1), or
/// `max_delay` if that is less. If the server says when to come again (`Retry-After`), it is not earlier than that,
/// nor later than `max_retry_after`.
///
/// All calls of a client share a budget of 500. A repetition takes 5 of it, after a timeout 10; its success gives
/// them back, and a success at once gives 1. When it is used up, errors are returned at once: a server that is down
/// gets few repetitions.
///
/// A request whose body cannot be sent twice is not; those that [`c1_api`] makes all can.
///
/// ```
/// use std::time::Duration;
/// use c1_api_ext::RetryPolicy;
///
/// let patient = RetryPolicy::new().tries(10).deadline(Duration::from_secs(600));
/// let once = RetryPolicy::off();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    tries: u32,
    base_delay: Duration,
    max_delay: Duration,
    pub(crate) max_retry_after: Duration,
    pub(crate) attempt_timeout: Option<Duration>,
    deadline: Option<Duration>,
}

impl RetryPolicy {
    /// 4 tries, 500 ms to 30 s apart, `Retry-After` up to 60 s, 5 min for a try and no deadline.
    pub fn new() -> Self {
        Self {
            tries: TRIES,
            base_delay: BASE_DELAY,
            max_delay: MAX_DELAY,
            max_retry_after: MAX_RETRY_AFTER,
            attempt_timeout: Some(ATTEMPT_TIMEOUT),
            deadline: None,
        }
    }

    /// One try, for which there are 5 min.
    pub fn off() -> Self {
        Self::new().tries(1)
    }

    /// How often a call is tried, the first time included; 0 is as good as 1.
    pub fn tries(mut self, tries: u32) -> Self {
        self.tries = tries;
        self
    }

    /// The longest delay before the second try.
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// The longest delay before any try, unless the server asks for more.
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// The longest delay that a server can ask for.
    pub fn max_retry_after(mut self, delay: Duration) -> Self {
        self.max_retry_after = delay;
        self
    }

    /// How long one try may take, from when it is its turn ([`Limits`](crate::Limits)) to the last byte of the answer;
    /// `None`: as long as it takes. Then it fails with [`ErrorKind::Timeout`].
    pub fn attempt_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.attempt_timeout = timeout.into();
        self
    }

    /// How long the call may take with all its tries and delays; `None`: as long as it takes. A delay that would not
    /// fit is not waited for: the last error is returned at once.
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// How long to wait after that many tries.
    fn delay(&self, tries: u32, told: Option<Duration>, random: &dyn Random) -> Duration {
        let doubled = 2_u32.saturating_pow(tries.saturating_sub(1));
        let most = self.base_delay.saturating_mul(doubled).min(self.max_delay);
        let mut chance = [0; 8];
        let jitter = match random.fill(&mut chance) {
            Ok(()) => share(most, u64::from_be_bytes(chance)),
            // Without random bytes the call can still be saved.
            Err(_) => most,
        };
        told.map_or(jitter, |told| jitter.max(told).min(self.max_retry_after))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// `chance` / 2^64 of `most`.
fn share(most: Duration, chance: u64) -> Duration {
    let nanos = |most: Duration| u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    let share = (u128::from(nanos(most)) * u128::from(chance)) >> 64;
    Duration::from_nanos(u64::try_from(share).unwrap_or(u64::MAX))
}

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

/// How often the call of an answer was tried: travels in its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tries(pub(crate) u32);

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
