//! What the tests that cross the crates share: a call for every operation, a row for every message,
//! and the rules of protobuf JSON told a second time, from the description instead of the types.

pub mod canonical;
pub mod cases;
pub mod edit;
pub mod related;
pub mod schemas;

use c1_api_spec::Description;

/// The description that the client under test was generated from.
///
/// # Panics
///
/// When it cannot be read, which fails whatever test asks for it.
pub fn description() -> &'static Description {
    match c1_api_emulator::description() {
        Ok(description) => description,
        Err(error) => panic!("{error}"),
    }
}
