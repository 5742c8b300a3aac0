//! Eventual consistency: lists show a change only some time after it.
//!
//! What lags is an index: lists and searches. A change itself, its response, what is read by its id, and the rules of later
//! changes are up to date. So an object that was created can be read and changed at once, and is listed later; one that
//! was deleted is a 404, and is still listed for a while, as it was.

use std::collections::{BTreeMap, VecDeque};
use std::time::SystemTime;

use super::State;
use super::row::Row;

/// The time of a change, and the time from which lists show it.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    now: SystemTime,
    from: SystemTime,
}

/// The changes of a table that lists do not show yet.
#[derive(Default)]
pub(super) struct Lag {
    /// Of the changes that follow; `None` if lists show them at once.
    pub(super) shown: Option<Shown>,
    /// Oldest first.
    changes: VecDeque<Change>,
}

struct Change {
    shown_from: SystemTime,
    position: u64,
    /// The row before it; `None` if there was none.
    before: Option<Row>,
}

impl Lag {
    /// Keeps a row that changes, if lists are to show it longer.
    pub(super) fn keep(&mut self, position: u64, before: Option<&Row>) {
        let Some(shown) = self.shown else {
            return;
        };
        self.changes.retain(|change| change.shown_from > shown.now);
        self.changes.push_back(Change {
            shown_from: shown.from,
            position,
            before: before.cloned(),
        });
    }

    /// What lists show instead of the rows at these positions; `None` if that is nothing.
    fn past(&self, now: SystemTime, after: u64) -> BTreeMap<u64, Option<&Row>> {
        // Of several changes of a row, lists show it before the first.
        let changes = self.changes.iter().rev();
        let changes = changes.filter(|change| change.shown_from > now && change.position > after);
        changes
            .map(|change| (change.position, change.before.as_ref()))
            .collect()
    }

    /// The rows as lists show them, from the `current` ones after the position.
    pub(super) fn merge<'r>(
        &'r self,
        now: SystemTime,
        after: u64,
        current: impl Iterator<Item = (u64, &'r Row)>,
    ) -> impl Iterator<Item = (u64, &'r Row)> {
        let mut current = current.peekable();
        let mut past = self.past(now, after).into_iter().peekable();
        std::iter::from_fn(move || {
            loop {
                let at = current.peek().map(|(position, _)| *position);
                let is_past = |position: &u64| at.is_none_or(|at| *position <= at);
                let Some((position, row)) = past.next_if(|(position, _)| is_past(position)) else {
                    return current.next();
                };
                current.next_if(|(at, _)| *at == position);
                if let Some(row) = row {
                    return Some((position, row));
                }
            }
        })
    }
}

impl State {
    /// Begins to change what the tenant has, at a time, or, without one, so that lists show it at once.
    pub(super) fn begin_change(&mut self, now: Option<SystemTime>) {
        let from = |now: SystemTime| now.checked_add(self.delay?);
        self.shown = now.and_then(|now| {
            Some(Shown {
                now,
                from: from(now)?,
            })
        });
    }
}
