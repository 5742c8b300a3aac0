//! Why there is no client.

use std::error::Error as StdError;

use c1_api::Error;

use crate::identity::client_id::ClientIdError;
use crate::identity::client_secret::ClientSecretError;
use crate::identity::tenant::TenantError;

/// Why there is no client. It never holds a credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Nothing says which tenant is meant; there is no default.
    #[error(
        "no tenant: set CONDUCTORONE_TENANT_DOMAIN, or give the builder a tenant or a client id"
    )]
    NoTenant,
    /// Nothing says how to get a token.
    #[error(
        "no credentials: set CONDUCTORONE_CLIENT_ID and CONDUCTORONE_CLIENT_SECRET, or CONDUCTORONE_ACCESS_TOKEN, or give the builder a way to get tokens"
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
    /// A header that cannot be added to calls; the error names it.
    #[error(transparent)]
    Header(Error),
    /// A limit that would let no call pass.
    #[error("invalid limits: {0}")]
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
