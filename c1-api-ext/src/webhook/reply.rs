//! What a receiver answers: the decision on a step, within the limits of C1.

use c1_api::types;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::webhook::delivery::Delivery;
use crate::webhook::error::WebhookError;

/// As C1 says for the webhooks that it receives itself.
const MAX_BODY: usize = 64 * 1024;
const VERSION: &str = "v1";

/// The answer to a webhook. [`Delivery::reply`] makes the body of the response of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Received,
    Approval(Box<types::ResponsePolicyApprovalStep>),
    Provision(Box<types::ResponseProvisionStep>),
    Workflow(Map<String, Value>),
}

impl Reply {
    /// The webhook was received, and that is all: for tests, the end of a policy, findings and events of unknown types.
    pub fn received() -> Self {
        Self(Kind::Received)
    }

    /// Approves the step of a policy.
    pub fn approve(comment: impl Into<String>) -> Self {
        let mut approve = types::ResponsePolicyApprovalStepApprove::default();
        approve.comment = Some(comment.into());
        Self::decide(types::ResponsePolicyApprovalStepAction::Approve(approve))
    }

    /// Denies the step of a policy.
    pub fn deny(comment: impl Into<String>) -> Self {
        let mut deny = types::ResponsePolicyApprovalStepDeny::default();
        deny.comment = Some(comment.into());
        Self::decide(types::ResponsePolicyApprovalStepAction::Deny(deny))
    }

    /// Lets these users decide on the step of a policy.
    pub fn reassign<U: Into<String>>(
        users: impl IntoIterator<Item = U>,
        comment: impl Into<String>,
    ) -> Self {
        let mut reassign = types::ResponsePolicyApprovalStepReassign::default();
        reassign.new_step_user_ids = users.into_iter().map(Into::into).collect();
        reassign.comment = Some(comment.into());
        Self::decide(types::ResponsePolicyApprovalStepAction::Reassign(reassign))
    }

    /// Any decision on the step of a policy.
    pub fn decide(action: types::ResponsePolicyApprovalStepAction) -> Self {
        let response = types::ResponsePolicyApprovalStep::default().action(action);
        Self(Kind::Approval(Box::new(response)))
    }

    /// Access was provisioned.
    pub fn complete(comment: impl Into<String>) -> Self {
        let mut complete = types::ResponseProvisionStepComplete::default();
        complete.comment = Some(comment.into());
        let outcome = types::ResponseProvisionStepOutcome::Complete(complete);
        Self::provision(outcome)
    }

    /// Access could not be provisioned.
    pub fn errored(comment: impl Into<String>) -> Self {
        let mut errored = types::ResponseProvisionStepErrored::default();
        errored.comment = Some(comment.into());
        Self::provision(types::ResponseProvisionStepOutcome::Errored(errored))
    }

    fn provision(outcome: types::ResponseProvisionStepOutcome) -> Self {
        let response = types::ResponseProvisionStep::default().outcome(outcome);
        Self(Kind::Provision(Box::new(response)))
    }

    /// What the next steps of an automation find in their context.
    pub fn context(context: Map<String, Value>) -> Self {
        Self(Kind::Workflow(context))
    }
}

impl Delivery {
    /// The body of the response with `reply`, as JSON (`application/json`). It is for a response with the status 200; or for the
    /// [`callback_url`](Self::callback_url), if the response has the status 202.
    ///
    /// # Errors
    /// [`WebhookError::Reply`] if the event needs another kind of reply, [`WebhookError::ReplyTooLarge`] if it takes more
    /// than 64 KiB.
    pub fn reply(&self, reply: &Reply) -> Result<Vec<u8>, WebhookError> {
        let version = Some(VERSION.to_owned());
        let event = self.event().strip_prefix("c1.webhooks.v1.Payload");
        match (&reply.0, event) {
            (Kind::Approval(response), Some("PolicyApprovalStep")) => {
                let mut response = response.clone();
                response.version = version;
                json(&response)
            }
            (Kind::Provision(response), Some("ProvisionStep")) => {
                let mut response = response.clone();
                response.version = version;
                json(&response)
            }
            (Kind::Workflow(context), Some("WorkflowStep")) => {
                let mut response = types::ResponseWorkflowStep::default();
                response.context = Some(context.clone());
                response.version = version;
                json(&response)
            }
            (_, Some("PolicyApprovalStep")) => refused("a decision: approve, deny or reassign"),
            (_, Some("ProvisionStep")) => refused("an outcome: complete or errored"),
            (Kind::Received, _) => {
                let mut response = types::ResponseTest::default();
                response.version = version;
                json(&response)
            }
            (_, Some("WorkflowStep")) => refused("a context or that it was received"),
            _ => refused("that it was received"),
        }
    }
}

fn refused<T>(expected: &'static str) -> Result<T, WebhookError> {
    Err(WebhookError::Reply { expected })
}

fn json(response: &impl Serialize) -> Result<Vec<u8>, WebhookError> {
    let json = serde_json::to_vec(response).map_err(|_| WebhookError::Reply {
        expected: "what can be written as JSON",
    })?;
    if json.len() > MAX_BODY {
        return Err(WebhookError::ReplyTooLarge(json.len()));
    }
    Ok(json)
}
