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

#![cfg_attr(docsrs, feature(doc_cfg))]

mod auth;
mod builder;
mod call;
mod client;
mod clock;
mod env;
mod error;
pub mod http;
mod identity;
mod random;
#[cfg(test)]
mod testing;

pub use c1_api::{self, BoxFuture, Error, ErrorKind};

pub use crate::auth::assertion::SignedAssertion;
pub use crate::auth::cache::TokenCache;
pub use crate::auth::client_secret_post::ClientSecretPost;
pub use crate::auth::device::{DeviceAuthorization, DeviceLogin, DeviceLoginError};
pub use crate::auth::dpop::DpopKey;
pub use crate::auth::endpoint::{TokenEndpoint, TokenError};
pub use crate::auth::exchange::TokenExchange;
#[cfg(feature = "personal_client")]
pub use crate::auth::personal_client::{PersonalCredentials, create_personal_client};
pub use crate::auth::subject_token::{
    EnvVariable, GitHubActions, HcpTerraform, SubjectSourceError, SubjectToken, SubjectTokenError,
    SubjectTokenSource, TokenFile,
};
pub use crate::auth::token::{AccessToken, TokenSource};
pub use crate::builder::C1Builder;
pub use crate::call::auth_transport::AuthTransport;
pub use crate::call::limits::Limits;
pub use crate::call::metrics::{Ended, Metrics, Retried};
pub use crate::call::policy::RetryPolicy;
pub use crate::client::C1;
pub use crate::clock::{Clock, SystemClock};
pub use crate::error::ConfigError;
pub use crate::identity::client_id::{ClientId, ClientIdError, ClientIdKind};
pub use crate::identity::client_secret::{ClientSecret, ClientSecretError};
pub use crate::identity::tenant::{Tenant, TenantError};
pub use crate::random::{Random, SystemRandom};

/// The examples of the README compile, and those that can run do.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
