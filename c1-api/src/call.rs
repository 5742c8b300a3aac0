//! One call on its way through the transports.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use reqwest::StatusCode;

use crate::error::Error;
use crate::operation::Operation;
use crate::options::CallOptions;

/// One call: its operation, its options, and what transports learn about it.
///
/// The client makes one for each call and hands it to its [`Transport`](crate::Transport). Clones are the same call.
#[derive(Clone)]
pub struct Call(Arc<Inner>);

struct Inner {
    operation: &'static Operation,
    options: CallOptions,
    is_streamed: bool,
    attempts: AtomicU32,
    sent: AtomicBool,
    deadline: Mutex<Option<SystemTime>>,
    observers: Mutex<Vec<Observer>>,
    /// What failed below progenitor's client, which cannot pass it on.
    failure: Mutex<Option<Error>>,
}

type Observer = Box<dyn FnOnce(&Call, Result<StatusCode, &Error>) + Send>;

impl Call {
    /// A call of `operation`. Needed only to use a transport without a
    /// [`Client`](crate::Client); call [`end`](Self::end) afterwards.
    #[must_use]
    pub fn new(operation: &'static Operation, options: CallOptions) -> Self {
        Self::with(operation, options, false)
    }

    /// The same of a call whose caller reads the body of a success: see [`is_streamed`](Self::is_streamed).
    #[must_use]
    pub fn streamed(operation: &'static Operation, options: CallOptions) -> Self {
        Self::with(operation, options, true)
    }

    fn with(operation: &'static Operation, options: CallOptions, is_streamed: bool) -> Self {
        Self(Arc::new(Inner {
            operation,
            options,
            is_streamed,
            attempts: AtomicU32::new(0),
            sent: AtomicBool::new(false),
            deadline: Mutex::default(),
            observers: Mutex::default(),
            failure: Mutex::default(),
        }))
    }

    /// The operation that is called.
    #[must_use]
    pub fn operation(&self) -> &'static Operation {
        self.0.operation
    }

    /// The options that the caller set.
    #[must_use]
    pub fn options(&self) -> &CallOptions {
        &self.0.options
    }

    /// Whether the request may be sent again when it is unknown whether the server processed it: by its operation, or
    /// because the caller said so.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.0.operation.is_repeatable() || self.0.options.is_idempotent()
    }

    /// Whether the caller reads the body of a success, as a [`Body`](crate::Body). Then a transport does not read it first.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        self.0.is_streamed
    }

    /// The number of attempts so far, if a transport counts them.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts.load(Ordering::Relaxed)
    }

    /// Counts one more attempt, of which nothing is sent yet.
    pub fn begin_attempt(&self) {
        self.0.attempts.fetch_add(1, Ordering::Relaxed);
        self.0.sent.store(false, Ordering::Relaxed);
    }

    /// Whether the current attempt has begun to send its request.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Notes that the current attempt begins to send its request.
    pub fn mark_sent(&self) {
        self.0.sent.store(true, Ordering::Relaxed);
    }

    /// When the call has to be over, by the clock of the transport that set it.
    #[must_use]
    pub fn deadline(&self) -> Option<SystemTime> {
        *lock(&self.0.deadline)
    }

    /// Tells inner transports when the call has to be over.
    pub fn set_deadline(&self, deadline: Option<SystemTime>) {
        *lock(&self.0.deadline) = deadline;
    }

    /// Runs `observer` when the call is over and its response is decoded, with the status or the error. Not run for a call
    /// that is cancelled.
    pub fn on_end(
        &self,
        observer: impl FnOnce(&Self, Result<StatusCode, &Error>) + Send + 'static,
    ) {
        lock(&self.0.observers).push(Box::new(observer));
    }

    /// Tells the observers that the call is over.
    pub fn end(&self, result: Result<StatusCode, &Error>) {
        let observers = std::mem::take(&mut *lock(&self.0.observers));
        for observer in observers {
            observer(self, result);
        }
    }

    /// Ends the call with an error, which then tells the attempts.
    pub(crate) fn end_with(&self, mut error: Error) -> Error {
        if error.attempts() == 0 {
            error = error.with_attempts(self.attempts());
        }
        self.end(Err(&error));
        error
    }

    pub(crate) fn fail(&self, error: Error) {
        *lock(&self.0.failure) = Some(error);
    }

    pub(crate) fn take_failure(&self) -> Option<Error> {
        lock(&self.0.failure).take()
    }
}

/// Each change under these locks is whole, whatever panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.0.operation.id)
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}
