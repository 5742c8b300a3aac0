//! An offline C1 tenant on loopback, built from the API description; see [`Emulator`].
//!
//! It serves every operation of the description ([`description`], or that of [`Builder::description`]) and validates requests strictly against their schemas. Apps,
//! entitlements, users, conflict monitors, bindings and entitlement owners have state; every other
//! operation returns a sample that conforms to its schema. The token endpoint issues tokens for
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
mod tenant;
#[cfg(test)]
mod testing;
mod text;

use std::sync::{Arc, OnceLock};

/// The crate whose types describe an API: its `Source` reads a [`Description`](c1_api_spec::Description).
pub use c1_api_spec;
use c1_api_spec::{Description, Source};
pub use error::Error;
pub use log::Request;
pub use server::{Builder, Emulator};

/// The API description that an emulator serves by default: the one that c1-api is built from in this environment. So
/// `C1_API_SPEC` and `C1_API_OVERLAY` are read where they are set. It is read once, on first use.
///
/// # Errors
///
/// [`Error::Description`] if a document that the environment names cannot be read or is invalid.
pub fn description() -> Result<&'static Description, Error> {
    Ok(shared_description()?)
}

/// The same, to be kept.
fn shared_description() -> Result<&'static Arc<Description>, Error> {
    // Reading is slow and the result never changes, so a process reads it once.
    static DESCRIPTION: OnceLock<Arc<Description>> = OnceLock::new();
    if let Some(description) = DESCRIPTION.get() {
        return Ok(description);
    }
    let loaded = Source::from_env().load().map_err(Error::Description)?;
    Ok(DESCRIPTION.get_or_init(|| Arc::new(loaded.description)))
}
