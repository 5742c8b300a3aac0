//! A clock on which all waiting between tries is over at once, so that a matrix of minutes of waiting takes no time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use c1_api_ext::{BoxFuture, Clock};

/// See above.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: SystemTime,
    waits: Vec<Duration>,
}

impl Default for TestClock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            now: start(),
            waits: Vec::new(),
        })))
    }
}

impl TestClock {
    /// How long was waited between the attempts.
    pub fn waits(&self) -> Vec<Duration> {
        self.lock().waits.clone()
    }

    /// How much time has passed in all.
    pub fn elapsed(&self) -> Duration {
        self.now().duration_since(start()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        self.lock().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(async move {
            let mut state = clock.lock();
            state.waits.push(duration);
            state.now += duration;
        })
    }
}

/// 2023-11-14, 22:13:20 GMT.
fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}
