//! A client of C1 (ConductorOne), identity governance as a service: all operations of its API, typed.
//!
//! ```no_run
//! use c1_api_ext::{C1, Error};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! // From CONDUCTORONE_CLIENT_ID and CONDUCTORONE_CLIENT_SECRET; `C1::builder()` takes values.
//! let c1 = C1::from_env()?;
//!
//! // One method for each operation group, one for each operation. `.await` sends the request.
//! for app in c1.apps().list().page_size(100).await?.list {
//!     println!("{}", app.display_name.unwrap_or_default());
//! }
//!
//! // Every call fails with the same error type.
//! match c1.apps().get("an-app-id").await {
//!     Ok(response) => println!("{:?}", response.app),
//!     Err(error) if error.is_not_found() => println!("no such app"),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! - [`C1`] is the client. Its operation groups are those of [`c1_api::Client`], to which it dereferences; the groups and
//!   their cargo features are [listed below](#operation-groups).
//! - [`types`] has the messages and enums. Requests have `new` with the required fields and a setter for each other field.
//! - [`Error`] is the error of a call: [`Error::kind`] and the `is_...` methods tell failures apart. [`ConfigError`] is the
//!   error of building a client, [`TokenError`] the source of an [`Error`] if no token could be obtained.
//! - [`RequestExt`] has the options of a single call: header, time limit, retry policy, idempotency.
//! - [`RetryPolicy`] and [`Limits`] say how calls are retried and paced; [`Metrics`] and the spans of `tracing` report them.
//! - [`C1::read_only`] and [`C1::dry_run`] give clients that do not write.
//! - [`Client::call`](c1_api::Client::call) sends requests that the description lacks.
//! - [`Wait`] polls until something has happened: a task is closed, a new object shows.
//! - [`Bulk`] makes many calls, some at a time.
//! - `record` (feature `record`) writes redacted requests and responses to a file.
//! - `webhook` (feature `signed-webhooks`) receives webhooks.
//!
//! # Credentials
//!
//! | you have | [`C1Builder`] |
//! | --- | --- |
//! | a client id and its secret | [`client_credentials`](C1Builder::client_credentials) |
//! | a token of another issuer (GitHub Actions, Kubernetes, HCP Terraform) | `token_exchange` (feature `federation`) |
//! | a user with a browser | `DeviceLogin` (feature `device`), then [`access_token`](C1Builder::access_token) |
//! | an access token | [`access_token`](C1Builder::access_token) |
//! | anything else | [`token_source`](C1Builder::token_source) |
//!
//! Tokens are cached and renewed. Secrets never appear in `Debug` output, errors, logs or traces, and are sent to the
//! tenant's host only.
//!
//! # Features
//!
//! - `rustls-ring` (default), `rustls-aws-lc`, `native-tls`: the TLS of the HTTP client.
//! - `gzip` (default): compressed responses; `compression`: brotli and zstd as well.
//! - `federation`, `device`: token exchange and device login; `es256`: DPoP keys on P-256.
//! - `signed-webhooks`: C1's webhooks verified, and those for C1 signed; `axum`: an extractor of verified webhooks.
//! - `record`: redacted recordings of calls; reads the API description, so it brings c1-api-spec.
//! - `core` (default): the operation groups that most programs need; `full`: all; or any group by itself.
//!
//! `C1_API_SPEC`, `C1_API_OVERLAY` and `C1_API_GROUPS` in the environment of a build have it made from another API
//! description, and with groups that are no features: see [`c1_api`](c1_api#another-api-description).

#![cfg_attr(docsrs, feature(doc_cfg))]
//!
//! # Operation groups
//!
//! Each group is a cargo feature with the name of its accessor; those of `core` are on by default.
//!
#![doc = include_str!("features.md")]

mod auth;
mod base64url;
mod builder;
mod bulk;
mod call;
mod client;
mod clock;
mod env;
mod error;
pub mod http;
mod identity;
mod random;
#[cfg(feature = "record")]
pub mod record;
#[cfg(test)]
mod testing;
mod wait;
#[cfg(feature = "signed-webhooks")]
pub mod webhook;

pub use c1_api::{
    self, BoxFuture, Call, CallOptions, Error, ErrorKind, Items, Paged, Pages, Position, Request,
    Transport, WithExpanded, related, types,
};

pub use crate::auth::assertion::SignedAssertion;
pub use crate::auth::cache::TokenCache;
pub use crate::auth::client_secret_post::ClientSecretPost;
#[cfg(feature = "device")]
pub use crate::auth::device::{DeviceAuthorization, DeviceLogin, DeviceLoginError};
pub use crate::auth::dpop::DpopKey;
pub use crate::auth::endpoint::TokenEndpoint;
#[cfg(feature = "federation")]
pub use crate::auth::exchange::TokenExchange;
#[cfg(feature = "personal_client")]
pub use crate::auth::personal_client::{PersonalCredentials, create_personal_client};
#[cfg(feature = "federation")]
pub use crate::auth::subject_token::{
    EnvVariable, GitHubActions, HcpTerraform, SubjectSourceError, SubjectToken, SubjectTokenError,
    SubjectTokenSource, TokenFile,
};
pub use crate::auth::token::{AccessToken, TokenSource};
pub use crate::auth::token_error::TokenError;
pub use crate::builder::C1Builder;
pub use crate::bulk::{Bulk, BulkDone, BulkItem};
pub use crate::call::auth_transport::AuthTransport;
pub use crate::call::guard::UnsentRequest;
pub use crate::call::limits::Limits;
pub use crate::call::metrics::{CallEnded, Metrics, RetryScheduled};
pub use crate::call::policy::RetryPolicy;
pub use crate::call::request_ext::RequestExt;
pub use crate::client::C1;
pub use crate::clock::{Clock, SystemClock};
pub use crate::error::ConfigError;
pub use crate::identity::client_id::{ClientId, ClientIdError, ClientIdKind};
pub use crate::identity::client_secret::{ClientSecret, ClientSecretError};
pub use crate::identity::tenant::{Tenant, TenantError};
pub use crate::random::{Random, SystemRandom};
#[cfg(feature = "task")]
pub use crate::wait::task::{TaskOutcome, TaskStatus};
pub use crate::wait::{Progress, Wait, WaitEnd, WaitPoll};

/// The examples of the README compile, and those that can run do.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
