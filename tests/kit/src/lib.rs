//! Test helpers of the workspace, one of each kind.
//!
//! The unit tests of c1-api-ext can use only what does not implement its traits, as they have a copy of those of their
//! own; the rest is in its `testing.rs`.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a failing helper is a failing test"
)]

mod clock;
mod numbers;
mod random;
mod server;
#[cfg(feature = "tenant")]
mod tenant;

use std::error::Error;

pub use crate::clock::TestClock;
pub use crate::numbers::Numbers;
pub use crate::random::{Counting, NoJitter, Repeating};
pub use crate::server::{HostileServer, Reply};
#[cfg(feature = "tenant")]
pub use crate::tenant::Tenant;

/// All that an error and its sources show.
pub fn shown(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| (*error).source())
        .map(|error| format!("{error}\n{error:#}\n{error:?}\n{error:#?}"))
        .collect::<Vec<_>>()
        .join("\n")
}
