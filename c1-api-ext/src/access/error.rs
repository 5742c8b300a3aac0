//! Why a step of an access request was not possible.

use c1_api::Error;

use crate::access::CANDIDATES;
use crate::access::entitlement::Entitlement;
use crate::wait::task::TaskStatus;

/// Why a step of an access request was not possible.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// There is no such entitlement.
    #[error("no entitlement matches {wanted}{}", listed("similar", similar))]
    NoEntitlement {
        /// What was searched for.
        wanted: String,
        /// Entitlements that are similar, if there are any; eleven at most.
        similar: Vec<Entitlement>,
    },
    /// There are several such entitlements.
    #[error(
        "several entitlements match {wanted}, expected one{}",
        listed("they are", candidates)
    )]
    Ambiguous {
        /// What was searched for.
        wanted: String,
        /// The first of the entitlements; eleven at most.
        candidates: Vec<Entitlement>,
    },
    /// The task does not wait for an approval.
    #[error(
        "the task {task_id} does not wait for an approval: {}",
        describe(status)
    )]
    NotHeld {
        /// The id of the task.
        task_id: String,
        /// What becomes of it.
        status: TaskStatus,
    },
    /// A call has failed.
    #[error(transparent)]
    Call(#[from] Error),
}

fn listed(what: &str, entitlements: &[Entitlement]) -> String {
    if entitlements.is_empty() {
        return String::new();
    }
    let shown = entitlements.iter().take(CANDIDATES);
    let shown: Vec<_> = shown.map(ToString::to_string).collect();
    let more = if entitlements.len() > CANDIDATES {
        ", and more"
    } else {
        ""
    };
    format!("; {what}: {}{more}", shown.join(", "))
}

fn describe(status: &TaskStatus) -> String {
    match status {
        TaskStatus::Open => "it is open, and C1 works on it".into(),
        TaskStatus::NeedsForm { .. } => "it waits for its form".into(),
        TaskStatus::NeedsApproval { .. } => "it waits for one of another step".into(),
        TaskStatus::Closed(outcome) => format!("it is closed ({outcome:?})"),
    }
}
