//! Steps that a webhook decides: approvals and provisioning.
//!
//! The webhook is sent when the step begins, with the task and all that it refers to. Its reply does what the call of
//! the same name does (`approve`, `deny`, `reassign`), gives the task other steps (`replacePolicy`), or ends the
//! provisioning (`complete`, `errored`). A webhook that cannot be sent, or whose reply is no decision, leaves an approval
//! to administrators, and the provisioning in an error; `retry_provisioning` sends it again. No policy of the API has a
//! webhook at its end, so none is sent there.

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::super::State;
use super::super::call::Call;
use super::super::expand::Expansion;
use super::super::webhook::{ENDPOINT, Failure, WEBHOOK};
use super::actions;
use super::policy::member;
use super::{OPEN, TASK, has, text};
use crate::status::Status;

/// The part of a task with the step whose webhook it waits for.
const STEP: &str = "/webhookStep";
const APPROVAL: &str = "/policy/current/approval/approval/webhook";
const PROVISION: &str = "/policy/current/provision/provision/provisionPolicy/webhook";

/// The decisions of replies, and the operations that do the same, or the nearest.
const DECISIONS: [(&str, &str); 6] = [
    ("approve", "task_actions.approve"),
    ("deny", "task_actions.deny"),
    ("reassign", "task_actions.reassign"),
    ("replacePolicy", "task_actions.restart"),
    ("complete", "task_actions.process_now"),
    ("errored", "task_actions.process_now"),
];

/// The id of the endpoint that the current step has a webhook sent to.
fn endpoint(task: &Value) -> Option<String> {
    let mut pointers = [APPROVAL, PROVISION].into_iter();
    let pointer = pointers.find(|pointer| has(task, pointer))?;
    Some(text(task, &format!("{pointer}/webhookId")).to_owned())
}

/// Ends the provisioning of the current step in an error.
pub(super) fn fail_provisioning(task: &mut Value, error: &str, now: &str) {
    let provision = &mut task["policy"]["current"]["provision"];
    provision["state"] = json!("PROVISION_INSTANCE_STATE_DONE");
    provision["errored"] =
        json!({ "description": error, "errorCode": "webhook", "erroredAt": now });
}

impl State {
    /// Sends the webhook of the current step, if it has one.
    pub(super) fn send_step(&mut self, task: &mut Value, call: &Call<'_>) {
        let Some(endpoint) = endpoint(task) else {
            return;
        };
        let approval = has(task, APPROVAL);
        let name = if approval {
            "PayloadPolicyApprovalStep"
        } else {
            "PayloadProvisionStep"
        };
        let payload = self.payload(task, call.now);
        let id = match self.emit_webhook(&endpoint, (name, payload)) {
            Ok(id) => id,
            Err(status) => {
                task[WEBHOOK] = json!("");
                let failure = Failure::Fatal(status.to_string());
                return self.step_failed(task, &failure, &call.timestamp());
            }
        };
        task[WEBHOOK] = json!(id);
        task[STEP] = task["policy"]["current"]["id"].clone();
        if !approval {
            let provision = &mut task["policy"]["current"]["provision"];
            provision["webhookId"] = json!(endpoint);
            provision["webhookInstanceId"] = json!(id);
        }
        self.audit_webhook(task, "Triggered", None, &call.timestamp());
    }

    /// The task with what it refers to.
    fn payload(&self, task: &Value, now: SystemTime) -> Map<String, Value> {
        let mut payload = Map::new();
        if let Some(get) = self.description.operation("task.get") {
            let body = json!({ "expandMask": { "paths": ["*"] } });
            let call = Call::new(get, &[], &[], Some(&body), now).by_tenant();
            let mut expansion = Expansion::new(self, &call);
            let view = self.task_view(&call, task, &mut expansion);
            payload.insert("taskView".to_owned(), view);
            expansion.finish(&mut payload);
        }
        payload
    }

    /// Adds to the history of the task what became of its webhook.
    fn audit_webhook(&mut self, task: &Value, what: &str, error: Option<&str>, now: &str) {
        let endpoint = endpoint(task).unwrap_or_default();
        let found = self.find_by_id(ENDPOINT, &endpoint).cloned();
        let found = found.unwrap_or_default();
        let mut details = json!({
            "webhookId": endpoint,
            "webhookInstanceId": task[WEBHOOK],
            "webhookName": found.text("displayName"),
            "webhookUrl": found.text("url"),
        });
        if let Some(error) = error {
            details["error"] = json!(error);
        }
        let of = if has(task, APPROVAL) { "Approval" } else { "" };
        self.audit(task, &format!("webhook{of}{what}"), details, "", now);
    }

    /// The webhook has decided nothing. That provisioning has failed is in the step, and not in the history.
    fn step_failed(&mut self, task: &mut Value, failure: &Failure, now: &str) {
        let (what, error) = match failure {
            Failure::BadReply(error) => ("BadResponse", error),
            Failure::Fatal(error) => ("FatalError", error),
        };
        if has(task, APPROVAL) {
            self.audit_webhook(task, what, Some(error), now);
        } else {
            fail_provisioning(task, error, now);
        }
        if let Some(fields) = task.as_object_mut() {
            fields.shift_remove(WEBHOOK);
        }
    }

    /// The task that waits for the webhook.
    fn task_of(&self, webhook: &str) -> Option<Value> {
        let task = self.all(TASK).find(|task| task.text(WEBHOOK) == webhook)?;
        let current = task.text(STEP);
        let task = Value::Object(task.0.clone());
        let waits = text(&task, "/state") == OPEN && text(&task, "/policy/current/id") == current;
        waits.then_some(task)
    }

    /// Has the reply decide on the step that waits for the webhook; `None` if no task does.
    pub(in super::super) fn reply_to_task(
        &mut self,
        webhook: &str,
        body: &[u8],
        now: SystemTime,
    ) -> Option<Result<(), Status>> {
        let task = self.task_of(webhook)?;
        Some(self.decide_step(&task, body, now))
    }

    fn decide_step(&mut self, task: &Value, body: &[u8], now: SystemTime) -> Result<(), Status> {
        let schema = if has(task, APPROVAL) {
            "ResponsePolicyApprovalStep"
        } else {
            "ResponseProvisionStep"
        };
        let reply = self.read_reply(schema, body)?;
        let decision = DECISIONS.map(|(name, _)| name);
        let decision = member(&reply, &decision);
        let (name, details) =
            decision.ok_or_else(|| Status::invalid_field("body", "a decision"))?;
        let known = DECISIONS.iter().find(|(known, _)| *known == name);
        let operation = known.map_or("", |(_, operation)| operation);
        let mut body = details.clone();
        body["policyStepId"] = task["policy"]["current"]["id"].clone();
        let path = [("task_id".to_owned(), text(task, "/id").to_owned())];
        self.on_its_own(operation, &path, &body, now, |state, call| {
            match name {
                "approve" => actions::approve(state, call),
                "deny" => actions::deny(state, call),
                "reassign" => actions::reassign(state, call),
                "replacePolicy" => actions::replace_policy(state, call, &details["policySteps"]),
                _ => actions::end_provisioning(state, call, name == "complete"),
            }?;
            state.audit_webhook(task, "Success", None, &call.timestamp());
            Ok(())
        })
    }

    /// The same, if the webhook failed.
    pub(in super::super) fn fail_task(
        &mut self,
        webhook: &str,
        failure: &Failure,
        now: SystemTime,
    ) -> Option<Result<(), Status>> {
        let mut task = self.task_of(webhook)?;
        let body = json!({});
        Some(self.on_its_own(
            "task_actions.process_now",
            &[],
            &body,
            now,
            |state, call| {
                state.step_failed(&mut task, failure, &call.timestamp());
                state.save(task, call)
            },
        ))
    }
}
