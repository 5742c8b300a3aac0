//! Limits how often a refused token is replaced.

use std::time::{Duration, SystemTime};

/// So many at once,
const BURST: u32 = 5;
/// and then one in this time.
const INTERVAL: Duration = Duration::from_secs(30);

/// A token bucket, as the time at which it will be full again.
#[derive(Default)]
pub(super) struct Brake {
    full_at: Option<SystemTime>,
}

impl Brake {
    /// Whether a token may be replaced now; if so, it counts.
    pub(super) fn allows(&mut self, now: SystemTime) -> bool {
        let full_at = self.full_at.map_or(now, |full_at| {
            // Later than that if the clock was set back.
            full_at.clamp(now, now + INTERVAL * BURST)
        });
        let allowed = full_at <= now + INTERVAL * (BURST - 1);
        let more = if allowed { INTERVAL } else { Duration::ZERO };
        self.full_at = Some(full_at + more);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(brake: &mut Brake, now: SystemTime) -> u32 {
        (0..100).map(|_| u32::from(brake.allows(now))).sum()
    }

    #[test]
    fn allows_a_burst_and_then_one_in_each_interval() {
        let mut brake = Brake::default();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(allowed(&mut brake, start), 5);
        assert_eq!(allowed(&mut brake, start + Duration::from_secs(29)), 0);
        assert_eq!(allowed(&mut brake, start + Duration::from_secs(30)), 1);
        assert_eq!(allowed(&mut brake, start + Duration::from_secs(100)), 2);
        assert_eq!(allowed(&mut brake, start + Duration::from_secs(1000)), 5);
    }

    #[test]
    fn recovers_from_a_clock_that_was_set_back() {
        let mut brake = Brake::default();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let day = Duration::from_secs(86_400);
        assert_eq!(allowed(&mut brake, start + day), 5);
        assert_eq!(allowed(&mut brake, start), 0);
        assert_eq!(allowed(&mut brake, start + INTERVAL), 1);
    }
}
