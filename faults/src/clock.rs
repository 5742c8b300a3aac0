//! A clock on which all waiting is over at once, but for the time that an attempt may take: that is over when the server
//! has fallen silent. So a matrix of minutes of waiting takes no time, and no outcome depends on any.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use c1_api_ext::{BoxFuture, Clock};
use tokio::sync::Semaphore;

/// How long an attempt may take in the matrix. No other waiting is as long, which is how the two are told apart.
pub const ATTEMPT: Duration = Duration::from_secs(300);

/// See above.
#[derive(Clone, Debug)]
pub struct TestClock {
    stalled: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    now: SystemTime,
    waits: Vec<Duration>,
}

impl TestClock {
    /// An attempt's time is over once for each permit.
    pub fn new(stalled: Arc<Semaphore>) -> Self {
        let state = State {
            now: start(),
            waits: Vec::new(),
        };
        Self {
            stalled,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// How long was waited between the attempts.
    pub fn waits(&self) -> Vec<Duration> {
        self.lock().waits.clone()
    }

    /// How much time has passed in all.
    pub fn elapsed(&self) -> Duration {
        self.now().duration_since(start()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        self.lock().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(async move {
            if duration < ATTEMPT {
                clock.lock().waits.push(duration);
            } else if let Ok(permit) = clock.stalled.acquire().await {
                permit.forget();
            }
            clock.lock().now += duration;
        })
    }
}

/// 2023-11-14, 22:13:20 GMT.
fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}
