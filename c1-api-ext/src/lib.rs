//! Connect to a C1 tenant and call any of its operations.
//!
//! [`C1`] is the client. It knows the [`Tenant`], gets access tokens and renews them, and dereferences to the
//! generated [`c1_api::Client`], which has the operations.
//!
//! - Credentials: a [`ClientId`] and its [`ClientSecret`], an access token, or any [`TokenSource`].
//! - Workload federation: [`TokenExchange`] with the tokens of any [`SubjectTokenSource`].
//! - No credentials yet: [`DeviceLogin`] lets somebody log in with a browser; `create_personal_client` (feature
//!   `personal_client`) then makes credentials to keep.
//! - Errors: [`ConfigError`] until there is a client; [`Error`] from its calls, with [`TokenError`] as its source when
//!   there was no token to be had.
//! - Calls that fail are repeated where that does no harm ([`RetryPolicy`]), within [`Limits`]; [`Metrics`] and the
//!   spans of `tracing` tell of them.
//! - Secrets are in no `Debug` output and no error, and they go to the tenant's own host only.
//!
//! # Features
//! `rustls-ring` (default), `rustls-aws-lc` and `native-tls` choose the TLS of the HTTP client that the crate makes.
//! `gzip` (default) lets answers come compressed, `compression` by brotli and zstd as well.

mod attempt;
mod client;
mod client_id;
mod client_secret;
mod clock;
mod headers;
pub mod http;
mod limits;
#[cfg(feature = "personal_client")]
mod personal_client;
mod random;
mod retry;
mod stack;
mod telemetry;
mod tenant;
#[cfg(test)]
mod testing;
mod token;
mod transport;

pub use c1_api::{self, BoxFuture, Error, ErrorKind};

pub use crate::{
    client::{C1, C1Builder, ConfigError},
    client_id::{ClientId, ClientIdError, ClientIdKind},
    client_secret::{ClientSecret, ClientSecretError},
    clock::{Clock, SystemClock},
    limits::Limits,
    random::{Random, SystemRandom},
    retry::RetryPolicy,
    telemetry::{Ended, Metrics, Retried},
    tenant::{Tenant, TenantError},
    token::{
        AccessToken, TokenSource,
        assertion::SignedAssertion,
        cache::TokenCache,
        client_secret_post::ClientSecretPost,
        device::{DeviceAuthorization, DeviceLogin, DeviceLoginError},
        dpop::DpopKey,
        endpoint::{TokenEndpoint, TokenError},
        exchange::TokenExchange,
        subject_token::{
            EnvVariable, GitHubActions, HcpTerraform, SubjectSourceError, SubjectToken,
            SubjectTokenError, SubjectTokenSource, TokenFile,
        },
    },
    transport::AuthTransport,
};

#[cfg(feature = "personal_client")]
pub use crate::personal_client::{PersonalCredentials, create_personal_client};

/// The examples of the README compile, and those that can run do.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
