//! The builder of a client: who calls whom, how tokens are obtained, and how calls are made.

use std::fmt;
use std::sync::Arc;

use c1_api::{CallOptions, Client, Transport};
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
use crate::http::{self, PRODUCT};
use crate::identity::client_id::ClientId;
use crate::identity::client_secret::ClientSecret;
use crate::identity::tenant::Tenant;
use crate::random::{Random, SystemRandom};

/// Builds a [`C1`]. Of the setters that say how to obtain tokens, the last one counts.
///
/// Invalid values are reported by [`build`](Self::build), the first one if there are several.
#[must_use]
pub struct C1Builder {
    pub(crate) tenant: Option<Tenant>,
    /// The other variable of the environment that names the tenant.
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

/// The credentials that belong to a client id.
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

    /// The tenant, in any form that [`Tenant`] parses. Not needed with a client id, which names it.
    pub fn tenant<T>(mut self, tenant: T) -> Self
    where
        T: TryInto<Tenant>,
        ConfigError: From<T::Error>,
    {
        self.tenant = self.take(tenant);
        self
    }

    /// Obtains tokens with a client id and its secret, as C1 shows them when an API client is created: see
    /// [`SignedAssertion`].
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

    /// Obtains tokens by sending the client secret itself: see [`ClientSecretPost`]. Not needed for C1, which takes the
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

    /// Obtains tokens in exchange for those of another issuer (workload federation): see [`TokenExchange`]. `subject` is
    /// asked for a new one for each exchange.
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

    /// Binds the tokens to `key` (DPoP, RFC 9449), so that a stolen token is useless without the key. Works with every
    /// kind of credentials that has a client id.
    pub fn dpop(mut self, key: DpopKey) -> Self {
        self.dpop = Some(key);
        self
    }

    /// Allows the tenant to be on another host than the client id names: a gateway of your own, which then sees all
    /// credentials. Otherwise [`build`](Self::build) fails with [`ConfigError::OtherHost`].
    pub fn allow_other_host(mut self) -> Self {
        self.other_host = true;
        self
    }

    /// Uses this access token until the server refuses it.
    pub fn access_token(self, token: impl Into<AccessToken>) -> Self {
        self.token_source(token.into())
    }

    /// Obtains tokens from `source`, through a [`TokenCache`].
    pub fn token_source(mut self, source: impl TokenSource) -> Self {
        self.access = Some(Access::Source(Arc::new(source)));
        self
    }

    /// Sends all requests, token requests included, over this HTTP client. It must not follow redirects, which would carry
    /// credentials along: build it with [`http::client_builder`], or set [`reqwest::redirect::Policy::none`]. A call whose
    /// redirect was followed fails with [`ErrorKind::Redirect`](crate::ErrorKind::Redirect).
    pub fn http(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// Uses `clock` instead of the system clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Uses `random` instead of the random bytes of the operating system.
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// The retry policy of the client; [`RetryPolicy::off`] for no retries. A single call can have another by
    /// [`RequestExt::retry`](crate::RequestExt::retry).
    pub fn retry(self, policy: RetryPolicy) -> Self {
        self.options(|options| options.with(policy))
    }

    /// The limits of the client: how many calls run at once, 100 by default, and how many start per second.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// The largest response that is accepted, in decompressed bytes; 32 MiB by default. For a larger one the call fails
    /// with [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge), and also for one that would take more than 16 bytes of memory
    /// for each of its bytes, plus 32 MiB, when it is decoded.
    ///
    /// So with the default a response takes at most 32 MiB as it is read, and 544 MiB as the messages it is decoded to,
    /// whatever the server sends. While a long list is decoded, its elements may be copied to a larger block, which takes up to
    /// half as much for a moment. Usual responses take two or three times their size.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_response_bytes = bytes;
        self
    }

    /// Adds a product such as `my-tool/1.0` to the `User-Agent` of calls (RFC 9110, section 10.1.5), after that of this
    /// crate. The last one counts. The user agent of an HTTP client of your own is not sent.
    pub fn user_agent(self, product: impl Into<String>) -> Self {
        let product = format!("{PRODUCT} {}", product.into().trim());
        self.options(|options| options.user_agent(product))
    }

    /// Adds a header to every call of the API; not to token requests. For one name, the last value counts.
    ///
    /// [`build`](Self::build) fails with [`ConfigError::Header`] for an invalid header and for one that the client sets
    /// itself, such as `Authorization`, `DPoP` and `Host`.
    pub fn header(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.options(|options| options.header(name, value))
    }

    fn options(mut self, change: impl FnOnce(CallOptions) -> CallOptions) -> Self {
        self.settings.options = change(self.settings.options);
        self
    }

    /// Reports every call and every retry to `metrics`.
    pub fn metrics(mut self, metrics: impl Metrics) -> Self {
        self.settings.metrics = Some(Arc::new(metrics));
        self
    }

    /// Sends the requests of the API through `transport` instead of the HTTP client: to test without a server, for
    /// instance. All layers of this crate stay in place, and `transport` gets each attempt with its token; it must not
    /// follow redirects. Token requests still go over the HTTP client.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.settings.transport = Some(Box::new(transport));
        self
    }

    /// Puts a transport in front of all layers of this crate: `layer` makes it, and is given the one behind it. It sees
    /// each call once, without a token, and gets responses that are not a success as errors. A later layer is in front of
    /// an earlier one.
    pub fn layer<T: Transport>(
        mut self,
        layer: impl FnOnce(Box<dyn Transport>) -> T + Send + Sync + 'static,
    ) -> Self {
        self.settings
            .layers
            .push(Box::new(move |inner| Box::new(layer(inner))));
        self
    }

    /// Builds the client. Nothing is sent: the first call obtains a token.
    ///
    /// # Errors
    /// The first invalid value; no tenant or no credentials; client credentials of another tenant; an HTTP client that
    /// cannot be built.
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
        let options = self.settings.options.clone();
        options.headers().map_err(ConfigError::Header)?;
        let transport =
            self.settings
                .build(http.clone(), &tenant, tokens, self.clock, self.random)?;
        let api = Client::new(tenant.base_url(), http, transport).map_err(ConfigError::Client)?;
        Ok(C1 {
            api: api.with_options(options),
            tenant,
        })
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

/// Credentials go only to the host that they belong to. The port does not matter, as in the audience of an assertion.
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
        // The first error is reported, and a valid value afterwards does not hide it.
        let bad = C1::builder()
            .client_credentials("canary", "canary")
            .tenant("")
            .client_credentials(client_id(), secret());
        assert!(matches!(refused(bad), E::ClientId(ClientIdError::At)));
    }
}
