//! Waits for tasks: whether one is over, how it ended, and for whom it waits.

use c1_api::types::{
    ActionOutcome, ApprovalInstanceState, CertifyOutcome, FindingTaskOutcome, FormInstanceState,
    GrantOutcome, OffboardingOutcome, RevokeOutcome, Task, TaskState,
};
use c1_api::{Client, Error};

use crate::wait::{Progress, Wait, WaitEnd};

/// What becomes of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskStatus {
    /// It is open, and C1 works on it.
    Open,
    /// It is open and held until somebody approves or denies this step of its policy.
    NeedsApproval {
        /// The `policyStepId` that the calls of `task_actions` need.
        step_id: String,
    },
    /// It is open and held until somebody fills the form of this step.
    NeedsForm {
        /// The `policyStepId` that the calls of `task_actions` need.
        step_id: String,
    },
    /// It is over.
    Closed(TaskOutcome),
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskOutcome {
    /// It did what it was for: access was granted, revoked or reviewed, the action has run.
    Succeeded,
    /// Somebody, or the policy, has denied it.
    Denied,
    /// It failed.
    Errored,
    /// It was cancelled.
    Cancelled,
    /// It waited too long.
    TimedOut,
    /// An outcome that this crate does not know, or an empty text if there is none.
    Other(String),
}

impl TaskStatus {
    /// The status of `task`. Its outcome counts only if it is closed: an open task may have one already.
    pub fn of(task: &Task) -> Self {
        if task.state == Some(TaskState::Closed) {
            return Self::Closed(TaskOutcome::of(task));
        }
        let step = task
            .policy
            .as_ref()
            .and_then(|policy| policy.current.as_ref());
        let Some(step) = step else { return Self::Open };
        let step_id = step.id.clone().unwrap_or_default();
        let approval = step.approval.as_ref();
        let form = step.form.as_ref();
        if approval.is_some_and(|approval| approval.state != Some(ApprovalInstanceState::Done)) {
            Self::NeedsApproval { step_id }
        } else if form.is_some_and(|form| form.state != Some(FormInstanceState::Done)) {
            Self::NeedsForm { step_id }
        } else {
            Self::Open
        }
    }

    /// As a condition: done if the task has succeeded, failed if it was closed otherwise.
    pub fn succeeded(&self) -> Progress {
        match self {
            Self::Closed(TaskOutcome::Succeeded) => Progress::Done,
            Self::Closed(_) => Progress::Failed,
            _ => Progress::Pending,
        }
    }
}

impl TaskOutcome {
    fn of(task: &Task) -> Self {
        let outcome = task.r#type.as_ref().and_then(|kind| {
            let grant = kind.grant.as_ref().and_then(|it| it.outcome.as_ref());
            let revoke = kind.revoke.as_ref().and_then(|it| it.outcome.as_ref());
            let certify = kind.certify.as_ref().and_then(|it| it.outcome.as_ref());
            let offboarding = kind.offboarding.as_ref().and_then(|it| it.outcome.as_ref());
            let action = kind.action.as_ref().and_then(|it| it.outcome.as_ref());
            let finding = kind.finding.as_ref().and_then(|it| it.outcome.as_ref());
            let outcomes = [
                grant.map(GrantOutcome::as_str),
                revoke.map(RevokeOutcome::as_str),
                certify.map(CertifyOutcome::as_str),
                offboarding.map(OffboardingOutcome::as_str),
                action.map(ActionOutcome::as_str),
                finding.map(FindingTaskOutcome::as_str),
            ];
            outcomes.into_iter().flatten().next()
        });
        let outcome = outcome.unwrap_or_default();
        match outcome.split_once("_OUTCOME_").map(|(_, outcome)| outcome) {
            Some(
                "GRANTED" | "REVOKED" | "CERTIFIED" | "DECERTIFIED" | "DONE" | "SUCCESS"
                | "REMEDIATED" | "RISK_ACCEPTED",
            ) => Self::Succeeded,
            Some("DENIED") => Self::Denied,
            Some("ERROR") => Self::Errored,
            Some("CANCELLED") => Self::Cancelled,
            Some("WAIT_TIMED_OUT") => Self::TimedOut,
            _ => Self::Other(outcome.to_owned()),
        }
    }
}

impl Wait {
    /// Polls the task `id` until `condition` says [`Progress::Done`] (or true) or [`Progress::Failed`] of its status. The
    /// feature `task` or `full` has it.
    ///
    /// ```no_run
    /// # async fn run(c1: c1_api_ext::C1, id: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// use c1_api_ext::{TaskStatus, Wait, WaitEnd};
    ///
    /// match Wait::new().task(&c1, id, TaskStatus::succeeded).await? {
    ///     WaitEnd::Done(_) => println!("granted"),
    ///     WaitEnd::Failed(task) => println!("{:?}", TaskStatus::of(&task)),
    ///     _ => println!("still open"),
    /// }
    /// // Or until a person has to do something:
    /// let held = Wait::new().task(&c1, id, |status| *status != TaskStatus::Open).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The first failure that is not temporary.
    pub async fn task<P: Into<Progress>>(
        &self,
        client: &Client,
        id: &str,
        mut condition: impl FnMut(&TaskStatus) -> P,
    ) -> Result<WaitEnd<Task>, Error> {
        let poll = || async {
            let view = client.task().get(id).await?.task_view.unwrap_or_default();
            Ok(view.task.unwrap_or_default())
        };
        self.until(poll, |task| condition(&TaskStatus::of(task)))
            .await
    }
}
