//! The error of starting an emulator.

use std::net::SocketAddr;

/// An emulator could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The API description cannot be read, or is invalid.
    #[error("the API description is invalid")]
    Description(#[source] c1_api_spec::SourceError),
    /// Two path templates of the description are ambiguous.
    #[error("ambiguous path template {template}")]
    Route {
        /// The second of the two templates.
        template: String,
        /// The router's error.
        source: matchit::InsertError,
    },
    /// The emulator's own seed data violates its rules.
    #[error("invalid seed data")]
    SeedData,
    /// The address is not one of this machine's loopback addresses.
    #[error("invalid address {0}: expected a loopback address")]
    NotLoopback(SocketAddr),
    /// A host to be allowed is not a name or address without port.
    #[error("invalid host {0:?}: expected a name or an address, without port")]
    HostName(String),
    /// The emulator cannot listen on the address.
    #[error("cannot listen on {address}")]
    Bind {
        /// The requested address.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
    /// A certificate cannot be made, for example for a host that is no name of the DNS.
    #[cfg(feature = "tls")]
    #[error("cannot make a certificate")]
    Certificate(#[source] rcgen::Error),
    /// The certificate cannot be used.
    #[cfg(feature = "tls")]
    #[error("cannot serve over https")]
    Tls(#[source] rustls::Error),
    /// The system's random number generator failed.
    #[error("the system's random number generator failed")]
    Random,
    /// A snapshot cannot be loaded.
    #[error("invalid snapshot: {place}: expected {expected}")]
    Snapshot {
        /// The kind, the position and the field.
        place: String,
        /// What was expected.
        expected: String,
    },
    /// An object cannot be added to the tenant.
    #[error("cannot add an object of the kind {kind}: {reason}")]
    Object {
        /// The kind.
        kind: String,
        /// What was expected.
        reason: String,
    },
}
