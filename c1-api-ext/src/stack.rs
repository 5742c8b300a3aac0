//! What a call passes through on its way, and the settings of the builder that concern it.
//!
//! ```text
//! the user's layers ▶ Telemetry ▶ Retry ▶ Limited ▶ Attempt ▶ AuthTransport ▶ Headers ▶ HTTP, or the user's transport
//!                     once a call ─────┤ └ once a try
//! ```

use std::sync::Arc;

use c1_api::Transport;

use crate::{
    attempt::Attempt,
    client::{C1, C1Builder, ConfigError},
    clock::Clock,
    headers::{Extra, Headers},
    limits::{Limited, Limiter, Limits},
    random::Random,
    retry::{Budget, Retry, RetryPolicy},
    telemetry::{Metrics, Telemetry},
    tenant::Tenant,
    token::cache::TokenCache,
    transport::AuthTransport,
};

/// Messages are small; only reports and exports get anywhere near.
const MAX_RESPONSE_BYTES: usize = 256 * 1024 * 1024;

type Layer = Arc<dyn Fn(Box<dyn Transport>) -> Box<dyn Transport> + Send + Sync>;

/// The settings.
pub(crate) struct Settings {
    policy: RetryPolicy,
    limits: Limits,
    max_response_bytes: usize,
    extra: Extra,
    metrics: Option<Arc<dyn Metrics>>,
    transport: Option<Arc<dyn Transport>>,
    /// The last one goes in front.
    layers: Vec<Layer>,
}

impl Settings {
    pub(crate) fn new() -> Self {
        Self {
            policy: RetryPolicy::new(),
            limits: Limits::new(),
            max_response_bytes: MAX_RESPONSE_BYTES,
            extra: Extra::new(),
            metrics: None,
            transport: None,
            layers: Vec::new(),
        }
    }

    pub(crate) fn build(
        self,
        http: reqwest::Client,
        tenant: &Tenant,
        tokens: TokenCache,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Stack, ConfigError> {
        let limiter = Limiter::new(&self.limits, clock.clone())?;
        let bottom = self.transport.unwrap_or_else(|| Arc::new(http));
        let auth = AuthTransport::new(Headers::new(bottom, self.extra), tenant, tokens);
        let attempt = Attempt::new(Arc::new(auth), clock.clone(), self.max_response_bytes);
        Ok(Stack {
            policy: self.policy,
            inner: Limited::new(Arc::new(limiter), attempt),
            budget: Arc::new(Budget::new()),
            clock,
            random,
            metrics: self.metrics,
            layers: self.layers,
        })
    }
}

/// What all clones of a client share, whatever their retry policies.
pub(crate) struct Stack {
    policy: RetryPolicy,
    inner: Limited,
    budget: Arc<Budget>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    metrics: Option<Arc<dyn Metrics>>,
    layers: Vec<Layer>,
}

impl Stack {
    /// All layers, repeating as the client does.
    pub(crate) fn transport(&self) -> Box<dyn Transport> {
        self.with_policy(self.policy.clone())
    }

    fn with_policy(&self, policy: RetryPolicy) -> Box<dyn Transport> {
        let retry = Retry {
            policy,
            inner: self.inner.clone(),
            budget: self.budget.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            metrics: self.metrics.clone(),
        };
        let ours = Box::new(Telemetry {
            inner: retry,
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
        });
        let put = |inner, layer: &Layer| layer(inner);
        self.layers.iter().fold(ours as Box<dyn Transport>, put)
    }
}

/// How calls are made.
impl C1 {
    /// The same client with another retry policy, for one call or more. It shares all else with this one: connections,
    /// the token, the limits and the retry budget.
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
        self.through(self.stack().with_policy(policy))
    }
}

/// How calls are made.
impl C1Builder {
    /// What is tried again, how often and when; [`RetryPolicy::off`] for nothing. Single calls can do otherwise by
    /// [`C1::with_retry`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings().policy = policy;
        self
    }

    /// How many calls are made at once and in a second.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings().limits = limits;
        self
    }

    /// How many bytes an answer may have, decompressed; 256 MiB unless told otherwise. A larger one is an error of the
    /// kind [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge).
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.settings().max_response_bytes = bytes;
        self
    }

    /// Adds a product to the `User-Agent` (RFC 9110, section 10.1.5) of calls, behind ours: `my-tool/1.0`. The last one
    /// counts. A user agent of an HTTP client of your own is not sent.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        let result = self.settings().extra.user_agent(&product.into());
        self.note(result)
    }

    /// Adds a header to every call of the API, not to requests for tokens. Of one name, the last value counts.
    ///
    /// [`build`](Self::build) refuses a header that is the client's to set, `Authorization`, `DPoP` and `Host` above
    /// all, by [`ConfigError::Header`].
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let result = self.settings().extra.header(name.as_ref(), value.as_ref());
        self.note(result)
    }

    /// Tells `metrics` of every call and every repetition.
    pub fn metrics(mut self, metrics: impl Metrics) -> Self {
        self.settings().metrics = Some(Arc::new(metrics));
        self
    }

    /// Sends the requests of the API through `transport` in place of the HTTP client: a test's own head, say. All that
    /// this crate does is still done, and `transport` gets each try with its token; it must follow no redirects.
    /// Requests for tokens still go over the HTTP client.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.settings().transport = Some(Arc::new(transport));
        self
    }

    /// Puts a transport in front of all that this crate does: `layer` makes it, and is given the one behind it. It sees
    /// each call once, without a token, and gets answers that are no success as errors. A later layer goes in front of
    /// an earlier one.
    ///
    /// `layer` is called again by [`C1::with_retry`]: what its transports share belongs into an [`Arc`].
    pub fn layer<T: Transport>(
        mut self,
        layer: impl Fn(Box<dyn Transport>) -> T + Send + Sync + 'static,
    ) -> Self {
        self.settings()
            .layers
            .push(Arc::new(move |inner| Box::new(layer(inner))));
        self
    }
}

#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
