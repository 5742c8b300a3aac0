//! The time of day and waiting, injected wherever they decide something, so that tests take no time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use c1_api::BoxFuture;

/// Tells the time of day, and lets it pass.
///
/// Assertions are dated with it, the age of a token is measured with it, and it passes between the tries of a call. How
/// long a try may take is tokio's affair, whatever the clock. Wall time and not a monotonic
/// clock: the latter stands still on some systems while the machine sleeps, and the token would seem young on
/// waking up.
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

    /// Waits for `duration`: between polls of a device login, say. tokio's timer, unless a test knows better.
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
