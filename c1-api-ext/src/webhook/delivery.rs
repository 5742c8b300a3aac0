//! A webhook that was verified, and its typed payload.

use std::fmt;

use c1_api::{Any, Error, types};
use reqwest::header::HeaderMap;

use crate::webhook::error::WebhookError;

/// A webhook that C1 sent to this receiver: everything in it is authentic. It comes from
/// [`Verifier::verify`](crate::webhook::Verifier::verify).
#[derive(Clone)]
pub struct Delivery {
    /// What makes the token unique.
    pub(super) token: String,
    id: String,
    body: types::Body,
}

impl Delivery {
    pub(super) fn read(
        headers: &HeaderMap,
        body: &[u8],
        token: String,
    ) -> Result<Self, WebhookError> {
        let mut body: types::Body = serde_json::from_slice(body)
            .map_err(|_| WebhookError::Body("a JSON object as the API describes it"))?;
        let id = body.webhook_id.take().filter(|id| !id.is_empty());
        let id = id.ok_or(WebhookError::Body("a `webhookId`"))?;
        // The header is not signed.
        let mut named = headers.get_all("webhook-id").iter();
        if named.any(|header| header.as_bytes() != id.as_bytes()) {
            return Err(WebhookError::Id);
        }
        match body.version.as_deref() {
            Some("v1") => Ok(Self { token, id, body }),
            _ => Err(WebhookError::Body("the `version` v1")),
        }
    }

    /// A name of the webhook that no token has.
    pub(super) fn webhook(&self) -> String {
        format!("webhook {}", self.id)
    }

    /// The id of the webhook. It is the same when C1 sends the webhook again.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name of the event, such as `c1.webhooks.v1.PayloadTest`.
    pub fn event(&self) -> &str {
        self.body.event.as_deref().unwrap_or_default()
    }

    /// Where to POST the [`reply`](Self::reply), as JSON, if the answer to the request was 202 (Accepted).
    pub fn callback_url(&self) -> Option<&str> {
        self.body
            .callback_url
            .as_deref()
            .filter(|url| !url.is_empty())
    }

    /// The payload by its type.
    ///
    /// # Errors
    /// [`WebhookError::Payload`] if it does not match the API description.
    pub fn payload(&self) -> Result<Payload, WebhookError> {
        Payload::read(self.body.payload.clone().unwrap_or_default()).map_err(WebhookError::Payload)
    }
}

/// Shows id and event.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("event", &self.body.event)
            .finish_non_exhaustive()
    }
}

/// What a webhook is about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Payload {
    /// A test of the webhook.
    Test(types::PayloadTest),
    /// A step of a policy asks for an approval; see [`Reply::approve`](crate::webhook::Reply::approve).
    PolicyApprovalStep(Box<types::PayloadPolicyApprovalStep>),
    /// A policy has come to its end.
    PolicyPostAction(Box<types::PayloadPolicyPostAction>),
    /// Access is to be provisioned; see [`Reply::complete`](crate::webhook::Reply::complete).
    ProvisionStep(Box<types::PayloadProvisionStep>),
    /// An automation has come to a step of this kind.
    WorkflowStep(types::PayloadWorkflowStep),
    /// A routing rule matched a finding.
    FindingDispatch(Box<types::PayloadFindingDispatch>),
    /// A type that this crate does not know, or none.
    Other(Any),
}

impl Payload {
    fn read(any: Any) -> Result<Self, Error> {
        let name = any
            .type_name()
            .and_then(|name| name.strip_prefix("c1.webhooks.v1.Payload"));
        Ok(match name {
            Some("Test") => Self::Test(any.decode()?),
            Some("PolicyApprovalStep") => Self::PolicyApprovalStep(Box::new(any.decode()?)),
            Some("PolicyPostAction") => Self::PolicyPostAction(Box::new(any.decode()?)),
            Some("ProvisionStep") => Self::ProvisionStep(Box::new(any.decode()?)),
            Some("WorkflowStep") => Self::WorkflowStep(any.decode()?),
            Some("FindingDispatch") => Self::FindingDispatch(Box::new(any.decode()?)),
            _ => Self::Other(any),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, from_slice, json};

    use super::*;
    use crate::webhook::reply::Reply;

    fn delivery(name: &str, fields: &Value) -> Delivery {
        let event = format!("c1.webhooks.v1.{name}");
        let mut payload = fields.clone();
        payload["@type"] = json!(format!("type.googleapis.com/{event}"));
        let body =
            json!({ "version": "v1", "webhookId": "w1", "event": event, "payload": payload });
        let body = serde_json::to_vec(&body).expect("JSON");
        Delivery::read(&HeaderMap::new(), &body, "t1".into()).expect("a delivery")
    }

    /// The kinds of replies that the event takes, and what is sent for each of them.
    fn replies(delivery: &Delivery) -> Vec<Value> {
        let context = Map::from_iter([("n".to_owned(), json!(1))]);
        [
            Reply::received(),
            Reply::approve(""),
            Reply::complete("yes"),
            Reply::errored("no"),
            Reply::context(context),
        ]
        .iter()
        .filter_map(|reply| match delivery.reply(reply) {
            Ok(json) => Some(from_slice(&json).expect("JSON")),
            Err(WebhookError::Reply { .. }) => None,
            Err(error) => panic!("{error}"),
        })
        .collect()
    }

    #[test]
    fn every_payload_has_its_type_and_its_replies() {
        let received = || json!({ "version": "v1" });
        let task = json!({ "taskView": { "task": { "id": "task-1" } } });
        let id_of = |view: Option<types::TaskView>| {
            view.and_then(|view| view.task).and_then(|task| task.id)
        };

        let test = delivery("PayloadTest", &json!({}));
        assert!(matches!(test.payload(), Ok(Payload::Test(_))));
        assert_eq!(replies(&test), [received()]);

        let step = delivery("PayloadPolicyApprovalStep", &task);
        let Ok(Payload::PolicyApprovalStep(payload)) = step.payload() else {
            panic!("another payload");
        };
        assert_eq!(id_of(payload.task_view).as_deref(), Some("task-1"));
        let [approve] = &replies(&step)[..] else {
            panic!("another number of replies");
        };
        assert_eq!(
            *approve,
            json!({ "version": "v1", "approve": { "comment": "" } })
        );

        let end = delivery("PayloadPolicyPostAction", &task);
        let Ok(Payload::PolicyPostAction(payload)) = end.payload() else {
            panic!("another payload");
        };
        assert_eq!(id_of(payload.task_view).as_deref(), Some("task-1"));
        assert_eq!(replies(&end), [received()]);

        let provision = delivery("PayloadProvisionStep", &task);
        let Ok(Payload::ProvisionStep(payload)) = provision.payload() else {
            panic!("another payload");
        };
        assert_eq!(id_of(payload.task_view).as_deref(), Some("task-1"));
        let outcomes = [
            json!({ "version": "v1", "complete": { "comment": "yes" } }),
            json!({ "version": "v1", "errored": { "comment": "no" } }),
        ];
        assert_eq!(replies(&provision), outcomes);

        let workflow = delivery(
            "PayloadWorkflowStep",
            &json!({ "workflowId": "a1", "context": { "n": 0 } }),
        );
        let Ok(Payload::WorkflowStep(payload)) = workflow.payload() else {
            panic!("another payload");
        };
        assert_eq!(payload.workflow_id.as_deref(), Some("a1"));
        let context = json!({ "version": "v1", "context": { "n": 1 } });
        assert_eq!(replies(&workflow), [received(), context]);

        let finding = delivery("PayloadFindingDispatch", &json!({ "findingId": "f1" }));
        let Ok(Payload::FindingDispatch(payload)) = finding.payload() else {
            panic!("another payload");
        };
        assert_eq!(payload.finding_id.as_deref(), Some("f1"));
        assert_eq!(replies(&finding), [received()]);

        let new = delivery("PayloadNew", &json!({ "n": 1 }));
        assert!(matches!(new.payload(), Ok(Payload::Other(any)) if any.0["n"] == 1));
        assert_eq!(replies(&new), [received()]);

        let wrong = delivery("PayloadFindingDispatch", &json!({ "findingId": 1 }));
        assert!(matches!(wrong.payload(), Err(WebhookError::Payload(_))));
    }
}
