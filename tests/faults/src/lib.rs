//! What the client does when the server or the network misbehaves.
//!
//! - `matrix`: every fault that has a name, played to every kind of call over real sockets; `table` says what has to come
//!   of it.
//! - `chaos`: thousands of calls at once through proxies that break connections; in the end the tenant is searched for
//!   calls that were carried out twice, or were lost.
//! - `soak`: many calls of one client, whose memory must not grow.
//!
//! The matrix does not wait for time to pass. Chaos does, for a hundredth of the time that the client would wait.

pub mod breaker;
pub mod call;
pub mod chaos;
pub mod fault;
pub mod matrix;
pub mod program;
pub mod server;
pub mod soak;
pub mod table;
