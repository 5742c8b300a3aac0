//! An offline C1 tenant on loopback, built from the API description; see [`Emulator`].
//!
//! It serves every operation of the description ([`description`], or that of [`Builder::description`])
//! and validates requests strictly against their schemas. Operations that get, list, search, create,
//! update or delete objects have state; the others return samples that conform to their schemas, with the
//! header `C1-Emulator: sample`, or are refused ([`Builder::refuse_samples`]). [`support`] tells which. The
//! token endpoint issues tokens for
//! signed assertions, client secrets, subject tokens and device logins, bound to a key if the
//! request has a `DPoP` proof, and verifies all of them as C1 does.
//!
//! # Access requests
//!
//! A task that requests access goes through the steps of the policy of its entitlement, of the app, or of the tenant
//! (the seed data has one: the manager approves, then it is provisioned). A step holds the task until it is approved,
//! its form is filled or its time has come. What is provisioned is done after the first read of tasks or grants that
//! shows it, so that whoever polls sees the step, and then the task closed, with its outcome; `process_now` does it
//! at once. The entitlement's `provisionerPolicy` (`deprovisionerPolicy` to revoke) changes that: with `manual` the
//! step waits until it is approved, with `unconfigured` it fails until it is changed and tried again.
//!
//! | refused | how |
//! | --- | --- |
//! | a `policyStepId` that is none of the task's | 400, `INVALID_ARGUMENT` |
//! | a `policyStepId` that is over | 409, `ABORTED`: read the task again |
//! | a second open task about the same | 409, `ALREADY_EXISTS`, with the id of the first |
//! | a grant of what is granted already, unless it expires and is extended | 400, `FAILED_PRECONDITION` |
//! | an action on a closed task, or one that its step does not allow | 400, `FAILED_PRECONDITION` |
//! | an action by a user who is no approver or otherwise not concerned | 403 |
//!
//! A token that names no user is an administrator and may act on every task; one for a user is from
//! [`Emulator::access_token_of`]. Expired grants are gone, by the tenant's clock. Rules of policies, whose conditions
//! are in CEL, do not count: the baseline applies.
//!
//! # Differences from C1
//!
//! Writes are visible immediately, unless [`Builder::consistency_delay`] is set, names are unique (409 otherwise), unknown
//! fields and parameters are rejected, and only loopback addresses are served, over plain HTTP unless
//! [`Builder::tls`] says otherwise.
//! Requests for other hosts (421) and of web pages (403) are refused, so that no page in your browser
//! can use the emulator; see [`Builder::allow_host`].

mod auth;
mod builder;
mod canonical;
pub mod check;
mod credentials;
mod error;
mod fault;
mod json;
mod lock;
mod log;
mod random;
mod received;
mod route;
pub mod sample;
mod server;
mod site;
mod state;
mod status;
mod support;
mod tenant;
#[cfg(test)]
mod testing;
mod text;
#[cfg(feature = "tls")]
mod tls;
mod webhook;

use std::sync::{Arc, OnceLock};

pub use builder::Builder;
/// The crate whose types describe an API: its `Source` reads a [`Description`].
pub use c1_api_spec;
use c1_api_spec::{Description, Source};
pub use error::Error;
pub use fault::{Fault, FaultError};
pub use log::Request;
pub use received::Received;
pub use server::Emulator;
use state::Plan;
pub use support::{Support, support};
pub use webhook::WebhookDelivery;

/// The API description that an emulator serves by default: the one that c1-api is built from in this environment. So
/// `C1_API_SPEC` and `C1_API_OVERLAY` are read where they are set. It is read once, on first use.
///
/// # Errors
///
/// [`Error::Description`] if a document that the environment names cannot be read or is invalid.
pub fn description() -> Result<&'static Description, Error> {
    Ok(&shared()?.0)
}

/// The same, to be kept.
fn default_description() -> Result<Arc<Description>, Error> {
    Ok(Arc::clone(&shared()?.0))
}

/// What the operations of that description do to the state.
fn default_plan() -> Result<Arc<Plan>, Error> {
    Ok(Arc::clone(&shared()?.1))
}

fn shared() -> Result<&'static (Arc<Description>, Arc<Plan>), Error> {
    // Reading is slow and the result never changes, so a process reads it once.
    static SHARED: OnceLock<(Arc<Description>, Arc<Plan>)> = OnceLock::new();
    if let Some(shared) = SHARED.get() {
        return Ok(shared);
    }
    let loaded = Source::from_env().load().map_err(Error::Description)?;
    let description = Arc::new(loaded.description);
    let plan = Arc::new(Plan::new(&description));
    Ok(SHARED.get_or_init(|| (description, plan)))
}
