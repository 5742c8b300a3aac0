//! An offline C1 tenant on loopback, built from the API description; see [`Emulator`].
//!
//! It serves every operation and validates requests strictly against their schemas. Apps,
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

use std::sync::LazyLock;

use c1_api_spec::Description;
pub use error::Error;
pub use log::Request;
pub use server::{Builder, Emulator};

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
