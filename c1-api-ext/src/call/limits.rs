//! The layer of limits: how many calls run at once and how many start per second.
//!
//! Our own, because no crate slows down after a 429 with a clock that tests can move: governor has fixed quotas and waits by
//! a timer thread of its own.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use c1_api::{BoxFuture, Call, Error, ErrorKind, Transport, require_runtime};
use reqwest::{Request, Response};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::call::pace::{Pace, fits};
use crate::call::policy::RetryPolicy;
use crate::clock::Clock;
use crate::error::ConfigError;

/// How many calls run at once by default. Over HTTP/1.1 each has a connection and so a file handle, a new connection to a
/// host name may have two for a moment, and the common limits are 256 and 1,024 for the whole process. Over HTTP/2, servers
/// should allow as many on one connection (RFC 9113, section 6.5.2).
const CONCURRENT: usize = 100;

/// The limits of a client: how many calls run at once, how many start per second, and what a 429 changes.
///
/// The limits belong to the client and all its clones. Every attempt counts. Calls wait for their turn in the order in
/// which they arrive.
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
    /// 100 calls at once, and any number per second until the server responds 429.
    pub fn new() -> Self {
        Self {
            concurrent: Some(CONCURRENT),
            per_second: None,
            adaptive: true,
        }
    }

    /// At most `calls` at once, at least 1; `None` for no limit. A call counts while an attempt runs, until its response is
    /// read, and not during the delay before a retry.
    ///
    /// Over HTTP/1.1, each call that runs has a connection of its own, and so one of the file handles of the process.
    /// Without a limit, calls fail with [`ErrorKind::Connect`](crate::ErrorKind::Connect) when there are none left.
    pub fn concurrent(mut self, calls: impl Into<Option<usize>>) -> Self {
        self.concurrent = calls.into();
        self
    }

    /// At most `calls` per second; above 0. They are spaced evenly, without bursts: 20.0 starts one every 50 ms.
    pub fn per_second(mut self, calls: f64) -> Self {
        self.per_second = Some(calls);
        self
    }

    /// Whether a 429 slows down all callers of the client; on by default.
    ///
    /// - No call is sent before the time in `Retry-After`, up to [`RetryPolicy::max_retry_after`].
    /// - Then calls are sent at half the former rate, if that was more than two per second (additive increase,
    ///   multiplicative decrease). The rate grows by a tenth of the former one every second; the limit is lifted at
    ///   double the former rate.
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

/// Enforces the limits.
struct Limiter {
    permits: Option<Semaphore>,
    adaptive: bool,
    clock: Arc<dyn Clock>,
    /// Held by the next call while it waits, so that the others queue behind it and a cancelled one leaves no gap.
    turn: tokio::sync::Mutex<()>,
    /// Never locked across an await.
    pace: Mutex<Pace>,
}

impl Limiter {
    fn new(limits: &Limits, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        if limits.concurrent == Some(0) {
            return Err(ConfigError::Limits("concurrency must be at least 1"));
        }
        if limits
            .per_second
            .is_some_and(|calls| !calls.is_finite() || calls <= 0.0)
        {
            return Err(ConfigError::Limits(
                "the rate must be a number of calls per second above 0",
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
            pace: Mutex::new(Pace::new(limits.per_second, clock.now())),
            clock,
        })
    }

    /// Waits for a turn, which lasts until the permit is dropped.
    async fn admit(
        &self,
        deadline: Option<SystemTime>,
    ) -> Result<Option<SemaphorePermit<'_>>, Error> {
        let turn = self.queue(deadline);
        let Some(deadline) = deadline else {
            return turn.await;
        };
        let left = deadline.duration_since(self.clock.now());
        let turn = tokio::time::timeout(left.map_err(|_| no_time())?, turn);
        turn.await.unwrap_or(Err(no_time()))
    }

    async fn queue(
        &self,
        deadline: Option<SystemTime>,
    ) -> Result<Option<SemaphorePermit<'_>>, Error> {
        // The permit first: the other way round, those who wait for a permit would start in a burst.
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
                return Err(no_time());
            }
            self.clock.sleep(wait).await;
        }
    }

    /// The server responded 429, and asks to wait that long.
    fn throttle(&self, retry_after: Option<Duration>) {
        if self.adaptive {
            self.pace().throttle(self.clock.now(), retry_after);
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // Each change is whole, whatever panicked.
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

/// The layer: each attempt waits for its turn. It needs tokio's timers, as all layers behind it, so it checks first that
/// there is a runtime.
#[derive(Debug)]
pub(crate) struct Limited<T> {
    inner: T,
    limiter: Limiter,
}

impl<T: Transport> Limited<T> {
    pub(crate) fn new(
        inner: T,
        limits: &Limits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let limiter = Limiter::new(limits, clock)?;
        Ok(Self { inner, limiter })
    }

    async fn in_turn(&self, request: Request, call: &Call) -> Result<Response, Error> {
        require_runtime()?;
        let deadline = call.deadline();
        let permit = self.limiter.admit(deadline).await?;
        if deadline.is_some_and(|deadline| deadline < self.limiter.clock.now()) {
            return Err(no_time());
        }
        let result = self.inner.execute(request, call).await;
        drop(permit);
        if let Err(error) = &result
            && error.kind() == ErrorKind::RateLimited
        {
            let most = RetryPolicy::of(call).max_retry_after;
            self.limiter
                .throttle(error.retry_after().map(|delay| delay.min(most)));
        }
        result
    }
}

impl<T: Transport> Transport for Limited<T> {
    fn execute<'a>(
        &'a self,
        request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(self.in_turn(request, call))
    }
}

/// The deadline left no time to wait for a turn: nothing was sent.
fn no_time() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "the call's deadline left no time to wait for its turn",
    )
    .with_may_have_been_sent(false)
}
