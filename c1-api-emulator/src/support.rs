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

#[cfg(test)]
mod tests {
    use std::io::{Write as _, stderr};

    use super::support;
    use crate::testing;

    /// The SHA-256 of the vendor's file that the number below is a fact of.
    const FILE: &str = "f2cf3228f3665105df799e86f23d73ec92a4fe0a93f0bfcc325972a48427af96";

    #[test]
    fn the_conventions_hold_in_any_description() {
        let support = support(&testing::description());
        let support: Vec<_> = support
            .iter()
            .map(|one| (one.operation.as_str(), one.sample))
            .collect();
        let expected = [
            ("things.list", None),
            ("things.create", None),
            ("things.get", None),
            ("things.delete", None),
            (
                "things.part",
                Some("its path selects by what the object does not tell"),
            ),
            (
                "things.special",
                Some("nothing in it identifies one object"),
            ),
        ];
        assert_eq!(support, expected);
    }

    #[test]
    fn most_operations_have_state() {
        let description = crate::description().unwrap();
        let support = support(description);
        let state = support.iter().filter(|one| one.sample.is_none()).count();
        if description
            .origin
            .as_ref()
            .is_some_and(|origin| origin.sha256 != FILE)
        {
            // Not by `eprintln`, which tests that pass do not show.
            writeln!(
                stderr(),
                "skipped: facts of the file {FILE}; found state in {state} of {}",
                support.len()
            )
            .unwrap();
            return;
        }
        assert!(state >= 551, "{state} of {}", support.len());
    }
}
