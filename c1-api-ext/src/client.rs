//! The C1 client: a tenant, a way to get tokens and the generated API on top of them.

use std::{error::Error as StdError, fmt, ops::Deref, sync::Arc};

use c1_api::{Client, Error, Transport};
use zeroize::Zeroizing;

use crate::{
    client_id::{ClientId, ClientIdError},
    client_secret::{ClientSecret, ClientSecretError},
    clock::{Clock, SystemClock},
    http,
    random::{Random, SystemRandom},
    stack::{Settings, Stack},
    tenant::{Tenant, TenantError},
    token::{
        AccessToken, TokenSource,
        assertion::SignedAssertion,
        cache::TokenCache,
        client_secret_post::ClientSecretPost,
        dpop::DpopKey,
        endpoint::TokenEndpoint,
        exchange::TokenExchange,
        subject_token::{EnvVariable, SubjectToken, SubjectTokenSource},
    },
};

const ACCESS_TOKEN: &str = "CONDUCTORONE_ACCESS_TOKEN";
const OIDC_TOKEN: &str = "CONDUCTORONE_OIDC_TOKEN";
const CLIENT_ID: &str = "CONDUCTORONE_CLIENT_ID";
const CLIENT_SECRET: &str = "CONDUCTORONE_CLIENT_SECRET";
const TENANT_DOMAIN: &str = "CONDUCTORONE_TENANT_DOMAIN";
const SERVER_URL: &str = "CONDUCTORONE_SERVER_URL";

/// A client of one C1 tenant. It dereferences to [`c1_api::Client`], which has the operations.
///
/// Clones share everything: connections, the token, the limits and the retry budget.
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
    api: Client,
    tenant: Tenant,
    stack: Arc<Stack>,
}

impl C1 {
    /// Begins a client from values at hand.
    pub fn builder() -> C1Builder {
        C1Builder::new()
    }

    /// The client that the environment describes: see [`C1Builder::from_env`].
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

    /// The tenant that it speaks to.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    pub(crate) fn stack(&self) -> &Stack {
        &self.stack
    }

    pub(crate) fn through(&self, transport: impl Transport) -> Self {
        Self {
            api: self.api.with_transport(transport),
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

/// Puts a [`C1`] together. Of the setters that say how to get tokens, the last one called counts.
///
/// A value that cannot be read is remembered: [`build`](Self::build) returns the first such error.
#[must_use]
pub struct C1Builder {
    tenant: Option<Tenant>,
    /// Another name that the environment has for the tenant.
    alias: Option<Tenant>,
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
    TokenExchange(Arc<dyn SubjectTokenSource>),
}

impl Grant {
    fn source(self, endpoint: TokenEndpoint, id: ClientId) -> Arc<dyn TokenSource> {
        match self {
            Self::SignedAssertion(secret) => Arc::new(SignedAssertion::new(endpoint, id, secret)),
            Self::ClientSecretPost(secret) => {
                Arc::new(ClientSecretPost::new(endpoint, id, secret.as_str()))
            }
            Self::TokenExchange(subject) => Arc::new(TokenExchange::new(endpoint, id, subject)),
        }
    }
}

impl C1Builder {
    fn new() -> Self {
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

    /// What the environment variables that C1's own tools read describe.
    ///
    /// | variable | |
    /// | --- | --- |
    /// | `CONDUCTORONE_ACCESS_TOKEN` | an access token, used as it is |
    /// | `CONDUCTORONE_OIDC_TOKEN` | a token of another issuer, exchanged for C1's; with the client id of the trust |
    /// | `CONDUCTORONE_CLIENT_ID`, `CONDUCTORONE_CLIENT_SECRET` | a client id and its secret |
    /// | `CONDUCTORONE_SERVER_URL`, `CONDUCTORONE_TENANT_DOMAIN` | the tenant, in any form that [`Tenant`] reads; needed unless the client id is there to name it |
    ///
    /// The first of the first three that is set counts. White space around a value is dropped; a value that is then
    /// empty is as good as not set.
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        // What is not Unicode is no valid value either; read like this, it is refused and not taken as missing.
        let get =
            |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self::read_vars(get, |_| EnvVariable::new(OIDC_TOKEN))
    }

    /// As [`from_env`](Self::from_env), with the variables read by `get`.
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable that is missing or wrong.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::read_vars(get, SubjectToken::new)
    }

    /// `oidc` is where the subject token comes from, given what it is now.
    fn read_vars<S: SubjectTokenSource>(
        get: impl Fn(&str) -> Option<String>,
        oidc: impl FnOnce(String) -> S,
    ) -> Result<Self, ConfigError> {
        let get = |name| {
            let value = get(name)?.trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        let client_id: Option<ClientId> = read(CLIENT_ID, get(CLIENT_ID))?;
        let server: Option<Tenant> = read(SERVER_URL, get(SERVER_URL))?;
        let domain: Option<Tenant> = read(TENANT_DOMAIN, get(TENANT_DOMAIN))?;

        let mut builder = Self::new();
        builder.alias = server.is_some().then(|| domain.clone()).flatten();
        builder.tenant = server
            .or(domain)
            .or_else(|| client_id.as_ref().map(|id| id.tenant().clone()));
        if let Some(token) = get(ACCESS_TOKEN) {
            if builder.tenant.is_none() {
                return Err(ConfigError::MissingVariable {
                    missing: TENANT_DOMAIN,
                    given: ACCESS_TOKEN,
                });
            }
            return Ok(builder.access_token(token));
        }
        if let Some(token) = get(OIDC_TOKEN) {
            let id = client_id.ok_or(ConfigError::MissingVariable {
                missing: CLIENT_ID,
                given: OIDC_TOKEN,
            })?;
            return Ok(builder.token_exchange(id, oidc(token)));
        }
        let secret: Option<ClientSecret> = read(CLIENT_SECRET, get(CLIENT_SECRET))?;
        match (client_id, secret) {
            (Some(id), Some(secret)) => Ok(builder.client_credentials(id, secret)),
            (Some(_), None) => Err(ConfigError::MissingVariable {
                missing: CLIENT_SECRET,
                given: CLIENT_ID,
            }),
            (None, Some(_)) => Err(ConfigError::MissingVariable {
                missing: CLIENT_ID,
                given: CLIENT_SECRET,
            }),
            (None, None) => Err(ConfigError::NoCredentials),
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

    pub(crate) fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Remembers the first error.
    pub(crate) fn note(mut self, result: Result<(), ConfigError>) -> Self {
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

/// The value of a variable as what it is to be.
fn read<T>(variable: &'static str, value: Option<String>) -> Result<Option<T>, ConfigError>
where
    T: TryFrom<String>,
    ConfigError: From<T::Error>,
{
    value
        .map(T::try_from)
        .transpose()
        .map_err(|error| ConfigError::Variable {
            variable,
            source: Box::new(error.into()),
        })
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

/// Why there is no client. It never holds a credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Nothing says which tenant is meant; there is no default.
    #[error("no tenant: set {TENANT_DOMAIN}, or give the builder a tenant or a client id")]
    NoTenant,
    /// Nothing says how to get a token.
    #[error(
        "no credentials: set {CLIENT_ID} and {CLIENT_SECRET}, or {ACCESS_TOKEN}, or give the builder a way to get tokens"
    )]
    NoCredentials,
    /// One variable is set without another that it needs.
    #[error("{given} is set, but {missing} is not")]
    MissingVariable {
        /// The variable that is not set.
        missing: &'static str,
        /// The variable that needs it.
        given: &'static str,
    },
    /// A variable has a value that cannot be read.
    #[error("{variable}: {source}")]
    Variable {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with its value.
        source: Box<ConfigError>,
    },
    /// A DPoP key is given, but tokens come from elsewhere, where they cannot be bound to it.
    #[error("a DPoP key, but no client id: a token that is given cannot be bound to it")]
    NotBindable,
    /// The tenant is one host, the credentials or another setting name another.
    #[error(
        "the tenant is {tenant}, but {other} is named as well: credentials go only to the host they belong to"
    )]
    OtherHost {
        /// The tenant's host.
        tenant: String,
        /// The other host.
        other: String,
    },
    /// The tenant cannot be read.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The client id cannot be read.
    #[error(transparent)]
    ClientId(#[from] ClientIdError),
    /// The client secret cannot be read.
    #[error(transparent)]
    ClientSecret(#[from] ClientSecretError),
    /// The crate was built without TLS, and no HTTP client was given.
    #[error("no TLS: turn on a TLS feature of c1-api-ext, or give the builder an HTTP client")]
    NoTls,
    /// The HTTP client's TLS cannot be set up.
    #[error("the HTTP client cannot be made: {0}")]
    Tls(#[source] Box<dyn StdError + Send + Sync>),
    /// A header that cannot be added to calls.
    #[error("the header `{name}` cannot be set: {reason}")]
    Header {
        /// The header's name; empty if that is what is wrong.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Limits that let nothing pass.
    #[error("the limits cannot be kept: {0}")]
    Limits(&'static str),
    /// The generated client refuses the tenant's address.
    #[error(transparent)]
    Client(Error),
}

/// What is already a [`Tenant`], say, converts without error.
impl From<std::convert::Infallible> for ConfigError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_debug_is_clean, assert_no_secret, client_id, secret, shown};

    const ID: &str = "otter@acme.conductor.one/pcc";

    fn from_vars(vars: &[(&str, &str)]) -> Result<C1, ConfigError> {
        C1::from_vars(|name| {
            vars.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_complete_environment_names_a_tenant() {
        let secret = secret().expose();
        let padded = format!(" {}\n", *secret);
        for (vars, base) in [
            (
                &[(CLIENT_ID, ID), (CLIENT_SECRET, secret.as_str())][..],
                "https://acme.conductor.one",
            ),
            (
                &[
                    (CLIENT_ID, ID),
                    (CLIENT_SECRET, &padded),
                    (ACCESS_TOKEN, " "),
                ],
                "https://acme.conductor.one",
            ),
            (
                &[
                    (CLIENT_ID, ID),
                    (CLIENT_SECRET, &secret),
                    (TENANT_DOMAIN, "acme"),
                ],
                "https://acme.conductor.one",
            ),
            (
                &[
                    (CLIENT_ID, ID),
                    (CLIENT_SECRET, &secret),
                    (SERVER_URL, "https://acme.conductor.one:8443"),
                ],
                "https://acme.conductor.one:8443",
            ),
            (
                &[(ACCESS_TOKEN, "canary"), (TENANT_DOMAIN, "acme.c1eu.ai")],
                "https://acme.c1eu.ai",
            ),
            (
                &[
                    (ACCESS_TOKEN, "canary"),
                    (SERVER_URL, "http://127.0.0.1:8080/"),
                ],
                "http://127.0.0.1:8080",
            ),
            (
                &[(ACCESS_TOKEN, "canary"), (CLIENT_ID, ID)],
                "https://acme.conductor.one",
            ),
            (
                &[(OIDC_TOKEN, "canary"), (CLIENT_ID, ID)],
                "https://acme.conductor.one",
            ),
            // The access token comes first, whatever else there is.
            (
                &[
                    (ACCESS_TOKEN, "canary"),
                    (OIDC_TOKEN, "canary"),
                    (CLIENT_SECRET, "canary"),
                    (TENANT_DOMAIN, "acme"),
                ],
                "https://acme.conductor.one",
            ),
        ] {
            let c1 = from_vars(vars).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(c1.tenant().base_url(), base);
            assert_eq!(c1.base_url(), base);
            assert_debug_is_clean(&c1);
        }
    }

    #[test]
    fn every_incomplete_environment_names_what_is_missing() {
        let secret = secret().expose();
        let public_only = "secret-token:conductorone.com:v1:e30";
        for (vars, message) in [
            (
                &[][..],
                "no credentials: set CONDUCTORONE_CLIENT_ID and CONDUCTORONE_CLIENT_SECRET",
            ),
            (
                &[(TENANT_DOMAIN, "acme")],
                "no credentials: set CONDUCTORONE_CLIENT_ID",
            ),
            (
                &[(CLIENT_ID, ID)],
                "CONDUCTORONE_CLIENT_ID is set, but CONDUCTORONE_CLIENT_SECRET is not",
            ),
            (
                &[(CLIENT_ID, ID), (CLIENT_SECRET, " ")],
                "CONDUCTORONE_CLIENT_ID is set, but CONDUCTORONE_CLIENT_SECRET is not",
            ),
            (
                &[(CLIENT_SECRET, secret.as_str())],
                "CONDUCTORONE_CLIENT_SECRET is set, but CONDUCTORONE_CLIENT_ID is not",
            ),
            (
                &[(ACCESS_TOKEN, "canary")],
                "CONDUCTORONE_ACCESS_TOKEN is set, but CONDUCTORONE_TENANT_DOMAIN is not",
            ),
            (
                &[(OIDC_TOKEN, "canary"), (TENANT_DOMAIN, "acme")],
                "CONDUCTORONE_OIDC_TOKEN is set, but CONDUCTORONE_CLIENT_ID is not",
            ),
            (
                &[(ACCESS_TOKEN, "canary"), (TENANT_DOMAIN, "canary canary")],
                "CONDUCTORONE_TENANT_DOMAIN: not a tenant name",
            ),
            (
                &[
                    (ACCESS_TOKEN, "canary"),
                    (SERVER_URL, "http://canary.example"),
                ],
                "CONDUCTORONE_SERVER_URL: not a tenant's URL: expected https",
            ),
            (
                &[(CLIENT_ID, "canary"), (CLIENT_SECRET, &secret)],
                "CONDUCTORONE_CLIENT_ID: not a client id",
            ),
            // Each in the other's place.
            (
                &[(CLIENT_ID, &secret), (CLIENT_SECRET, ID)],
                "CONDUCTORONE_CLIENT_ID: not a client id",
            ),
            (
                &[(CLIENT_ID, ID), (CLIENT_SECRET, public_only)],
                "CONDUCTORONE_CLIENT_SECRET: not a client secret: expected a key of type OKP",
            ),
            (
                &[
                    (CLIENT_ID, ID),
                    (CLIENT_SECRET, &secret),
                    (TENANT_DOMAIN, "other"),
                ],
                "the tenant is other.conductor.one, but acme.conductor.one is named",
            ),
            (
                &[
                    (ACCESS_TOKEN, "canary"),
                    (SERVER_URL, "https://evil.example"),
                    (TENANT_DOMAIN, "acme"),
                ],
                "the tenant is evil.example, but acme.conductor.one is named",
            ),
        ] {
            let error = from_vars(vars).expect_err(message);
            assert!(error.to_string().starts_with(message), "{error}");
            assert_no_secret(&shown(&error));
        }
    }

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
