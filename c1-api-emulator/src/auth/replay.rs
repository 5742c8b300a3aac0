//! Replay detection for assertions and proofs.

use std::collections::HashMap;
use std::time::SystemTime;

use super::jwk::sha256;

/// The hashes of the ids that were used, kept until they would be rejected for their age anyway. Hashes,
/// because a client chooses the length of an id.
#[derive(Default)]
pub(super) struct ReplayCache(HashMap<String, SystemTime>);

impl ReplayCache {
    /// Whether the id is new. Records it until `until`.
    pub(super) fn is_new(&mut self, now: SystemTime, id: &str, until: SystemTime) -> bool {
        sweep(&mut self.0, |until| *until <= now);
        let earlier = self.0.insert(sha256(id.as_bytes()), until);
        earlier.is_none_or(|until| until <= now)
    }
}

/// Makes room for one more entry. If the map is full, removes the expired entries, and then has it grow so
/// much that an entry is looked at only a few times on average, however many there are.
pub(super) fn sweep<T>(map: &mut HashMap<String, T>, is_expired: impl Fn(&T) -> bool) {
    if map.len() == map.capacity() {
        map.retain(|_, entry| !is_expired(entry));
        map.reserve(map.len() + 1);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::HashMap;
    use std::time::{Duration, SystemTime};

    use super::{ReplayCache, sweep};

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn an_id_is_new_again_when_it_is_expired() {
        let mut cache = ReplayCache::default();
        assert!(cache.is_new(at(0), "a", at(10)));
        assert!(cache.is_new(at(0), "b", at(20)));
        assert!(!cache.is_new(at(9), "a", at(19)));
        assert!(cache.is_new(at(19), "a", at(29)));
        assert!(!cache.is_new(at(19), "b", at(29)));
    }

    #[test]
    fn long_ids_take_no_more_memory_than_short_ones() {
        let mut cache = ReplayCache::default();
        for id in ["a", &"a".repeat(1 << 20)] {
            assert!(cache.is_new(at(0), id, at(10)));
        }
        assert!(cache.0.keys().all(|id| id.capacity() < 64));
    }

    #[test]
    fn sweeping_is_linear_and_keeps_memory_in_proportion_to_the_live_entries() {
        let looks = Cell::new(0);
        let mut map = HashMap::new();
        // Each entry lives for 1,000 steps.
        for now in 0..20_000 {
            sweep(&mut map, |expiry| {
                looks.set(looks.get() + 1);
                *expiry <= now
            });
            map.insert(now.to_string(), now + 1_000);
        }
        assert!(looks.get() < 5 * 20_000, "{looks:?}");
        assert!(map.capacity() < 10_000, "{}", map.capacity());
    }
}
