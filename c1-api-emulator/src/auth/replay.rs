//! Replay detection for assertions and proofs.

use std::collections::HashMap;
use std::time::SystemTime;

/// The ids that were used, kept until they would be rejected for their age anyway.
#[derive(Default)]
pub(super) struct ReplayCache(HashMap<String, SystemTime>);

impl ReplayCache {
    /// Whether the id is new. Records it until `until`.
    pub(super) fn is_new(&mut self, now: SystemTime, id: String, until: SystemTime) -> bool {
        self.0.retain(|_, until| *until > now);
        self.0.insert(id, until).is_none()
    }
}
