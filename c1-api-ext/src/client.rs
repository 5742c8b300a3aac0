//! The client: a tenant, and the generated API on top of the layers that carry its calls.

use std::fmt;
use std::ops::Deref;

use c1_api::Client;

use crate::builder::C1Builder;
use crate::call::guard::{Guard, Guarded};
use crate::call::policy::RetryPolicy;
use crate::error::ConfigError;
use crate::identity::tenant::Tenant;

/// A client of one C1 tenant. It dereferences to [`c1_api::Client`], which has the operations.
///
/// Clones share everything: connections, the token, the limits and the retry budget.
///
/// Calls need a tokio runtime with I/O and timers
/// ([`enable_all`](https://docs.rs/tokio/latest/tokio/runtime/struct.Builder.html#method.enable_all)). Without a runtime they
/// fail with [`ErrorKind::NoRuntime`](crate::ErrorKind::NoRuntime); on one without I/O or timers tokio panics.
///
/// A client can serve several runtimes, and they share the token. But a connection belongs to the runtime that opened it, and
/// a call that gets a connection of a runtime which is not running waits until it runs. So where runtimes rest between
/// calls, as `block_on` of a current-thread runtime does, use a client for each of them, or one multi-thread runtime.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use c1_api_ext::C1;
///
/// // From the CONDUCTORONE_* variables:
/// let c1 = C1::from_env()?;
///
/// // Or from what you have at hand; the client id names the tenant:
/// let c1 = C1::builder()
///     .client_credentials("happy-otter-12345@acme.conductor.one/pcc", std::fs::read_to_string("secret")?)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct C1 {
    pub(crate) api: Client,
    pub(crate) tenant: Tenant,
}

impl C1 {
    /// A builder, to set tenant, credentials and everything else.
    pub fn builder() -> C1Builder {
        C1Builder::new()
    }

    /// The client that the environment variables describe: see [`C1Builder::from_env`].
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        C1Builder::from_env()?.build()
    }

    /// As [`from_env`](Self::from_env), with the variables read by `get`.
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable that is missing or wrong.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        C1Builder::from_vars(get)?.build()
    }

    /// The tenant.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The same client with another retry policy. It shares everything else with this one: connections, the token, the
    /// limits and the retry budget. For a single call, see [`RequestExt::retry`](crate::RequestExt::retry).
    ///
    /// ```no_run
    /// # use c1_api_ext::{C1, RetryPolicy};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let c1 = C1::from_env()?;
    /// let once = c1.with_retry(RetryPolicy::off());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_retry(&self, policy: RetryPolicy) -> Self {
        Self {
            api: self
                .api
                .with_options(self.api.options().clone().with(policy)),
            ..self.clone()
        }
    }

    /// The same client, limited to reads: every operation that is not [`Safety::Safe`](c1_api::Safety::Safe) is refused
    /// before anything is sent, with an error of the kind [`ErrorKind::NotSent`](crate::ErrorKind::NotSent). The limit
    /// cannot be lifted again.
    #[must_use]
    pub fn read_only(&self) -> Self {
        self.guarded(Guard::ReadOnly)
    }

    /// The same client, sending reads only: for every other operation the error has the request that would have been
    /// sent as an [`UnsentRequest`](crate::UnsentRequest).
    #[must_use]
    pub fn dry_run(&self) -> Self {
        self.guarded(Guard::DryRun)
    }

    fn guarded(&self, guard: Guard) -> Self {
        Self {
            api: Client::map_transport(&self.api, |inner| Guarded::new(inner, guard)),
            ..self.clone()
        }
    }
}

impl Deref for C1 {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.api
    }
}

/// Shows the tenant.
impl fmt::Debug for C1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("C1")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}
