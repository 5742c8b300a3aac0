//! The locks of the tenant's parts.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, ignoring poisoning: every change leaves the data consistent.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
