//! The steps of an execution: what each does, and which ones hold it.
//!
//! | step | effect |
//! | --- | --- |
//! | `waitForDuration` | holds the execution for so long |
//! | `webhook` | sends a webhook, whose reply adds to the context of the execution; without a reply it fails |
//! | `runAutomation` | begins another execution |
//! | `updateUser` | sets the status of the user |
//! | `grantEntitlements`, `createRevokeTasks`, `createRevokeTasksV2` | open a task for each entitlement in the list |
//!
//! All others succeed and do nothing. So does what depends on CEL, which the emulator does not evaluate, except for a
//! `skipIfTrueCel` that is `true`; or on the subject, which an execution on demand does not have. A step that refers to
//! an object that does not exist fails, and the execution with it.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::super::State;
use super::super::call::Call;
use super::super::grant::{after, has_come, in_app};
use super::super::row::Row;
use super::super::webhook::WEBHOOK;
use super::{DONE, ERROR, EXECUTION, WAITING};
use crate::status::Status;

/// The part of an execution with the steps that are left, as JSON: a change of the automation does not change them.
pub(super) const LEFT: &str = "/steps";
/// The part with the time until which the execution waits.
const UNTIL: &str = "/until";

/// The steps of an automation, or of its draft.
pub(super) fn of(automation: &Row, draft: bool) -> String {
    let published = automation.0.get("automationSteps");
    let drafted = automation.0.get("draftAutomationSteps");
    let steps = drafted.filter(|_| draft).or(published);
    steps.unwrap_or(&json!([])).to_string()
}

/// Removes what only an execution that is not over has.
pub(super) fn forget(execution: &mut Row) {
    for part in [LEFT, UNTIL, WEBHOOK] {
        execution.0.shift_remove(part);
    }
}

fn left(execution: &Row) -> Vec<Value> {
    serde_json::from_str(execution.text(LEFT)).unwrap_or_default()
}

/// The payload of a step's webhook: with the step's own, or else with the context of the execution.
fn payload(execution: &Row, step: &Value) -> Map<String, Value> {
    let mut payload = Row::of([
        ("workflowId", execution.text("automationTemplateId")),
        ("workflowExecutionId", execution.text("id")),
        (
            "workflowExecutionStepId",
            step["stepName"].as_str().unwrap_or_default(),
        ),
    ]);
    let own = Some(&step["webhook"]["payload"]).filter(|own| own.is_object());
    let context = execution
        .0
        .get("context")
        .and_then(|all| all.get("context"));
    if let Some(context) = own.or(context) {
        payload.set("context", context.clone());
    }
    payload.0
}

/// Whether a step is over, or holds the execution.
enum Step {
    Over,
    Holds,
}

impl State {
    /// Goes through the steps that are left, until one holds the execution, fails, or none is left.
    pub(super) fn run(&mut self, mut execution: Row, call: &Call<'_>) -> Result<(), Status> {
        let mut steps = left(&execution).into_iter();
        while let Some(step) = steps.next() {
            execution.set(LEFT, Value::from(steps.as_slice()).to_string());
            match self.step(&mut execution, &step, call) {
                Ok(Step::Over) => {}
                Ok(Step::Holds) => {
                    execution.set("state", WAITING);
                    self.store(EXECUTION, execution, &call.timestamp())?;
                    return Ok(());
                }
                Err(_) => return self.end_execution(execution, ERROR, call),
            }
        }
        self.end_execution(execution, DONE, call)
    }

    /// Ends the waits whose time has come.
    pub(super) fn resume_executions(&mut self, call: &Call<'_>) -> Result<(), Status> {
        let due = |execution: &&Row| {
            execution.text("state") == WAITING && has_come(execution.text(UNTIL), call.now)
        };
        let due: Vec<_> = self.all(EXECUTION).filter(due).cloned().collect();
        for mut execution in due {
            execution.0.shift_remove(UNTIL);
            self.run(execution, call)?;
        }
        Ok(())
    }

    fn execution_of(&self, webhook: &str) -> Option<Row> {
        let mut executions = self.all(EXECUTION);
        let found = executions.find(|execution| execution.text(WEBHOOK) == webhook);
        found.cloned()
    }

    /// Adds what the reply says to the context of the execution that waits for the webhook, and goes on; `None` if no
    /// execution waits for it.
    pub(in super::super) fn reply_to_execution(
        &mut self,
        webhook: &str,
        body: &[u8],
        now: SystemTime,
    ) -> Option<Result<(), Status>> {
        let mut execution = self.execution_of(webhook)?;
        let reply = match self.read_reply("ResponseWorkflowStep", body) {
            Ok(reply) => reply,
            Err(status) => return Some(Err(status)),
        };
        execution.0.shift_remove(WEBHOOK);
        let mut context = execution
            .0
            .shift_remove("context")
            .unwrap_or_else(|| json!({}));
        if let Some(more) = reply["context"].as_object() {
            for (name, value) in more {
                context["context"][name] = value.clone();
            }
        }
        execution.set("context", context);
        Some(
            self.on_its_own("automation.execute", &[], &json!({}), now, |state, call| {
                state.run(execution, call)
            }),
        )
    }

    /// The execution that waits for the webhook fails; `None` if none does.
    pub(in super::super) fn fail_execution(
        &mut self,
        webhook: &str,
        now: SystemTime,
    ) -> Option<Result<(), Status>> {
        let execution = self.execution_of(webhook)?;
        Some(
            self.on_its_own("automation.execute", &[], &json!({}), now, |state, call| {
                state.end_execution(execution, ERROR, call)
            }),
        )
    }

    fn step(&mut self, execution: &mut Row, step: &Value, call: &Call<'_>) -> Result<Step, Status> {
        if step["skipIfTrueCel"].as_str().map(str::trim) == Some("true") {
            return Ok(Step::Over);
        }
        let text = |pointer: &str| step.pointer(pointer).and_then(Value::as_str);
        if let Some(duration) = text("/waitForDuration/duration") {
            let until = after(duration, call.now);
            let until = until.ok_or_else(|| {
                Status::invalid_field("duration", "a duration up to the year 9999")
            })?;
            execution.set(UNTIL, until);
            return Ok(Step::Holds);
        }
        if let Some(endpoint) = text("/webhook/webhookId") {
            let id =
                self.emit_webhook(endpoint, ("PayloadWorkflowStep", payload(execution, step)))?;
            execution.set(WEBHOOK, id);
            return Ok(Step::Holds);
        }
        if let Some(automation) = text("/runAutomation/automationTemplateRef/id") {
            let context = step["runAutomation"]["context"].clone();
            self.begin_execution(automation, Some(context), call)?;
        }
        if let Some(user) = text("/updateUser/userRef/id") {
            let mut user = self.find_by_id("User", user)?.clone();
            if let Some(status) = text("/updateUser/userStatusEnum") {
                user.set("status", status);
                self.store("User", user, &call.timestamp())?;
            }
        }
        let tasks = [
            (
                "grantEntitlements",
                "/inclusionList/appEntitlementRefs",
                "task.create_grant",
            ),
            (
                "createRevokeTasksV2",
                "/inclusionList/appEntitlementRefs",
                "task.create_revoke",
            ),
            (
                "createRevokeTasks",
                "/appEntitlementRefs",
                "task.create_revoke",
            ),
        ];
        for (name, entitlements, operation) in tasks {
            let Some(user) = text(&format!("/{name}/userRef/id")) else {
                continue;
            };
            self.find_by_id("User", user)?;
            let entitlements = step[name].pointer(entitlements).and_then(Value::as_array);
            for entitlement in entitlements.into_iter().flatten() {
                self.open_task(operation, user, entitlement, call)?;
            }
        }
        Ok(Step::Over)
    }

    /// Opens a task for the user, unless it would change nothing: a grant of what is granted, a revocation of what is
    /// not, or the same task again.
    fn open_task(
        &mut self,
        operation: &str,
        user: &str,
        entitlement: &Value,
        call: &Call<'_>,
    ) -> Result<(), Status> {
        let [app, id] =
            ["appId", "id"].map(|field| entitlement[field].as_str().unwrap_or_default());
        self.find("AppEntitlement", &in_app(app, id))?;
        let (description, plan) = (Arc::clone(&self.description), Arc::clone(&self.plan));
        if let Some(own) = description.operation(operation)
            && let Some(handler) = plan.handler(operation)
        {
            let body = json!({ "appId": app, "appEntitlementId": id, "identityUserId": user });
            // The user and the entitlement exist, so what is refused would change nothing.
            let _ = handler(self, &Call::new(own, &[], &[], Some(&body), call.now));
        }
        Ok(())
    }
}
