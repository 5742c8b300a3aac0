//! The options of a single call, as methods of every request.

#[cfg(test)]
mod tests;

use std::time::Duration;

use c1_api::{CallOptions, Request};

use crate::call::policy::RetryPolicy;

/// The options of a single call, as methods of every request; in any order with the operation's own setters.
///
/// ```no_run
/// # async fn create(c1: c1_api_ext::C1) -> Result<(), c1_api_ext::Error> {
/// use std::time::Duration;
/// use c1_api_ext::types::CreateAppRequest;
/// use c1_api_ext::{RequestExt as _, RetryPolicy};
///
/// let created = c1
///     .apps()
///     .create(CreateAppRequest::new("Wiki"))
///     .header("x-change-ticket", "CHG-1")
///     .timeout(Duration::from_secs(10))
///     .retry(RetryPolicy::new().attempts(2))
///     .await?;
/// # Ok(())
/// # }
/// ```
pub trait RequestExt: Request {
    /// Adds a header to this call: see [`CallOptions::header`].
    #[must_use = "a call does nothing until it is awaited or sent"]
    fn header(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.configure(|options| options.header(name, value))
    }

    /// Limits the time of this call with all its attempts and delays: see [`CallOptions::timeout`]. A deadline of the
    /// [`RetryPolicy`] holds as well.
    #[must_use = "a call does nothing until it is awaited or sent"]
    fn timeout(self, limit: Duration) -> Self {
        self.configure(|options| options.timeout(limit))
    }

    /// Sets the retry policy of this call.
    #[must_use = "a call does nothing until it is awaited or sent"]
    fn retry(self, policy: RetryPolicy) -> Self {
        self.configure(|options| options.with(policy))
    }

    /// States that the server may process this request twice without harm, so that it is retried like a read. For a POST
    /// or PATCH of which the caller knows that.
    #[must_use = "a call does nothing until it is awaited or sent"]
    fn idempotent(self) -> Self {
        self.configure(CallOptions::idempotent)
    }
}

impl<R: Request> RequestExt for R {}
