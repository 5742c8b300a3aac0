//! What is retried, how often and when: the settings of a call.

use std::time::Duration;

use c1_api::Call;

use crate::random::Random;

const ATTEMPTS: u32 = 4;
const BASE_DELAY: Duration = Duration::from_millis(500);
const MAX_DELAY: Duration = Duration::from_secs(30);
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// The slowest response seen took three minutes.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(300);

/// Whether and when a call is retried, and how long it may take.
///
/// | failure | retried |
/// | --- | --- |
/// | 429; no connection | every operation |
/// | no token, if the token endpoint may have one later | every operation |
/// | 408, 500, 502, 503, 504; a broken connection or response; no response in time | repeatable operations |
/// | anything else | none |
///
/// Repeatable are the operations that [`Operation::is_repeatable`](c1_api::Operation::is_repeatable) says, and calls that
/// the caller marks ([`RequestExt::idempotent`](crate::RequestExt::idempotent)). So a POST or PATCH that changes something
/// is never sent again if the server may have processed it.
///
/// Delays grow exponentially with full jitter: the delay before attempt n + 1 is random, up to `base_delay` * 2^(n-1) and
/// at most `max_delay`. With `Retry-After` it is at least that, and at most `max_retry_after`.
///
/// All calls of a client share a retry budget of 500. A retry costs 5, after a timeout 10; a success after a retry
/// returns the cost of that retry, a success at the first attempt returns 1. When the budget is used up, errors are
/// returned at once, so that a server that is down gets few retries.
///
/// A request whose body cannot be sent twice is not retried; those that [`c1_api`] makes all can.
///
/// ```
/// use std::time::Duration;
/// use c1_api_ext::RetryPolicy;
///
/// let patient = RetryPolicy::new().attempts(10).deadline(Duration::from_secs(600));
/// let once = RetryPolicy::off();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    pub(crate) attempts: u32,
    base_delay: Duration,
    max_delay: Duration,
    pub(crate) max_retry_after: Duration,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
}

impl RetryPolicy {
    /// 4 attempts, delays of up to 500 ms to 30 s, `Retry-After` up to 60 s, 5 min for an attempt, no deadline.
    pub fn new() -> Self {
        Self {
            attempts: ATTEMPTS,
            base_delay: BASE_DELAY,
            max_delay: MAX_DELAY,
            max_retry_after: MAX_RETRY_AFTER,
            attempt_timeout: Some(ATTEMPT_TIMEOUT),
            deadline: None,
        }
    }

    /// One attempt, of at most 5 min.
    pub fn off() -> Self {
        Self::new().attempts(1)
    }

    /// The number of attempts, the first one included; 0 counts as 1.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The longest delay before the second attempt.
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// The longest delay before any attempt, unless `Retry-After` is longer.
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// The longest delay that `Retry-After` can ask for.
    pub fn max_retry_after(mut self, delay: Duration) -> Self {
        self.max_retry_after = delay;
        self
    }

    /// How long one attempt may take, from when it is its turn ([`Limits`](crate::Limits)) to the last byte of the
    /// response; `None` for no limit. Then it fails with [`ErrorKind::Timeout`](c1_api::ErrorKind::Timeout).
    pub fn attempt_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.attempt_timeout = timeout.into();
        self
    }

    /// How long the call may take with all attempts and delays; `None` for no limit. A delay that would exceed it is not
    /// waited for: the last error is returned at once.
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// The policy of `call`: its own, or that of its client.
    pub(crate) fn of(call: &Call) -> Self {
        call.options().get().cloned().unwrap_or_default()
    }

    /// How long to wait after that many attempts.
    pub(crate) fn delay(
        &self,
        attempts: u32,
        retry_after: Option<Duration>,
        random: &dyn Random,
    ) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let most = self.base_delay.saturating_mul(doubled).min(self.max_delay);
        let mut chance = [0; 8];
        let jitter = match random.fill(&mut chance) {
            Ok(()) => share(most, u64::from_be_bytes(chance)),
            // The call can still be retried without random bytes.
            Err(_) => most,
        };
        retry_after.map_or(jitter, |delay| jitter.max(delay).min(self.max_retry_after))
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
