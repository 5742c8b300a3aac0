//! What a call passes through on its way to the server: one file for each layer, put together in [`stack`].

pub(crate) mod attempt;
pub(crate) mod auth_transport;
pub(crate) mod guard;
pub(crate) mod limits;
pub(crate) mod metrics;
mod pace;
pub(crate) mod policy;
pub(crate) mod request_ext;
pub(crate) mod retry;
#[cfg(test)]
mod script;
pub(crate) mod stack;
pub(crate) mod telemetry;
