//! Errors of the configuration.

use std::error::Error as StdError;

use c1_api::Error;

use crate::identity::client_id::ClientIdError;
use crate::identity::client_secret::ClientSecretError;
use crate::identity::tenant::TenantError;

/// Why a client cannot be built. It never contains a credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The tenant is not set; there is no default.
    #[error(
        "no tenant: set CONDUCTORONE_TENANT_DOMAIN, or give the builder a tenant or a client id"
    )]
    NoTenant,
    /// There are no credentials.
    #[error(
        "no credentials: set CONDUCTORONE_CLIENT_ID and CONDUCTORONE_CLIENT_SECRET, or CONDUCTORONE_ACCESS_TOKEN, or give the builder credentials or a token source"
    )]
    NoCredentials,
    /// A variable is set without another that it needs.
    #[error("{given} is set, but {missing} is not")]
    MissingVariable {
        /// The variable that is not set.
        missing: &'static str,
        /// The variable that needs it.
        given: &'static str,
    },
    /// A variable is set that needs a feature of this crate.
    #[error("{variable} is set, but c1-api-ext was built without its feature `{feature}`")]
    MissingFeature {
        /// The variable that needs it.
        variable: &'static str,
        /// The cargo feature to enable.
        feature: &'static str,
    },
    /// A variable has an invalid value.
    #[error("{variable}: {source}")]
    Variable {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with its value.
        source: Box<ConfigError>,
    },
    /// A DPoP key is set, but tokens come from a source that cannot bind them to it.
    #[error(
        "a DPoP key needs a client id: only tokens that the client requests can be bound to it"
    )]
    NotBindable,
    /// The tenant and the credentials, or another setting, have different hosts.
    #[error(
        "the tenant is {tenant}, but the credentials or variables name {other}: credentials are sent only to their own host"
    )]
    OtherHost {
        /// The tenant's host.
        tenant: String,
        /// The other host.
        other: String,
    },
    /// The tenant is invalid.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The client id is invalid.
    #[error(transparent)]
    ClientId(#[from] ClientIdError),
    /// The client secret is invalid.
    #[error(transparent)]
    ClientSecret(#[from] ClientSecretError),
    /// The crate was built without TLS, and no HTTP client was given.
    #[error("no TLS: enable a TLS feature of c1-api-ext, or give the builder an HTTP client")]
    NoTls,
    /// The HTTP client's TLS cannot be set up.
    #[error("cannot build the HTTP client: {0}")]
    Tls(#[source] Box<dyn StdError + Send + Sync>),
    /// A header that cannot be added to calls; the error names it.
    #[error(transparent)]
    Header(Error),
    /// A limit that would let no call pass.
    #[error("invalid limits: {0}")]
    Limits(&'static str),
    /// The URL of a receiver of webhooks is invalid.
    #[error("invalid receiver URL: expected an http or https URL with a host")]
    ReceiverUrl,
    /// The generated client refuses the tenant's base URL.
    #[error(transparent)]
    Client(Error),
}

/// For conversions that cannot fail, such as from a [`Tenant`](crate::Tenant) to itself.
impl From<std::convert::Infallible> for ConfigError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
