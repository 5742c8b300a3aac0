//! An offline C1 tenant on loopback, built from the description of the API.
//!
//! It serves every operation: requests are checked strictly against their schemas, apps,
//! entitlements, users, conflict monitors, bindings and entitlement owners have state, and
//! everything else answers with a sample that conforms to its schema. It gives out tokens for signed
//! assertions, client secrets, subject tokens and device logins, bound to a key where `DPoP` asks for
//! it, and verifies all of these as the real one does. For demos, tests and CI; see [`Emulator`].
//!
//! How it differs from C1: what was written can be read at once, names are unique (409 otherwise),
//! unknown fields and parameters are refused, and only loopback addresses are served, over plain
//! HTTP.

mod auth;
pub mod check;
mod credentials;
mod error;
mod log;
mod random;
mod route;
pub mod sample;
mod server;
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

/// The description of the API that the emulator is built from, read on first use.
///
/// # Errors
///
/// [`Error::Description`], when the emulator was built with a description that cannot be read.
pub fn description() -> Result<&'static Description, Error> {
    // Reading takes a while and the result never changes, so that a process reads it once.
    static DESCRIPTION: LazyLock<Result<Description, c1_api_spec::Error>> =
        LazyLock::new(|| c1_api_spec::load(c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY));
    DESCRIPTION
        .as_ref()
        .map_err(|error| Error::Description(error.clone()))
}
