//! What was received before, in bounded memory.

use std::collections::{HashSet, VecDeque};

use sha2::{Digest as _, Sha256};

/// A set that forgets its oldest members. It keeps hashes, so that a long member takes no more memory than a short one.
#[derive(Debug)]
pub(super) struct Seen {
    capacity: usize,
    order: VecDeque<[u8; 32]>,
    set: HashSet<[u8; 32]>,
}

impl Seen {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            order: VecDeque::new(),
            set: HashSet::new(),
        }
    }

    /// False if `member` is in the set already.
    pub(super) fn insert(&mut self, member: &str) -> bool {
        let hash = hash(member);
        if !self.set.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }

    pub(super) fn remove(&mut self, member: &str) {
        let hash = hash(member);
        if self.set.remove(&hash) {
            self.order.retain(|other| *other != hash);
        }
    }
}

fn hash(member: &str) -> [u8; 32] {
    Sha256::digest(member).into()
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn forgets_the_oldest_and_what_it_is_told_to() {
        let mut seen = Seen::new(2);
        assert!(seen.insert("a") && seen.insert("b"));
        assert!(!seen.insert("a") && !seen.insert("b"));
        assert!(seen.insert("c"));
        assert!(!seen.insert("b") && !seen.insert("c"));
        seen.remove("b");
        assert!(seen.insert("b"), "removed, and not only marked");
        assert!(!seen.insert("c") && !seen.insert("b"), "both still fit");
        assert!(seen.insert("a"), "it had to go for `c`");
        assert_eq!((seen.order.len(), seen.set.len()), (2, 2));
    }
}
