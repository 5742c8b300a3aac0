//! What the client does when the server or the network misbehaves.
//!
//! - `matrix`: every fault that has a name, played to every kind of call over real sockets; `table` says what has to come
//!   of it.
//!
//! It does not wait for time to pass.

pub mod call;
pub mod clock;
pub mod fault;
pub mod matrix;
pub mod server;
pub mod table;
