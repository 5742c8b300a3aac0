//! An offline C1 tenant on loopback, built from the API description; see [`Emulator`].
//!
//! It serves every operation and validates requests strictly against their schemas. Operations that get,
//! list, search, create, update or delete objects have state; the others return samples that conform to
//! their schemas, with the header `C1-Emulator: sample`, or are refused
//! ([`Builder::refuse_samples`]). [`support`] tells which. The token endpoint issues tokens for
//! signed assertions, client secrets, subject tokens and device logins, bound to a key if the
//! request has a `DPoP` proof, and verifies all of them as C1 does.
//!
//! Differences from C1: writes are visible immediately, names are unique (409 otherwise), unknown
//! fields and parameters are rejected, and only loopback addresses are served, over plain HTTP.
//! Requests for other hosts (421) and of web pages (403) are refused, so that no page in your browser
//! can use the emulator; see [`Builder::allow_host`].

mod auth;
pub mod check;
mod credentials;
mod error;
mod log;
mod random;
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

use std::sync::{Arc, LazyLock, OnceLock};

use c1_api_spec::Description;
pub use error::Error;
pub use log::Request;
pub use server::{Builder, Emulator};
use state::Plan;
pub use support::{Support, support};

/// The API description that the emulator is built from, parsed on first use.
///
/// # Errors
///
/// [`Error::Description`] if the description that was built in is invalid.
pub fn description() -> Result<&'static Description, Error> {
    // Parsing is slow and the result never changes, so a process parses it once.
    static DESCRIPTION: LazyLock<Result<Description, c1_api_spec::Error>> =
        LazyLock::new(|| c1_api_spec::load(c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY));
    DESCRIPTION
        .as_ref()
        .map_err(|error| Error::Description(error.clone()))
}

/// What the operations of the description do to the state, found out on first use.
pub(crate) fn plan() -> Result<Arc<Plan>, Error> {
    static PLAN: OnceLock<Arc<Plan>> = OnceLock::new();
    let description = description()?;
    Ok(Arc::clone(
        PLAN.get_or_init(|| Arc::new(Plan::new(description))),
    ))
}
