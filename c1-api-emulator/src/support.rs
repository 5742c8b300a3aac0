//! Which operations have state.

use c1_api_spec::Description;

use crate::state::Plan;

/// Whether an operation has state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Support {
    /// The id of the operation, for example `apps.get`.
    pub operation: String,
    /// Why the operation has no state, so that its responses are samples; `None` if it has state.
    pub sample: Option<&'static str>,
}

/// Which operations of the description have state, in its order.
pub fn support(description: &Description) -> Vec<Support> {
    let plan = Plan::new(description);
    let operations = description.operations.iter().map(|operation| Support {
        operation: operation.id(),
        sample: plan.reason(&operation.id()),
    });
    operations.collect()
}
