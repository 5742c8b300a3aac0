//! A clock that the test moves.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use c1_api_ext::{BoxFuture, Clock};

/// A clock that moves when it is told to, and jumps ahead when somebody sleeps. It begins on 2023-11-14, 22:13:20 GMT.
/// Clones are the same clock.
#[derive(Clone)]
pub struct TestClock {
    state: Arc<Mutex<State>>,
    on_sleep: Arc<OnSleep>,
}

type OnSleep = dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync;

struct State {
    start: SystemTime,
    now: SystemTime,
    waits: Vec<Duration>,
}

impl Default for TestClock {
    fn default() -> Self {
        Self::at(UNIX_EPOCH + Duration::from_secs(1_700_000_000))
    }
}

impl TestClock {
    /// A clock that begins at `start`.
    pub fn at(start: SystemTime) -> Self {
        let state = State {
            start,
            now: start,
            waits: Vec::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            on_sleep: Arc::new(|_| Box::pin(tokio::task::yield_now())),
        }
    }

    /// Awaits what `hook` returns at the end of each sleep, after the time has passed.
    #[must_use]
    pub fn on_sleep(
        mut self,
        hook: impl Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        self.on_sleep = Arc::new(hook);
        self
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.state().now += by;
    }

    /// Sets the time.
    pub fn set(&self, now: SystemTime) {
        self.state().now = now;
    }

    /// How long each sleep was.
    pub fn waits(&self) -> Vec<Duration> {
        self.state().waits.clone()
    }

    /// How much time has passed in all.
    pub fn elapsed(&self) -> Duration {
        let state = self.state();
        state.now.duration_since(state.start).unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        self.state().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(async move {
            {
                let mut state = clock.state();
                state.waits.push(duration);
                state.now += duration;
            }
            (clock.on_sleep)(duration).await;
        })
    }
}

impl fmt::Debug for TestClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClock")
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}
