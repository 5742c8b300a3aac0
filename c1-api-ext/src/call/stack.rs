//! What a call passes through on its way, and the settings of the builder that concern it.
//!
//! ```text
//! the user's layers ▶ Telemetry ▶ Retry ▶ Limited ▶ Attempt ▶ AuthTransport ▶ Headers ▶ HTTP, or the user's transport
//!                     once a call ─────┤ └ once a try
//! ```

use std::sync::Arc;

use c1_api::Transport;

use crate::auth::cache::TokenCache;
use crate::call::attempt::Attempt;
use crate::call::auth_transport::AuthTransport;
use crate::call::headers::{Extra, Headers};
use crate::call::limits::{Limited, Limiter, Limits};
use crate::call::metrics::Metrics;
use crate::call::policy::RetryPolicy;
use crate::call::retry::{Budget, Retry};
use crate::call::telemetry::Telemetry;
use crate::clock::Clock;
use crate::error::ConfigError;
use crate::identity::tenant::Tenant;
use crate::random::Random;

/// Messages are small; only reports and exports get anywhere near.
const MAX_RESPONSE_BYTES: usize = 256 * 1024 * 1024;

pub(crate) type Layer = Arc<dyn Fn(Box<dyn Transport>) -> Box<dyn Transport> + Send + Sync>;

/// The settings.
pub(crate) struct Settings {
    pub(crate) policy: RetryPolicy,
    pub(crate) limits: Limits,
    pub(crate) max_response_bytes: usize,
    pub(crate) extra: Extra,
    pub(crate) metrics: Option<Arc<dyn Metrics>>,
    pub(crate) transport: Option<Arc<dyn Transport>>,
    /// The last one goes in front.
    pub(crate) layers: Vec<Layer>,
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

    pub(crate) fn with_policy(&self, policy: RetryPolicy) -> Box<dyn Transport> {
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
