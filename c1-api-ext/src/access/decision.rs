//! A request that was made: its status, the decision on it, and its end.

use c1_api::serde_json::{Map, Value};
use c1_api::types::{
    Task, TaskActionsServiceApproveRequest, TaskActionsServiceDenyRequest,
    TaskActionsServiceUpdateRequestDataRequest,
};
use c1_api::{Client, Error};
use reqwest::StatusCode;

use crate::access::error::AccessError;
use crate::wait::task::TaskStatus;
use crate::wait::{Progress, Wait, WaitEnd};

/// A request that was made, which is a task of C1.
#[derive(Clone, Debug)]
pub struct AccessRequest {
    pub(super) client: Client,
    pub(super) id: String,
    existed: bool,
}

impl AccessRequest {
    pub(super) fn new(client: Client, id: String, existed: bool) -> Self {
        Self {
            client,
            id,
            existed,
        }
    }

    /// The id of the task.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it was there before: somebody has requested the same.
    pub fn existed(&self) -> bool {
        self.existed
    }

    /// The task as it is now.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn task(&self) -> Result<Task, Error> {
        let found = self.client.task().get(&self.id).await?;
        Ok(found.task_view.unwrap_or_default().task.unwrap_or_default())
    }

    /// What becomes of it.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn status(&self) -> Result<TaskStatus, Error> {
        self.task().await.map(|task| TaskStatus::of(&task))
    }

    /// Waits until it has succeeded ([`WaitEnd::Done`]) or was closed otherwise ([`WaitEnd::Failed`], for which
    /// [`why_not`](Self::why_not) has the reason). `Wait::task` waits for other states.
    ///
    /// # Errors
    /// The first failure that is not temporary.
    pub async fn wait(&self, wait: &Wait) -> Result<WaitEnd<Task>, Error> {
        self.wait_until(wait, TaskStatus::succeeded).await
    }

    /// Waits until `condition` says so of its status: until somebody has to approve it, for instance.
    ///
    /// # Errors
    /// The first failure that is not temporary.
    pub async fn wait_until<P: Into<Progress>>(
        &self,
        wait: &Wait,
        condition: impl FnMut(&TaskStatus) -> P,
    ) -> Result<WaitEnd<Task>, Error> {
        wait.task(&self.client, &self.id, condition).await
    }

    /// Approves the step that it waits for, with a comment; empty for none. The step is looked up. If it turns out to be
    /// over, because the task was restarted or somebody else has decided, it is looked up once again.
    ///
    /// # Errors
    /// [`AccessError::NotHeld`] if it does not wait for an approval; those of the calls.
    pub async fn approve(&self, comment: &str) -> Result<(), AccessError> {
        let actions = self.client.task_actions();
        self.decide(async |step| {
            let mut body = TaskActionsServiceApproveRequest::new(step);
            body.comment = some(comment);
            actions.approve(&self.id, body).await.map(drop)
        })
        .await
    }

    /// Denies it at the step that it waits for, as [`approve`](Self::approve) approves it.
    ///
    /// # Errors
    /// [`AccessError::NotHeld`] if it does not wait for an approval; those of the calls.
    pub async fn deny(&self, comment: &str) -> Result<(), AccessError> {
        let actions = self.client.task_actions();
        self.decide(async |step| {
            let mut body = TaskActionsServiceDenyRequest::new().policy_step_id(step);
            body.comment = some(comment);
            actions.deny(&self.id, body).await.map(drop)
        })
        .await
    }

    /// Fills the form that it waits for ([`TaskStatus::NeedsForm`]): values by the names of the fields.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn fill_form(&self, values: Map<String, Value>) -> Result<(), Error> {
        let body = TaskActionsServiceUpdateRequestDataRequest::new().data(values);
        let actions = self.client.task_actions();
        actions.update_request_data(&self.id, body).await.map(drop)
    }

    async fn decide(
        &self,
        call: impl AsyncFn(String) -> Result<(), Error>,
    ) -> Result<(), AccessError> {
        let step = self.step().await?;
        let Err(error) = call(step.clone()).await else {
            return Ok(());
        };
        // How C1 says that a step is over is not known for certain. It is if the task has another one now.
        let stale = [StatusCode::BAD_REQUEST, StatusCode::CONFLICT];
        if !error.status().is_some_and(|status| stale.contains(&status)) {
            return Err(error.into());
        }
        let current = self.step().await?;
        if current == step {
            return Err(error.into());
        }
        Ok(call(current).await?)
    }

    /// The id of the step that waits for an approval.
    async fn step(&self) -> Result<String, AccessError> {
        match self.status().await? {
            TaskStatus::NeedsApproval { step_id } => Ok(step_id),
            status => Err(AccessError::NotHeld {
                task_id: self.id.clone(),
                status,
            }),
        }
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
