//! Access tokens: how they are requested, cached and bound to a key.
//!
//! [`token`] defines tokens and their sources; [`endpoint`] sends the requests of all built-in sources to the tenant's
//! token endpoint; [`cache`] keeps one token for all calls. Each source has a file of its own.

pub(crate) mod assertion;
pub(crate) mod cache;
pub(crate) mod client_secret_post;
#[cfg(feature = "device")]
pub(crate) mod device;
pub(crate) mod dpop;
pub(crate) mod endpoint;
#[cfg(feature = "federation")]
pub(crate) mod exchange;
mod form;
pub(crate) mod jwt;
#[cfg(feature = "personal_client")]
pub(crate) mod personal_client;
pub(crate) mod redact;
pub(crate) mod request;
mod response;
mod server_time;
#[cfg(feature = "federation")]
pub(crate) mod subject_token;
pub(crate) mod token;
pub(crate) mod token_error;
