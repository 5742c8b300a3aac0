//! What is retried, how often and when: the settings of a call.

use std::time::Duration;

use crate::random::Random;

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
    pub(crate) tries: u32,
    base_delay: Duration,
    max_delay: Duration,
    pub(crate) max_retry_after: Duration,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
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
    pub(crate) fn delay(
        &self,
        tries: u32,
        told: Option<Duration>,
        random: &dyn Random,
    ) -> Duration {
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
