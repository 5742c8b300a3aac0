//! The builder of a client: who calls whom, how tokens are obtained, and how calls are made.

use std::fmt;
use std::sync::Arc;

use c1_api::{Client, Transport};
use zeroize::Zeroizing;

use crate::auth::assertion::SignedAssertion;
use crate::auth::cache::TokenCache;
use crate::auth::client_secret_post::ClientSecretPost;
use crate::auth::dpop::DpopKey;
use crate::auth::endpoint::TokenEndpoint;
#[cfg(feature = "federation")]
use crate::auth::exchange::TokenExchange;
#[cfg(feature = "federation")]
use crate::auth::subject_token::SubjectTokenSource;
use crate::auth::token::{AccessToken, TokenSource};
use crate::call::limits::Limits;
use crate::call::metrics::Metrics;
use crate::call::policy::RetryPolicy;
use crate::call::stack::Settings;
use crate::client::C1;
use crate::clock::{Clock, SystemClock};
use crate::error::ConfigError;
use crate::http;
use crate::identity::client_id::ClientId;
use crate::identity::client_secret::ClientSecret;
use crate::identity::tenant::Tenant;
use crate::random::{Random, SystemRandom};

/// Puts a [`C1`] together. Of the setters that say how to get tokens, the last one called counts.
///
/// A value that cannot be read is remembered: [`build`](Self::build) returns the first such error.
#[must_use]
pub struct C1Builder {
    pub(crate) tenant: Option<Tenant>,
    /// Another name that the environment has for the tenant.
    pub(crate) alias: Option<Tenant>,
    other_host: bool,
    access: Option<Access>,
    dpop: Option<DpopKey>,
    http: Option<reqwest::Client>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    settings: Settings,
    error: Option<ConfigError>,
}

enum Access {
    Source(Arc<dyn TokenSource>),
    Grant(ClientId, Grant),
}

/// What a client id comes with: how the token endpoint is asked.
enum Grant {
    SignedAssertion(ClientSecret),
    ClientSecretPost(Zeroizing<String>),
    #[cfg(feature = "federation")]
    TokenExchange(Arc<dyn SubjectTokenSource>),
}

impl Grant {
    fn source(self, endpoint: TokenEndpoint, id: ClientId) -> Arc<dyn TokenSource> {
        match self {
            Self::SignedAssertion(secret) => Arc::new(SignedAssertion::new(endpoint, id, secret)),
            Self::ClientSecretPost(secret) => {
                Arc::new(ClientSecretPost::new(endpoint, id, secret.as_str()))
            }
            #[cfg(feature = "federation")]
            Self::TokenExchange(subject) => Arc::new(TokenExchange::new(endpoint, id, subject)),
        }
    }
}

impl C1Builder {
    pub(crate) fn new() -> Self {
        Self {
            tenant: None,
            alias: None,
            other_host: false,
            access: None,
            dpop: None,
            http: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            settings: Settings::new(),
            error: None,
        }
    }

    /// The tenant, in any form that [`Tenant`] reads. Not needed with a client id, which names it.
    pub fn tenant<T>(mut self, tenant: T) -> Self
    where
        T: TryInto<Tenant>,
        ConfigError: From<T::Error>,
    {
        self.tenant = self.take(tenant);
        self
    }

    /// Gets tokens with a client id and its secret, as C1 shows them when an API client is made.
    pub fn client_credentials<I, S>(mut self, client_id: I, client_secret: S) -> Self
    where
        I: TryInto<ClientId>,
        S: TryInto<ClientSecret>,
        ConfigError: From<I::Error> + From<S::Error>,
    {
        let id = self.take(client_id);
        let secret = self.take(client_secret);
        self.access = id
            .zip(secret)
            .map(|(id, secret)| Access::Grant(id, Grant::SignedAssertion(secret)));
        self
    }

    /// Gets tokens by sending the client secret itself: see [`ClientSecretPost`]. Not needed for C1, which takes the
    /// signed assertion of [`client_credentials`](Self::client_credentials).
    pub fn client_secret_post<I>(mut self, client_id: I, client_secret: impl Into<String>) -> Self
    where
        I: TryInto<ClientId>,
        ConfigError: From<I::Error>,
    {
        let secret = Zeroizing::new(client_secret.into());
        let id = self.take(client_id);
        self.access = id.map(|id| Access::Grant(id, Grant::ClientSecretPost(secret)));
        self
    }

    /// Gets tokens in exchange for those of another issuer (workload federation): see [`TokenExchange`]. `subject` is
    /// asked for one whenever a token is needed.
    ///
    /// ```
    /// use c1_api_ext::{C1, TokenFile};
    ///
    /// let c1 = C1::builder().token_exchange(
    ///     "happy-otter-12345@acme.conductor.one/wfe",
    ///     TokenFile::new("/var/run/secrets/tokens/c1"),
    /// );
    /// # c1.build().unwrap();
    /// ```
    #[cfg(feature = "federation")]
    pub fn token_exchange<I>(mut self, client_id: I, subject: impl SubjectTokenSource) -> Self
    where
        I: TryInto<ClientId>,
        ConfigError: From<I::Error>,
    {
        let id = self.take(client_id);
        self.access = id.map(|id| Access::Grant(id, Grant::TokenExchange(Arc::new(subject))));
        self
    }

    /// Binds the tokens to `key` (DPoP, RFC 9449): nobody who gets hold of one can use it without the key. For the
    /// ways to get tokens that have a client id.
    pub fn dpop(mut self, key: DpopKey) -> Self {
        self.dpop = Some(key);
        self
    }

    /// Lets the tenant be on another host than the client id names: a gateway of your own, which then sees every
    /// credential. Otherwise [`build`](Self::build) refuses it.
    pub fn allow_other_host(mut self) -> Self {
        self.other_host = true;
        self
    }

    /// Uses this access token until the server refuses it.
    pub fn access_token(self, token: impl Into<AccessToken>) -> Self {
        self.token_source(token.into())
    }

    /// Gets tokens from `source`, through a [`TokenCache`].
    pub fn token_source(mut self, source: impl TokenSource) -> Self {
        self.access = Some(Access::Source(Arc::new(source)));
        self
    }

    /// Sends everything, requests for tokens as well, over this client. It must not follow redirects, or credentials
    /// could go along: begin it with [`http::client_builder`], or set [`reqwest::redirect::Policy::none`].
    pub fn http(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// Tells the time by `clock` in place of the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Takes random bytes from `random` in place of the system's generator.
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// What is tried again, how often and when; [`RetryPolicy::off`] for nothing. Single calls can do otherwise by
    /// [`C1::with_retry`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// How many calls are made at once and in a second.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// How many bytes an answer may have, decompressed; 256 MiB unless told otherwise. A larger one is an error of the
    /// kind [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge).
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_response_bytes = bytes;
        self
    }

    /// Adds a product to the `User-Agent` (RFC 9110, section 10.1.5) of calls, behind ours: `my-tool/1.0`. The last one
    /// counts. A user agent of an HTTP client of your own is not sent.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        let result = self.settings.extra.user_agent(&product.into());
        self.note(result)
    }

    /// Adds a header to every call of the API, not to requests for tokens. Of one name, the last value counts.
    ///
    /// [`build`](Self::build) refuses a header that is the client's to set, `Authorization`, `DPoP` and `Host` above
    /// all, by [`ConfigError::Header`].
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let result = self.settings.extra.header(name.as_ref(), value.as_ref());
        self.note(result)
    }

    /// Tells `metrics` of every call and every repetition.
    pub fn metrics(mut self, metrics: impl Metrics) -> Self {
        self.settings.metrics = Some(Arc::new(metrics));
        self
    }

    /// Sends the requests of the API through `transport` in place of the HTTP client: a test's own head, say. All that
    /// this crate does is still done, and `transport` gets each try with its token; it must follow no redirects.
    /// Requests for tokens still go over the HTTP client.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.settings.transport = Some(Arc::new(transport));
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
        self.settings
            .layers
            .push(Arc::new(move |inner| Box::new(layer(inner))));
        self
    }

    /// The client. Nothing is sent yet: the first call asks for a token.
    ///
    /// # Errors
    /// The first value that could not be read; no tenant or no way to get tokens; client credentials of another
    /// tenant; an HTTP client that cannot be made.
    pub fn build(self) -> Result<C1, ConfigError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let access = self.access.ok_or(ConfigError::NoCredentials)?;
        let named = match &access {
            Access::Grant(id, _) => Some(id.tenant()),
            Access::Source(_) => None,
        };
        let tenant = self.tenant.as_ref().or(named);
        let tenant = tenant.ok_or(ConfigError::NoTenant)?.clone();
        if !self.other_host {
            for other in named.into_iter().chain(&self.alias) {
                same_host(&tenant, other)?;
            }
        }
        let http = match self.http {
            Some(http) => http,
            None => http::client(&tenant)?,
        };
        let source = match access {
            Access::Source(_) if self.dpop.is_some() => return Err(ConfigError::NotBindable),
            Access::Source(source) => source,
            Access::Grant(id, grant) => {
                let mut endpoint = TokenEndpoint::new(http.clone(), &tenant)
                    .clock(self.clock.clone())
                    .random(self.random.clone());
                if let Some(key) = self.dpop {
                    endpoint = endpoint.dpop(key);
                }
                grant.source(endpoint, id)
            }
        };
        let tokens = TokenCache::new(source)
            .clock(self.clock.clone())
            .random(self.random.clone());
        let settings = self.settings;
        let stack = settings.build(http.clone(), &tenant, tokens, self.clock, self.random)?;
        let api =
            Client::new(tenant.base_url(), http, stack.transport()).map_err(ConfigError::Client)?;
        Ok(C1 {
            api,
            tenant,
            stack: Arc::new(stack),
        })
    }

    /// Remembers the first error.
    fn note(mut self, result: Result<(), ConfigError>) -> Self {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
        self
    }

    fn take<V, T>(&mut self, value: V) -> Option<T>
    where
        V: TryInto<T>,
        ConfigError: From<V::Error>,
    {
        match value.try_into() {
            Ok(value) => Some(value),
            Err(error) => {
                self.error.get_or_insert(error.into());
                None
            }
        }
    }
}

impl fmt::Debug for C1Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("C1Builder")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

/// Credentials go only to the host that they belong to. The port is no matter, nor is it for the audience of an
/// assertion.
fn same_host(tenant: &Tenant, other: &Tenant) -> Result<(), ConfigError> {
    if tenant.host() == other.host() {
        return Ok(());
    }
    Err(ConfigError::OtherHost {
        tenant: tenant.host().to_owned(),
        other: other.host().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::client_id::ClientIdError;
    use crate::testing::{assert_debug_is_clean, assert_no_secret, client_id, secret, shown};

    const ID: &str = "otter@acme.conductor.one/pcc";

    #[test]
    fn the_builder_takes_text_or_what_was_read_already() {
        let c1 = C1::builder()
            .client_credentials(client_id(), secret())
            .build()
            .expect("a client");
        assert_eq!(c1.tenant(), client_id().tenant());
        let builder = C1::builder()
            .tenant("acme")
            .client_credentials(ID, secret().expose().as_str());
        assert_debug_is_clean(&builder);
        assert!(builder.build().is_ok());
        assert!(
            C1::builder()
                .access_token("canary")
                .tenant(c1.tenant().clone())
                .build()
                .is_ok()
        );
    }

    #[test]
    fn the_builder_refuses_what_is_incomplete_or_does_not_fit() {
        use ConfigError as E;
        let refused = |builder: C1Builder| {
            let error = builder.build().expect_err("must be refused");
            assert_no_secret(&shown(&error));
            error
        };
        assert!(matches!(refused(C1::builder()), E::NoCredentials));
        assert!(matches!(
            refused(C1::builder().tenant("acme")),
            E::NoCredentials
        ));
        assert!(matches!(
            refused(C1::builder().access_token("canary")),
            E::NoTenant
        ));
        let other = C1::builder()
            .tenant("other")
            .client_credentials(client_id(), secret());
        assert!(matches!(refused(other), E::OtherHost { .. }));
        let gateway = |builder: C1Builder| {
            builder
                .tenant("https://gateway.example")
                .client_credentials(client_id(), secret())
        };
        assert!(matches!(
            refused(gateway(C1::builder())),
            E::OtherHost { .. }
        ));
        let c1 = gateway(C1::builder().allow_other_host()).build();
        assert_eq!(c1.expect("allowed").base_url(), "https://gateway.example");
        let key = DpopKey::ed25519_from_seed(&[0x41; 32]);
        let unbound = C1::builder()
            .tenant("acme")
            .access_token("canary")
            .dpop(key);
        assert!(matches!(refused(unbound), E::NotBindable));
        // The first error is the one that is told, and a good value afterwards does not hide it.
        let bad = C1::builder()
            .client_credentials("canary", "canary")
            .tenant("")
            .client_credentials(client_id(), secret());
        assert!(matches!(refused(bad), E::ClientId(ClientIdError::At)));
    }
}
