//! Tests of the client against faults of the server and the network.
//!
//! - `matrix`: every named fault with every kind of call, over real sockets; `table` has the expected outcomes.
//! - `chaos`: thousands of concurrent calls through proxies that break connections; afterwards the tenant is checked for
//!   calls that were carried out twice or lost.
//! - `soak`: many calls of one client, whose memory must not grow.
//!
//! The matrix does not wait in real time. Chaos waits a twentieth of the time that the client would wait.

pub mod call;
pub mod chaos;
pub mod fault;
pub mod faulty_proxy;
pub mod matrix;
pub mod program;
pub mod server;
pub mod soak;
pub mod table;
