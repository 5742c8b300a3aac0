//! What callers do to a task. The response has the task as it was before.
//!
//! A `policyStepId` that never was a step of the task is a wrong argument (400, `INVALID_ARGUMENT`); one that is
//! over is a conflict with what others did in between (409, `ABORTED`), and who reads the task again can go on.
//! What a task in its state does not allow is refused with 400, `FAILED_PRECONDITION`, and what the caller may not
//! do with 403. A token that names no user may do everything.

use serde_json::{Value, json};

use super::super::call::Call;
use super::super::row::Row;
use super::super::{HandlerResult, State};
use super::create::check_duration;
use super::outcome::{End, is_provisioning};
use super::policy::finish;
use super::webhook::fail_provisioning;
use super::{Actor, OPEN, has, of_type, text, texts, type_of};
use crate::status::Status;

/// A call that acts on a task.
struct Act<'s, 'c> {
    state: &'s mut State,
    call: &'s Call<'c>,
    actor: Actor,
    task: Value,
}

/// Executes an action on an open task and stores what becomes of it.
fn act(
    state: &mut State,
    call: &Call<'_>,
    action: impl FnOnce(&mut Act<'_, '_>) -> Result<(), Status>,
) -> HandlerResult {
    state.expire_grants(call.now);
    state.resume_tasks(call)?;
    let before = state.task(call.path("task_id"))?;
    if text(&before, "/state") != OPEN {
        return Err(Status::failed_precondition(
            "the task is closed: expected an open one",
        ));
    }
    let actor = Actor::of(state, call)?;
    let task = before.clone();
    let mut act = Act {
        state,
        call,
        actor,
        task,
    };
    action(&mut act)?;
    act.remember_comment();
    let task = act.task;
    state.save(task, call)?;
    let id = state.ids.id();
    Ok(state.task_response(call, &before, &id))
}

impl Act<'_, '_> {
    fn step_id(&self) -> &str {
        text(&self.task, "/policy/current/id")
    }

    /// Checks the step of the request. Empty means the current one, where that is allowed.
    fn check_step(&self, required: bool) -> Result<(), Status> {
        let given = self.call.body().text("policyStepId");
        let current = self.step_id();
        if given == current && !current.is_empty() || given.is_empty() && !required {
            return Ok(());
        }
        let history = self.task["policy"]["history"].as_array();
        let mut history = history.into_iter().flatten();
        if history.any(|step| !given.is_empty() && text(step, "/id") == given) {
            return Err(Status::aborted(format!(
                "policyStepId: the step is over: expected the task's current step, {current}"
            )));
        }
        let expected = format!("the id of the task's current step, {current}");
        Err(Status::invalid_field("policyStepId", &expected))
    }

    fn allow(allowed: bool, who: &str) -> Result<(), Status> {
        if allowed {
            return Ok(());
        }
        let message = format!("the caller may not do this to the task: expected {who}");
        Err(Status::permission_denied(message))
    }

    fn allow_approvers(&self) -> Result<(), Status> {
        let approves = self.actor.approves(&self.task);
        Self::allow(approves, "an approver of its current step")
    }

    fn allow_involved(&self) -> Result<(), Status> {
        let involved = self.actor.is_involved(&self.task);
        Self::allow(involved, "who opened it, its subject, or an approver")
    }

    fn allow_administrators(&self) -> Result<(), Status> {
        Self::allow(
            self.actor.admin,
            "an administrator (a token without a user)",
        )
    }

    /// The kind of the current step must be one of these.
    fn expect(&self, kinds: &[&str]) -> Result<(), Status> {
        let step = &self.task["policy"]["current"];
        if kinds.iter().any(|kind| !step[*kind].is_null()) {
            return Ok(());
        }
        let message = format!(
            "the task's current step is of another kind: expected {}",
            kinds.join(" or ")
        );
        Err(Status::failed_precondition(message))
    }

    fn expect_grant(&self) -> Result<(), Status> {
        match type_of(&self.task).0 {
            "grant" => Ok(()),
            _ => Err(Status::failed_precondition(
                "the task grants nothing: expected a grant task",
            )),
        }
    }

    fn comment(&self) -> &str {
        self.call.body().text("comment")
    }

    /// A comment, where the step's policy requires one.
    fn check_reason(&self, policy: &str) -> Result<(), Status> {
        let config = &self.task["policy"]["current"]["approval"]["approval"];
        if config[policy] == json!(true) && self.comment().is_empty() {
            return Err(Status::invalid_field(
                "comment",
                "a reason, which the policy requires",
            ));
        }
        Ok(())
    }

    fn remember_comment(&mut self) {
        if self.comment().is_empty() {
            return;
        }
        let details = json!({ "comment": self.comment() });
        self.audit("comment", details);
        let count = self.task["commentCount"].as_u64().unwrap_or(0);
        self.task["commentCount"] = json!(count + 1);
    }

    fn audit(&mut self, event: &str, details: Value) {
        let now = self.call.timestamp();
        let by = self.actor.id.clone();
        self.state.audit(&self.task, event, details, &by, &now);
    }

    /// Notes the outcome of the current step and who decided it, and moves the step to the history.
    fn decide(&mut self, outcome: &str, details: Value) {
        let kind = ["approval", "provision", "form", "wait"];
        let step = &mut self.task["policy"]["current"];
        let kind = kind.into_iter().find(|kind| !step[*kind].is_null());
        if let Some(kind) = kind {
            step[kind][outcome] = details;
        }
        finish(&mut self.task);
        if kind == Some("approval") {
            let history = self.task["policy"]["history"].as_array();
            let last = history.and_then(|history| history.last());
            let instance = last.map(|step| step["approval"].clone());
            self.audit("approvalInstanceChange", json!({ "instance": instance }));
        }
    }

    /// The caller has approved or denied a step.
    fn remember_approver(&mut self) {
        let known = texts(&self.task, "/approverIds").contains(&self.actor.id.as_str());
        if let Some(ids) = self.task["approverIds"].as_array_mut()
            && !known
            && !self.actor.id.is_empty()
        {
            ids.push(json!(self.actor.id));
        }
    }

    /// Gives up the current step, to begin again.
    fn give_up(&mut self, event: &str) {
        let old = self.step_id().to_owned();
        let details = json!({
            "oldPolicyStepId": old,
            "restartedAt": self.call.timestamp(),
            "userId": self.actor.id,
        });
        let current = &self.task["policy"]["current"];
        if has(current, "/approval") || has(current, "/form") {
            self.decide("restarted", details);
        } else {
            finish(&mut self.task);
        }
        self.audit(event, json!({ "oldPolicyStepId": old }));
    }

    fn advance(&mut self) {
        self.state.advance(&mut self.task, self.call);
    }

    fn end(&mut self, end: End) {
        self.state.end(&mut self.task, end, self.call);
    }

    /// Starts again from the first step of the policy that applies now.
    fn begin(&mut self) {
        self.state.begin(&mut self.task, self.call);
    }
}

/// With a transaction of step-up authentication, too: any is taken as verified.
pub(super) fn approve(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| {
        act.check_step(true)?;
        act.expect(&["approval", "provision"])?;
        act.allow_approvers()?;
        let current = &act.task["policy"]["current"];
        if is_provisioning(&act.task["policy"]) || has(current, "/provision/errored") {
            return Err(Status::failed_precondition(
                "the task's current step is provisioned without approval",
            ));
        }
        if has(current, "/provision") {
            let by = act.actor.id.clone();
            act.state.provisioned(&mut act.task, &by, act.call);
            return Ok(());
        }
        let transaction = act.call.body().text("stepUpTransactionId");
        let provider = text(current, "/approval/approval/requiresStepUpProviderId");
        if !provider.is_empty() && transaction.is_empty() {
            return Err(Status::failed_precondition(
                "the step requires step-up authentication: expected approve_with_step_up and a transaction",
            ));
        }
        act.check_reason("requireApprovalReason")?;
        act.remember_approver();
        let mut details = json!({ "approvedAt": call.timestamp(), "userId": act.actor.id });
        if !transaction.is_empty() {
            details["stepUpTransactionId"] = json!(transaction);
        }
        let [app, entitlement] =
            ["appId", "appEntitlementId"].map(|field| of_type(&act.task, field));
        if !entitlement.is_empty() {
            details["entitlements"] = json!([{ "appId": app, "appEntitlementId": entitlement }]);
        }
        act.decide("approved", details);
        act.advance();
        Ok(())
    })
}

pub(super) fn deny(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| {
        act.check_step(true)?;
        act.expect(&["approval"])?;
        act.allow_approvers()?;
        act.check_reason("requireDenialReason")?;
        act.remember_approver();
        let details = json!({ "deniedAt": call.timestamp(), "userId": act.actor.id });
        act.decide("denied", details);
        act.end(End::Denied);
        Ok(())
    })
}

pub(super) fn comment(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| match act.comment() {
        "" => Err(Status::invalid_field("comment", "a text")),
        _ => Ok(()),
    })
}

/// Cancels the task, also while it is provisioned.
pub(super) fn close(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| {
        act.allow_involved()?;
        act.end(End::Cancelled);
        Ok(())
    })
}

pub(super) fn reassign(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| {
        act.check_step(false)?;
        act.expect(&["approval", "provision", "form"])?;
        act.allow_approvers()?;
        act.check_reason("requireReassignmentReason")?;
        let users = call.body().texts("newStepUserIds");
        if users.is_empty() {
            return Err(Status::invalid_field("newStepUserIds", "at least one user"));
        }
        for user in &users {
            act.state.find_by_id("User", user)?;
        }
        let id = act.state.ids.id();
        let old = act.task["policy"]["current"].clone();
        let details = json!({
            "newPolicyStepId": id,
            "reassignedAt": call.timestamp(),
            "userId": act.actor.id,
        });
        if has(&old, "/provision") {
            // It has no outcome of this name, so it is only over.
            finish(&mut act.task);
        } else {
            act.decide("reassigned", details);
        }
        let mut step = old.clone();
        step["id"] = json!(id);
        act.task["policy"]["current"] = step;
        act.task["stepApproverIds"] = json!(users);
        let event = json!({
            "oldPolicyStepId": old["id"],
            "newPolicyStepId": id,
            "newUsers": users,
        });
        act.audit("approvalReassigned", event);
        Ok(())
    })
}

/// Begins again with the policy that the task has.
pub(super) fn restart(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| {
        act.check_step(false)?;
        act.allow_involved()?;
        act.give_up("taskRestarted");
        let policy = act.task["policy"]["policy"].as_object().cloned();
        act.state
            .begin_with(&mut act.task, policy.map(Row), act.call);
        Ok(())
    })
}

/// Begins again with the policy that applies now.
pub(super) fn hard_reset(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| {
        act.allow_administrators()?;
        act.give_up("hardReset");
        act.begin();
        Ok(())
    })
}

pub(super) fn skip_step(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| {
        act.check_step(true)?;
        act.allow_administrators()?;
        let details = json!({ "skippedAt": call.timestamp(), "userId": act.actor.id });
        act.decide("skipped", details);
        let by = act.actor.id.clone();
        act.audit("stepSkipped", json!({ "skippedBy": by }));
        act.advance();
        Ok(())
    })
}

/// Ends a wait, and provisions at once.
pub(super) fn process_now(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| {
        act.allow_administrators()?;
        if has(&act.task, "/policy/current/wait") {
            act.state.end_wait(&mut act.task, act.call);
        }
        if is_provisioning(&act.task["policy"]) {
            act.state.provisioned(&mut act.task, "", act.call);
        }
        Ok(())
    })
}

pub(super) fn escalate(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| {
        act.expect_grant()?;
        act.check_step(false)?;
        act.allow_involved()?;
        let entitlement = act.state.entitlement_of(&act.task);
        let enabled = entitlement.and_then(|own| own.0.get("emergencyGrantEnabled"));
        if enabled != Some(&json!(true)) {
            return Err(Status::failed_precondition(
                "the entitlement has no emergency access: expected emergencyGrantEnabled",
            ));
        }
        let details = json!({
            "oldPolicyId": act.task["policy"]["policy"]["id"],
            "oldPolicyStepId": act.step_id(),
        });
        act.give_up("taskRestarted");
        act.audit("taskEscalated", details);
        act.task["emergencyAccess"] = json!(true);
        act.begin();
        Ok(())
    })
}

pub(super) fn update_grant_duration(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| {
        act.expect_grant()?;
        act.allow_involved()?;
        if has(&act.task, "/policy/current/provision") {
            return Err(Status::failed_precondition(
                "the task is being provisioned: expected an earlier step",
            ));
        }
        let duration = call.body().text("duration");
        let entitlement = act.state.entitlement_of(&act.task);
        let entitlement = entitlement.cloned().unwrap_or_default();
        check_duration(&entitlement, duration, call, "duration")?;
        act.task["type"]["grant"]["grantDuration"] = json!(duration);
        act.audit("grantDurationUpdated", json!({ "duration": duration }));
        Ok(())
    })
}

/// Fills the form of the current step, which then is over.
pub(super) fn update_request_data(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| {
        act.expect(&["form"])?;
        act.allow_involved()?;
        let data = call.body().0.get("data").cloned().unwrap_or_default();
        let form = act.task["policy"]["current"]["form"].clone();
        check_form(&form["form"], &data)?;
        act.task["data"] = data.clone();
        act.task["policy"]["current"]["form"]["data"] = data;
        act.task["policy"]["current"]["form"]["state"] = json!("FORM_INSTANCE_STATE_DONE");
        let details = json!({ "completedAt": call.timestamp(), "userId": act.actor.id });
        act.decide("completed", details);
        act.advance();
        Ok(())
    })
}

/// The data must have the fields that the form requires, and no others than those of the form.
fn check_form(form: &Value, data: &Value) -> Result<(), Status> {
    let fields = form["fields"].as_array();
    let fields: Vec<_> = fields.into_iter().flatten().collect();
    let none = serde_json::Map::new();
    let data = data.as_object().unwrap_or(&none);
    let mut required = fields
        .iter()
        .filter(|field| field["required"] == json!(true));
    if let Some(field) = required.find(|field| {
        let value = data.get(text(field, "/name"));
        value.is_none_or(Value::is_null)
    }) {
        let name = format!("data.{}", text(field, "/name"));
        return Err(Status::invalid_field(
            &name,
            "a value, which the form requires",
        ));
    }
    let known = |name: &&String| fields.iter().any(|field| text(field, "/name") == *name);
    match data.keys().find(|name| !known(name)) {
        Some(name) => Err(Status::invalid_field(
            &format!("data.{name}"),
            "a field of the form",
        )),
        None => Ok(()),
    }
}

/// Tries again to provision what has failed.
pub(super) fn retry_provisioning(state: &mut State, call: &Call<'_>) -> HandlerResult {
    act(state, call, |act| {
        act.check_step(false)?;
        act.allow_administrators()?;
        let current = &act.task["policy"]["current"];
        if !has(current, "/provision/errored") {
            return Err(Status::failed_precondition(
                "nothing has failed: expected a provision step that ended in an error",
            ));
        }
        let id = act.step_id().to_owned();
        let mut config = current["provision"]["provision"].clone();
        config["provisionPolicy"] = Value::Null;
        let step = json!({ "provision": config });
        act.state.start(&mut act.task, &step, &id, act.call);
        act.state.send_step(&mut act.task, act.call);
        Ok(())
    })
}

/// Begins again with other steps, which a webhook has told.
pub(super) fn replace_policy(state: &mut State, call: &Call<'_>, steps: &Value) -> HandlerResult {
    act(state, call, |act| {
        act.check_step(true)?;
        act.give_up("taskRestarted");
        let mut policy = act.task["policy"]["policy"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        policy.shift_remove("baselinePolicyId");
        let kind = type_of(&act.task).0.to_owned();
        policy.insert(
            "policySteps".to_owned(),
            json!({ kind: { "steps": steps } }),
        );
        act.state
            .begin_with(&mut act.task, Some(Row(policy)), act.call);
        Ok(())
    })
}

/// Ends the provisioning as a webhook has told.
pub(super) fn end_provisioning(
    state: &mut State,
    call: &Call<'_>,
    complete: bool,
) -> HandlerResult {
    act(state, call, |act| {
        act.check_step(true)?;
        act.expect(&["provision"])?;
        if complete {
            act.state.provisioned(&mut act.task, "", act.call);
        } else {
            let comment = act.comment().to_owned();
            fail_provisioning(&mut act.task, &comment, &act.call.timestamp());
        }
        Ok(())
    })
}
