//! The layers that a call passes through, put together.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use c1_api::{CallOptions, Transport};

use crate::auth::cache::TokenCache;
use crate::call::attempt::Attempt;
use crate::call::auth_transport::AuthTransport;
use crate::call::limits::{Limited, Limits};
use crate::call::metrics::Metrics;
use crate::call::policy::RetryPolicy;
use crate::call::retry::{Budget, Retry};
use crate::call::telemetry::Telemetry;
use crate::clock::Clock;
use crate::error::ConfigError;
use crate::http::PRODUCT;
use crate::identity::tenant::Tenant;
use crate::random::Random;

/// A page of a thousand messages of 32 KiB. Decoded, it takes at most 544 MiB.
const MAX_RESPONSE_BYTES: usize = 32 * 1024 * 1024;

type Layer = Box<dyn FnOnce(Box<dyn Transport>) -> Box<dyn Transport> + Send + Sync>;

/// The settings of the layers.
pub(crate) struct Settings {
    /// With which every call begins: retry policy, user agent, headers.
    pub(crate) options: CallOptions,
    pub(crate) limits: Limits,
    pub(crate) max_response_bytes: usize,
    pub(crate) metrics: Option<Arc<dyn Metrics>>,
    pub(crate) transport: Option<Box<dyn Transport>>,
    /// The last one is the outermost.
    pub(crate) layers: Vec<Layer>,
}

impl Settings {
    pub(crate) fn new() -> Self {
        Self {
            options: CallOptions::new()
                .with(RetryPolicy::new())
                .user_agent(PRODUCT),
            limits: Limits::new(),
            max_response_bytes: MAX_RESPONSE_BYTES,
            metrics: None,
            transport: None,
            layers: Vec::new(),
        }
    }

    /// The transport of a client. The order is that of a response; a request passes from the last line to the first.
    pub(crate) fn build(
        self,
        http: reqwest::Client,
        tenant: &Tenant,
        tokens: TokenCache,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Box<dyn Transport>, ConfigError> {
        let Self {
            limits,
            max_response_bytes,
            metrics,
            ..
        } = self;
        let budget = Budget::new();
        let inner = self.transport.unwrap_or_else(|| Box::new(http));
        let inner = AuthTransport::new(inner, tenant, tokens);
        let inner = Attempt::new(inner, clock.clone(), max_response_bytes);
        let inner = Limited::new(inner, &limits, clock.clone())?;
        let inner = Retry {
            inner,
            budget,
            clock: clock.clone(),
            random,
            metrics: metrics.clone(),
        };
        let inner = Telemetry {
            inner,
            clock,
            metrics,
        };
        let inner: Box<dyn Transport> = Box::new(inner);
        Ok(self
            .layers
            .into_iter()
            .fold(inner, |inner, layer| layer(inner)))
    }
}
