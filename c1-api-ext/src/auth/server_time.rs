//! The server's time: this machine's clock, corrected by the `Date` of a response.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use crate::clock::Clock;

/// `Date` has whole seconds, and a response takes some time.
const TOLERANCE: u64 = 30;

/// Dates assertions and proofs. Clones share the correction.
#[derive(Clone)]
pub(crate) struct ServerTime {
    clock: Arc<dyn Clock>,
    /// By how many seconds the server is ahead.
    ahead: Arc<AtomicI64>,
}

impl ServerTime {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            ahead: Arc::default(),
        }
    }

    #[cfg(feature = "device")]
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn now(&self) -> SystemTime {
        let now = self.clock.now();
        let ahead = self.ahead.load(Ordering::Relaxed);
        let by = Duration::from_secs(ahead.unsigned_abs());
        let corrected = if ahead < 0 {
            now.checked_sub(by)
        } else {
            now.checked_add(by)
        };
        corrected.unwrap_or(now)
    }

    /// By how many seconds `server` is ahead of this machine's clock; negative: behind.
    pub(crate) fn ahead(&self, server: SystemTime) -> i64 {
        let now = self.clock.now();
        let (sign, by) = match server.duration_since(now) {
            Ok(by) => (1, by),
            Err(error) => (-1, error.duration()),
        };
        i64::try_from(by.as_secs()).map_or(0, |seconds| sign * seconds)
    }

    /// Sets by how many seconds the server is ahead. False if that is hardly a change.
    pub(crate) fn correct(&self, ahead: i64) -> bool {
        let before = self.ahead.swap(ahead, Ordering::Relaxed);
        is_skew(before.saturating_sub(ahead))
    }
}

/// Whether this is a wrong clock and not just a slow network.
pub(crate) fn is_skew(seconds: i64) -> bool {
    seconds.unsigned_abs() > TOLERANCE
}

impl fmt::Debug for ServerTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTime")
            .field("seconds_ahead", &self.ahead)
            .finish_non_exhaustive()
    }
}
