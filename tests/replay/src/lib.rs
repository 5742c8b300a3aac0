//! Replays recordings of tenants (see `c1_api_ext::record`) against the emulator, and tells where the emulator differs.
//!
//! - [`line`](mod@line): what a line of a recording says;
//! - [`bindings`]: which of the emulator's values a placeholder stands for;
//! - [`compare`]: a recorded response and one of the emulator;
//! - [`replay`](mod@replay): one call after the other.

pub mod bindings;
pub mod compare;
pub mod line;
pub mod replay;
