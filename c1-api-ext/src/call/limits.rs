//! How many calls a client makes at once and in a second, and how it slows down when the server says that it is too
//! much.
//!
//! Of our own, because no crate does the last part with a clock that tests can move: governor, the well-kept one, has
//! fixed quotas, and waits by a timer thread of its own.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use c1_api::{Error, ErrorKind, Operation};
use reqwest::{Request, Response};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::call::attempt::Attempt;
use crate::call::policy::RetryPolicy;
use crate::clock::Clock;
use crate::error::ConfigError;

/// After a refusal the client goes on at this share of its former rate,
const DECREASE: f64 = 0.5;
/// gets back this share of it every second,
const INCREASE: f64 = 0.1;
/// and is free again at this multiple of it: the refusal may have been a slip of the server's.
const FREE: f64 = 2.0;
/// Who makes no more tries than this in a second is not slowed down: the delay before the next try is enough.
const SLOW: f64 = 2.0;
/// Calls that were under way together are refused together; that counts once.
const SETTLE: Duration = Duration::from_secs(1);

/// What a client allows itself: how many calls at once, how many in a second, and what a 429 changes.
///
/// The limits belong to the client and all its clones. Every try counts, repetitions as well. Calls wait for their turn
/// in the order in which they came.
///
/// ```
/// let limits = c1_api_ext::Limits::new().concurrent(8).per_second(20.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Limits {
    concurrent: Option<usize>,
    per_second: Option<f64>,
    adaptive: bool,
}

impl Limits {
    /// Any number of calls, until the server says 429.
    pub fn new() -> Self {
        Self {
            concurrent: None,
            per_second: None,
            adaptive: true,
        }
    }

    /// At most `calls` at once, at least 1. A call counts from when it may start until its answer is read, and not
    /// while it waits to be repeated.
    pub fn concurrent(mut self, calls: usize) -> Self {
        self.concurrent = Some(calls);
        self
    }

    /// At most `calls` in a second, more than 0. They are spaced evenly: 20.0 starts one every 50 ms, and no burst.
    pub fn per_second(mut self, calls: f64) -> Self {
        self.per_second = Some(calls);
        self
    }

    /// Whether a 429 slows down all callers of the client; so it is unless turned off.
    ///
    /// - If the server says when to come again, no call is sent before. No server is obeyed for longer than
    ///   [`RetryPolicy::max_retry_after`].
    /// - Then calls are sent at half the rate at which they were sent before, if that was more than two in a second
    ///   (additive increase, multiplicative decrease). It grows by a tenth of the former rate every second; at double
    ///   the former rate the limit falls.
    pub fn adaptive(mut self, adaptive: bool) -> Self {
        self.adaptive = adaptive;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

/// Keeps to the limits; shared by all who call.
pub(crate) struct Limiter {
    permits: Option<Semaphore>,
    adaptive: bool,
    clock: Arc<dyn Clock>,
    /// Held by the one who is next, while it waits: the others queue behind it, and none that gives up leaves a gap.
    turn: tokio::sync::Mutex<()>,
    /// Locked for moments only, never across an await.
    pace: Mutex<Pace>,
}

/// There is no time left to wait for a turn.
#[derive(Debug)]
pub(crate) struct NoTime;

impl Limiter {
    pub(crate) fn new(limits: &Limits, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        if limits.concurrent == Some(0) {
            return Err(ConfigError::Limits("at least one call at once is needed"));
        }
        if limits
            .per_second
            .is_some_and(|calls| !calls.is_finite() || calls <= 0.0)
        {
            return Err(ConfigError::Limits(
                "the number of calls in a second must be more than 0",
            ));
        }
        let permits = limits.concurrent.map(|calls| {
            // Semaphore::new panics beyond.
            Semaphore::new(calls.min(Semaphore::MAX_PERMITS))
        });
        Ok(Self {
            permits,
            adaptive: limits.adaptive,
            turn: tokio::sync::Mutex::default(),
            pace: Mutex::new(Pace {
                per_second: limits.per_second,
                last: None,
                pause: None,
                throttle: None,
                window: Window {
                    began: clock.now(),
                    count: 0,
                    previous: 0,
                },
            }),
            clock,
        })
    }

    /// Waits for a turn, which lasts until the permit is dropped.
    async fn admit(
        &self,
        deadline: Option<SystemTime>,
    ) -> Result<Option<SemaphorePermit<'_>>, NoTime> {
        let turn = self.queue(deadline);
        let Some(deadline) = deadline else {
            return turn.await;
        };
        let left = deadline.duration_since(self.clock.now());
        let turn = tokio::time::timeout(left.map_err(|_| NoTime)?, turn);
        turn.await.unwrap_or(Err(NoTime))
    }

    async fn queue(
        &self,
        deadline: Option<SystemTime>,
    ) -> Result<Option<SemaphorePermit<'_>>, NoTime> {
        // First the permit and then the pace: the other way round, those who wait for a permit would start in a bunch.
        let permit = match &self.permits {
            // It is never closed.
            Some(permits) => permits.acquire().await.ok(),
            None => None,
        };
        let _turn = self.turn.lock().await;
        loop {
            let now = self.clock.now();
            let wait = self.pace().start(now);
            if wait.is_zero() {
                return Ok(permit);
            }
            if deadline.is_some_and(|deadline| !fits(now, wait, deadline)) {
                return Err(NoTime);
            }
            self.clock.sleep(wait).await;
        }
    }

    /// The server has had too much, and wants to be left alone for as long as `told`.
    fn throttle(&self, told: Option<Duration>) {
        if self.adaptive {
            self.pace().throttle(self.clock.now(), told);
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // Nothing panics while it is locked, and each change of it is whole.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("permits", &self.permits)
            .field("adaptive", &self.adaptive)
            .finish_non_exhaustive()
    }
}

/// Whether there is time left when `wait` is over.
pub(crate) fn fits(now: SystemTime, wait: Duration, deadline: SystemTime) -> bool {
    now.checked_add(wait).is_some_and(|then| then < deadline)
}

/// When the next try may start.
struct Pace {
    per_second: Option<f64>,
    /// When the last one started.
    last: Option<SystemTime>,
    pause: Option<Pause>,
    throttle: Option<Throttle>,
    window: Window,
}

#[derive(Clone, Copy)]
struct Pause {
    from: SystemTime,
    length: Duration,
}

struct Throttle {
    rate: f64,
    former: f64,
    since: SystemTime,
}

impl Throttle {
    fn rate(&self, now: SystemTime) -> f64 {
        let seconds = now.duration_since(self.since).unwrap_or_default();
        self.rate + self.former * INCREASE * seconds.as_secs_f64()
    }
}

impl Pace {
    /// Zero, if a try may start now, which then counts as started; else how long to wait.
    fn start(&mut self, now: SystemTime) -> Duration {
        let pause = self.pause.map_or(Duration::ZERO, |pause| {
            remaining(pause.from, pause.length, now)
        });
        if !pause.is_zero() {
            return pause;
        }
        self.pause = None;
        self.throttle
            .take_if(|throttle| throttle.rate(now) >= throttle.former * FREE);
        let throttled = self.throttle.as_ref().map(|throttle| throttle.rate(now));
        let rate = match (self.per_second, throttled) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let interval = rate.map_or(Duration::ZERO, |rate| {
            // A call in a thousand years is as good as none.
            Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX)
        });
        let wait = self
            .last
            .map_or(Duration::ZERO, |last| remaining(last, interval, now));
        if wait.is_zero() {
            self.window.count(now);
            self.last = Some(now);
        }
        wait
    }

    fn throttle(&mut self, now: SystemTime, told: Option<Duration>) {
        let told = told.unwrap_or_default();
        let before = self.pause.map_or(Duration::ZERO, |pause| {
            remaining(pause.from, pause.length, now)
        });
        let length = told.max(before);
        self.pause = Some(Pause { from: now, length });
        // The recovery begins when the pause is over.
        let since = now.checked_add(length).unwrap_or(now);
        if let Some(throttle) = &mut self.throttle {
            let settled = now.duration_since(throttle.since);
            if !settled.is_ok_and(|passed| passed >= SETTLE) {
                throttle.since = throttle.since.max(since);
                return;
            }
        }
        let measured = self.window.rate(now);
        if measured <= SLOW {
            return;
        }
        let former = match &self.throttle {
            Some(throttle) => throttle.rate(now).min(measured),
            None => measured,
        };
        self.throttle = Some(Throttle {
            rate: former.max(SLOW) * DECREASE,
            former,
            since,
        });
    }
}

/// What is left of `length` since `from`: none if the clock has been put back meanwhile, or it could take for ever.
fn remaining(from: SystemTime, length: Duration, now: SystemTime) -> Duration {
    let passed = now.duration_since(from);
    passed.map_or(Duration::ZERO, |passed| length.saturating_sub(passed))
}

/// How many tries were started in this second and in the one before.
struct Window {
    began: SystemTime,
    count: u32,
    previous: u32,
}

impl Window {
    const LENGTH: Duration = Duration::from_secs(1);

    fn count(&mut self, now: SystemTime) {
        self.turn(now);
        self.count = self.count.saturating_add(1);
    }

    /// Tries in a second.
    fn rate(&mut self, now: SystemTime) -> f64 {
        self.turn(now);
        f64::from(self.count.max(self.previous))
    }

    fn turn(&mut self, now: SystemTime) {
        match now.duration_since(self.began) {
            Ok(age) if age < Self::LENGTH => {}
            Ok(age) if age < Self::LENGTH * 2 => {
                *self = Self {
                    began: self.began + Self::LENGTH,
                    count: 0,
                    previous: self.count,
                };
            }
            _ => {
                *self = Self {
                    began: now,
                    count: 0,
                    previous: 0,
                };
            }
        }
    }
}

/// The layer: a try within the limits.
#[derive(Clone, Debug)]
pub(crate) struct Limited {
    limiter: Arc<Limiter>,
    inner: Attempt,
}

impl Limited {
    pub(crate) fn new(limiter: Arc<Limiter>, inner: Attempt) -> Self {
        Self { limiter, inner }
    }

    /// One try, when it is its turn. The time that it may take begins then.
    pub(crate) async fn execute(
        &self,
        request: Request,
        operation: &'static Operation,
        policy: &RetryPolicy,
        deadline: Option<SystemTime>,
    ) -> Result<Result<Response, Error>, NoTime> {
        let permit = self.limiter.admit(deadline).await?;
        let timeout = match deadline {
            None => policy.attempt_timeout,
            Some(deadline) => {
                let left = deadline.duration_since(self.limiter.clock.now());
                let left = left.map_err(|_| NoTime)?;
                Some(policy.attempt_timeout.map_or(left, |most| most.min(left)))
            }
        };
        let answer = self.inner.execute(request, operation, timeout).await;
        drop(permit);
        if let Err(error) = &answer
            && error.kind() == ErrorKind::RateLimited
        {
            let told = error.retry_after();
            self.limiter
                .throttle(told.map(|told| told.min(policy.max_retry_after)));
        }
        Ok(answer)
    }
}
