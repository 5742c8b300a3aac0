//! What may be used once only.

use std::collections::HashMap;
use std::time::SystemTime;

/// Marks that were seen, until they would be refused for their age anyway.
#[derive(Default)]
pub(super) struct Used(HashMap<String, SystemTime>);

impl Used {
    /// Whether the mark is new; from now on it is not.
    pub(super) fn is_new(&mut self, now: SystemTime, mark: String, until: SystemTime) -> bool {
        self.0.retain(|_, until| *until > now);
        self.0.insert(mark, until).is_none()
    }
}
