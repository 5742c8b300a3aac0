//! Why a request was closed without success.

use c1_api::Error;
use c1_api::types::{PolicyStepInstance, Task, TaskAuditListRequest};

use crate::access::decision::AccessRequest;
use crate::wait::task::{TaskOutcome, TaskStatus};

/// Why a request was closed without success, as far as C1 tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// How it ended.
    pub outcome: TaskOutcome,
    /// The id of the user who has denied it; `None` if it was the policy, or if it ended otherwise.
    pub user_id: Option<String>,
    /// The reason: the last comment of that user, the message of the policy, or the error of the provisioning.
    pub reason: Option<String>,
}

impl AccessRequest {
    /// Why it was closed without success; `None` if it is open or has succeeded.
    ///
    /// # Errors
    /// Those of the calls.
    pub async fn why_not(&self) -> Result<Option<Refusal>, Error> {
        let task = self.task().await?;
        let TaskStatus::Closed(outcome) = TaskStatus::of(&task) else {
            return Ok(None);
        };
        if outcome == TaskOutcome::Succeeded {
            return Ok(None);
        }
        let mut refusal = Refusal {
            outcome,
            user_id: None,
            reason: None,
        };
        if let Some(denied) = steps(&task).find_map(|step| step.approval.as_ref()?.denied.as_ref())
        {
            refusal.user_id = some(denied.user_id.as_ref());
            refusal.reason = self.last_comment(refusal.user_id.as_deref()).await?;
        } else {
            refusal.reason = steps(&task).find_map(|step| {
                let provision = step.provision.as_ref();
                let errored = provision.and_then(|provision| provision.errored.as_ref());
                let rejected = step.reject.as_ref();
                some(rejected.and_then(|rejected| rejected.reject_message.as_ref()))
                    .or_else(|| some(errored?.description.as_ref()))
            });
        }
        Ok(Some(refusal))
    }

    /// The last comment of the user.
    async fn last_comment(&self, user_id: Option<&str>) -> Result<Option<String>, Error> {
        let list = TaskAuditListRequest::new()
            .task_id(&self.id)
            .comments_only(true)
            .newest_first(true);
        let mut entries = self.client.task_audit().list(list).items();
        while let Some(entry) = entries.try_next().await? {
            let comment = entry.comment.and_then(|comment| comment.comment);
            if some(entry.user_id.as_ref()).as_deref() == user_id && comment.is_some() {
                return Ok(some(comment.as_ref()));
            }
        }
        Ok(None)
    }
}

/// The steps of the task's policy, the last one first.
fn steps(task: &Task) -> impl Iterator<Item = &PolicyStepInstance> {
    let policy = task.policy.iter();
    policy.flat_map(|policy| policy.current.iter().chain(policy.history.iter().rev()))
}

fn some(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}
