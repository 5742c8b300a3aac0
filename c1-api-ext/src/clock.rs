//! The time of day, injected wherever it decides something, so that tests set it instead of waiting.

use std::{fmt, sync::Arc, time::SystemTime};

/// Tells the time of day.
///
/// Assertions are dated with it and the age of a token is measured with it. Wall time and not a monotonic
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
}
