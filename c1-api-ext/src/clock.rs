//! The time of day and sleeping, which tests replace.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use c1_api::BoxFuture;

/// Tells the time of day, and sleeps.
///
/// It dates assertions, measures the age of tokens, and delays retries. Timeouts of attempts are tokio's. It is wall
/// time, because a monotonic clock stops on some systems while the machine is suspended, and tokens expire meanwhile.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// /// A clock that is an hour behind.
/// #[derive(Debug)]
/// struct Behind;
///
/// impl c1_api_ext::Clock for Behind {
///     fn now(&self) -> SystemTime {
///         SystemTime::now() - Duration::from_secs(3600)
///     }
/// }
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> SystemTime;

    /// Sleeps for `duration`, by default with tokio's timer.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        (**self).sleep(duration)
    }
}
