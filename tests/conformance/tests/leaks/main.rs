//! No secret is ever shown: not by the `Debug` of anything public, not by an error or its sources, whatever a server
//! that repeats what it was sent has to say. Canaries are looked for in all of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing helper is a failing test"
)]

mod canaries;
mod conveniences;
mod fields;
mod input;
mod servers;
mod values;
