//! Why an emulator did not start.

use std::net::SocketAddr;

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The description that the emulator is built from cannot be read.
    #[error("the description of the API cannot be read")]
    Description(#[source] c1_api_spec::Error),
    /// Two path templates of the description cannot be told apart.
    #[error("the path {template} cannot be routed")]
    Route {
        /// The template that came second.
        template: String,
        /// What is wrong with it.
        source: matchit::InsertError,
    },
    /// The seed data of the emulator break its own rules.
    #[error("the seed data cannot be stored")]
    SeedData,
    /// The address is not one of this machine's loopback addresses.
    #[error("{0} is not a loopback address, and the emulator serves no other")]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The system has no randomness for keys.
    #[error("the system gives no random numbers")]
    Random,
}
