//! Waits until something has happened, by asking for it again and again.

#[cfg(feature = "automation_execution")]
mod execution;
#[cfg(feature = "connector")]
mod sync;
#[cfg(feature = "task")]
pub(crate) mod task;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use c1_api::Error;
use tokio::time::timeout;

use crate::call::policy::RetryPolicy;
use crate::call::retry::is_temporary;
use crate::clock::{Clock, SystemClock};
use crate::random::{Random, SystemRandom};

const FIRST_DELAY: Duration = Duration::from_secs(2);
const MAX_DELAY: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(600);
/// What a poll that began in time may take beyond the end.
const GRACE: Duration = Duration::from_secs(10);

/// How to wait: polls with growing delays, until a condition is met or the time is over.
///
/// The delay before poll n + 1 is random, up to 2 s * 2^(n-1) and at most 30 s. The last poll is at the end of the time,
/// ten minutes by default; one that is under way then is given 10 s more. Failures that may be temporary do not end it: no
/// connection, a timeout, 408, 429 (with `Retry-After`), 500, 502, 503, 504, a token endpoint that is busy. Dropping the
/// future ends it at any time.
///
/// C1 is eventually consistent: what was created may take some minutes to show.
///
/// ```no_run
/// # async fn run(c1: c1_api_ext::C1, name: &str) -> Result<(), Box<dyn std::error::Error>> {
/// use c1_api_ext::{Wait, WaitEnd};
///
/// let end = Wait::new()
///     .on_poll(|poll| eprintln!("{} polls in {:?}", poll.polls, poll.elapsed))
///     .until(
///         || c1.apps().list().page_size(100),
///         |apps| apps.list.iter().any(|app| app.display_name.as_deref() == Some(name)),
///     )
///     .await?;
/// match end {
///     WaitEnd::Done(apps) => println!("{} apps", apps.list.len()),
///     other => eprintln!("not yet: {other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Wait {
    delays: RetryPolicy,
    longest: Duration,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    on_poll: Option<Arc<OnPoll>>,
}

type OnPoll = dyn Fn(&WaitPoll<'_>) + Send + Sync;

/// What a condition says of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Wait on.
    Pending,
    /// What was waited for has happened.
    Done,
    /// It will not happen any more.
    Failed,
}

/// True is done, false is pending.
impl From<bool> for Progress {
    fn from(done: bool) -> Self {
        if done { Self::Done } else { Self::Pending }
    }
}

/// How a wait ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum WaitEnd<T> {
    /// The condition was met, by this state.
    Done(T),
    /// The condition cannot be met any more, because of this state.
    Failed(T),
    /// The time is over.
    #[non_exhaustive]
    TimedOut {
        /// The last state that was seen, if any.
        last: Option<T>,
        /// Why the last poll failed, if it did.
        error: Option<Error>,
    },
}

impl<T> WaitEnd<T> {
    /// The state that met the condition.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(state) => Some(state),
            Self::Failed(_) | Self::TimedOut { .. } => None,
        }
    }
}

/// A poll after which the wait goes on.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WaitPoll<'a> {
    /// The number of polls so far.
    pub polls: u32,
    /// The time since the wait began.
    pub elapsed: Duration,
    /// The delay before the next poll.
    pub delay: Duration,
    /// Why this poll failed, if it did.
    pub error: Option<&'a Error>,
}

impl Wait {
    /// Delays from 2 s up to 30 s, for at most ten minutes.
    pub fn new() -> Self {
        Self {
            delays: RetryPolicy::new()
                .base_delay(FIRST_DELAY)
                .max_delay(MAX_DELAY),
            longest: LONGEST,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            on_poll: None,
        }
    }

    /// The longest delay before the second poll.
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.delays = self.delays.base_delay(delay);
        self
    }

    /// The longest delay before any poll, unless `Retry-After` is longer.
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.delays = self.delays.max_delay(delay);
        self
    }

    /// How long to wait in all.
    pub fn longest(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Calls `callback` after each poll that is not the last.
    pub fn on_poll(mut self, callback: impl Fn(&WaitPoll<'_>) + Send + Sync + 'static) -> Self {
        self.on_poll = Some(Arc::new(callback));
        self
    }

    /// Uses `clock` instead of the system clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Uses `random` instead of the random bytes of the operating system.
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Polls until `condition` says [`Progress::Done`] (or true) or [`Progress::Failed`], or the time is over. `poll` makes
    /// the call: any operation, or a future of the caller's. It is called often, so it should only read.
    ///
    /// # Errors
    /// The first failure that is not temporary, such as [`ErrorKind::NotFound`](crate::ErrorKind::NotFound). To wait for an
    /// object that does not exist yet, make `poll` a future that gives an `Option`.
    pub async fn until<T, F, P>(
        &self,
        mut poll: impl FnMut() -> F,
        mut condition: impl FnMut(&T) -> P,
    ) -> Result<WaitEnd<T>, Error>
    where
        F: IntoFuture<Output = Result<T, Error>>,
        P: Into<Progress>,
    {
        let began = self.clock.now();
        let (mut last, mut slept, mut elapsed) = (None, Duration::ZERO, Duration::ZERO);
        for polls in 1.. {
            let left = self.longest.saturating_sub(elapsed);
            let polled = timeout(left.saturating_add(GRACE), poll().into_future()).await;
            let mut error = None;
            match polled {
                Err(_) => return Ok(WaitEnd::TimedOut { last, error }),
                Ok(Err(failure)) if is_temporary(&failure) => error = Some(failure),
                Ok(Err(failure)) => return Err(failure),
                Ok(Ok(state)) => match condition(&state).into() {
                    Progress::Done => return Ok(WaitEnd::Done(state)),
                    Progress::Failed => return Ok(WaitEnd::Failed(state)),
                    Progress::Pending => last = Some(state),
                },
            }
            // At least the time that was slept, should the clock be set back.
            let passed = self.clock.now().duration_since(began);
            elapsed = passed.unwrap_or_default().max(slept);
            if elapsed >= self.longest {
                return Ok(WaitEnd::TimedOut { last, error });
            }
            let retry_after = error.as_ref().and_then(Error::retry_after);
            let delay = self.delays.delay(polls, retry_after, &*self.random);
            let delay = delay.min(self.longest.saturating_sub(elapsed));
            if let Some(on_poll) = &self.on_poll {
                on_poll(&WaitPoll {
                    polls,
                    elapsed,
                    delay,
                    error: error.as_ref(),
                });
            }
            self.clock.sleep(delay).await;
            slept += delay;
            elapsed = elapsed.saturating_add(delay);
        }
        Ok(WaitEnd::TimedOut { last, error: None })
    }

    /// Polls until what `poll` asks for is found: [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) means not yet. For
    /// what was created just now, and does not show everywhere yet. In a list, it is a condition of [`until`](Self::until).
    ///
    /// ```no_run
    /// # async fn run(c1: c1_api_ext::C1, app: &str) -> Result<(), c1_api_ext::Error> {
    /// let app = c1_api_ext::Wait::new().found(|| c1.apps().get(app)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The first other failure that is not temporary.
    pub async fn found<T, F>(&self, mut poll: impl FnMut() -> F) -> Result<WaitEnd<T>, Error>
    where
        F: IntoFuture<Output = Result<T, Error>>,
    {
        let poll = || {
            let call = poll().into_future();
            async {
                match call.await {
                    Ok(found) => Ok(Some(found)),
                    Err(error) if error.is_not_found() => Ok(None),
                    Err(error) => Err(error),
                }
            }
        };
        let (found, error) = match self.until(poll, Option::is_some).await? {
            WaitEnd::Done(found) | WaitEnd::Failed(found) => (found, None),
            WaitEnd::TimedOut { error, .. } => (None, error),
        };
        let timed_out = WaitEnd::TimedOut { last: None, error };
        Ok(found.map_or(timed_out, WaitEnd::Done))
    }
}

impl Default for Wait {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("delays", &self.delays)
            .field("longest", &self.longest)
            .finish_non_exhaustive()
    }
}
