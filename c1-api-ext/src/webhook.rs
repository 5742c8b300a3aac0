//! Webhooks: C1's are verified, and those sent to C1 are signed.
//!
//! C1 sends a webhook as a POST with a JWT that it signed for the receiver's URL and this body. A [`Verifier`] checks it,
//! in any web framework: it takes the method and the headers as types of the crate `http`.
//!
//! ```no_run
//! use c1_api_ext::c1_api::reqwest::{Method, StatusCode, header::HeaderMap};
//! use c1_api_ext::webhook::{Payload, Reply, Verifier};
//!
//! # fn verifier() -> Result<Verifier, c1_api_ext::ConfigError> {
//! // Once, when the program starts.
//! let verifier = Verifier::new(&"acme".parse()?, "https://hooks.example.com/c1")?;
//! # Ok(verifier)
//! # }
//!
//! // For each request, with its body as it was received.
//! async fn receive(verifier: &Verifier, method: &Method, headers: &HeaderMap, body: &[u8]) -> (StatusCode, Vec<u8>) {
//!     let delivery = match verifier.verify(method, headers, body).await {
//!         Ok(delivery) => delivery,
//!         Err(error) => return (error.status(), error.to_string().into_bytes()),
//!     };
//!     let reply = match delivery.payload() {
//!         Ok(Payload::PolicyApprovalStep(step)) if step.task_view.is_some() => Reply::approve("checked"),
//!         Ok(Payload::PolicyApprovalStep(_)) => Reply::deny("there is no task"),
//!         Ok(_) => Reply::received(),
//!         Err(_) => return (StatusCode::BAD_REQUEST, Vec::new()),
//!     };
//!     match delivery.reply(&reply) {
//!         Ok(json) => (StatusCode::OK, json),
//!         Err(error) => (error.status(), error.to_string().into_bytes()),
//!     }
//! }
//! ```
//!
//! With the feature `axum`, a [`Delivery`] is an extractor. [`Signer`] signs webhooks that start an automation of C1.

#[cfg(feature = "axum")]
mod axum;
mod delivery;
mod error;
mod jws;
mod keys;
mod reply;
mod seen;
mod signer;
mod verifier;

pub use self::delivery::{Delivery, Payload};
pub use self::error::WebhookError;
pub use self::keys::{KeySource, TenantKeys};
pub use self::reply::Reply;
pub use self::signer::{SignError, Signer};
pub use self::verifier::Verifier;
