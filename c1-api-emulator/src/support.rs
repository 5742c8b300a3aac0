//! Which operations have state.

use crate::error::Error;

/// Whether an operation has state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Support {
    /// The id of the operation, for example `apps.get`.
    pub operation: String,
    /// Why the operation has no state, so that its responses are samples; `None` if it has state.
    pub sample: Option<&'static str>,
}

/// Which operations have state, in the order of the description.
///
/// # Errors
///
/// [`Error::Description`] if the description is invalid.
pub fn support() -> Result<Vec<Support>, Error> {
    let description = crate::description()?;
    let plan = crate::default_plan()?;
    let operations = description.operations.iter().map(|operation| Support {
        operation: operation.id(),
        sample: plan.reason(&operation.id()),
    });
    Ok(operations.collect())
}
