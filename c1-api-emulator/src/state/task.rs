//! Tasks: requests for access, or for its end, which go through the steps of a policy until they are closed.
//!
//! `create` opens them, `policy` says which steps hold them and who approves, `actions` are what callers do to them,
//! and `outcome` is how they end. A step that provisions is done after the first read of tasks or grants that shows
//! it, so that whoever polls sees it. The entitlement's `provisionerPolicy` (`deprovisionerPolicy` of a revoke task)
//! decides: `manual` waits until the step is approved, `webhook` for the reply of the webhook, `connector` while one of the
//! app is paused; `unconfigured` fails, and everything else succeeds.

mod actions;
mod audit;
mod create;
mod outcome;
mod policy;
mod search;
mod webhook;

use c1_api_spec::model::Type;
use serde_json::{Map, Value, json};

use super::by_hand::Entry;
use super::call::Call;
use super::expand::Expansion;
use super::grant::{GRANT, in_app};
use super::messages;
use super::row::Row;
use super::{HandlerResult, State};
use crate::status::Status;

const TASK: &str = "Task";
const OPEN: &str = "TASK_STATE_OPEN";
const CLOSED: &str = "TASK_STATE_CLOSED";

/// The kinds of objects without which nothing here works.
pub(super) const KINDS: &[&str] = &[TASK, "App", "AppEntitlement", "AppUser", "User", GRANT];

pub(super) const HANDLERS: &[Entry] = &[
    ("task.get", "/api/v1/tasks/{id}", |state, call| {
        state.read(call, get)
    }),
    (
        "task_search.search",
        "/api/v1/search/tasks",
        |state, call| state.read(call, search::search),
    ),
    ("task_audit.list", "/api/v1/task/audits", |state, call| {
        state.read(call, audit::list)
    }),
    ("task.create_grant", "/api/v1/task/grant", create::grant),
    ("task.create_revoke", "/api/v1/task/revoke", create::revoke),
    (
        "task.create_offboarding",
        "/api/v1/task/offboarding",
        create::offboarding,
    ),
    ("task.create_action", "/api/v1/task/action", create::action),
    (
        "task.create_resource_action",
        "/api/v1/task/resource-action",
        create::resource_action,
    ),
    (
        "task_actions.approve",
        "/api/v1/tasks/{task_id}/action/approve",
        actions::approve,
    ),
    (
        "task_actions.approve_with_step_up",
        "/api/v1/tasks/{task_id}/action/approve-with-step-up",
        actions::approve,
    ),
    (
        "task_actions.deny",
        "/api/v1/tasks/{task_id}/action/deny",
        actions::deny,
    ),
    (
        "task_actions.comment",
        "/api/v1/tasks/{task_id}/action/comment",
        actions::comment,
    ),
    (
        "task_actions.reassign",
        "/api/v1/tasks/{task_id}/action/reassign",
        actions::reassign,
    ),
    (
        "task_actions.close",
        "/api/v1/tasks/{task_id}/action/close",
        actions::close,
    ),
    (
        "task_actions.restart",
        "/api/v1/tasks/{task_id}/action/restart",
        actions::restart,
    ),
    (
        "task_actions.hard_reset",
        "/api/v1/tasks/{task_id}/action/reset",
        actions::hard_reset,
    ),
    (
        "task_actions.skip_step",
        "/api/v1/tasks/{task_id}/action/skip-step",
        actions::skip_step,
    ),
    (
        "task_actions.process_now",
        "/api/v1/tasks/{task_id}/action/process",
        actions::process_now,
    ),
    (
        "task_actions.escalate_to_emergency_access",
        "/api/v1/tasks/{task_id}/action/escalate",
        actions::escalate,
    ),
    (
        "task_actions.update_grant_duration",
        "/api/v1/tasks/{task_id}/action/update-grant-duration",
        actions::update_grant_duration,
    ),
    (
        "task_actions.update_request_data",
        "/api/v1/tasks/{task_id}/action/update-request-data",
        actions::update_request_data,
    ),
    (
        "task_actions.retry_provisioning",
        "/api/v1/tasks/{task_id}/action/retry-provisioning",
        actions::retry_provisioning,
    ),
];

/// A string in a task; empty if it is not there.
fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

/// The strings of a list in a task.
fn texts<'v>(value: &'v Value, pointer: &str) -> Vec<&'v str> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    let list = list.into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

/// Whether there is something.
fn has(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).is_some_and(|found| !found.is_null())
}

/// The type of the task, as in `grant`, and what it says.
fn type_of(task: &Value) -> (&str, &Value) {
    let kind = task["type"].as_object().and_then(|kinds| {
        let mut set = kinds.iter().filter(|(_, value)| value.is_object());
        set.next()
    });
    kind.map_or(("", &Value::Null), |(name, kind)| (name.as_str(), kind))
}

/// A field of what the type says: `appId` of a grant.
fn of_type<'v>(task: &'v Value, field: &str) -> &'v str {
    let (_, kind) = type_of(task);
    kind[field].as_str().unwrap_or_default()
}

/// Who acts on a task. A token that names no user is an administrator, who may act on any step.
struct Actor {
    id: String,
    admin: bool,
}

impl Actor {
    fn of(state: &State, call: &Call<'_>) -> Result<Self, Status> {
        let admin = call.caller().is_none();
        let id = match state.me(call) {
            Ok(me) => me.text("id").to_owned(),
            // A tenant without users.
            Err(_) if admin => String::new(),
            Err(status) => return Err(status),
        };
        Ok(Self { id, admin })
    }

    fn approves(&self, task: &Value) -> bool {
        self.admin || texts(task, "/stepApproverIds").contains(&self.id.as_str())
    }

    /// Whether the actor opened the task, is its subject, or approves its step.
    fn is_involved(&self, task: &Value) -> bool {
        let own = ["/createdByUserId", "/userId"].map(|field| text(task, field));
        own.contains(&self.id.as_str()) || self.approves(task)
    }

    /// The actions that the actor may take on the task.
    fn actions(&self, task: &Value) -> Vec<&'static str> {
        let mut actions = Vec::new();
        if text(task, "/state") != OPEN {
            return actions;
        }
        actions.push("TASK_ACTION_TYPE_COMMENT");
        if self.is_involved(task) {
            actions.extend(["TASK_ACTION_TYPE_CLOSE", "TASK_ACTION_TYPE_RESTART"]);
        }
        if has(task, "/policy/current/approval") && self.approves(task) {
            actions.extend([
                "TASK_ACTION_TYPE_APPROVE",
                "TASK_ACTION_TYPE_DENY",
                "TASK_ACTION_TYPE_REASSIGN",
            ]);
        }
        if self.admin {
            actions.extend([
                "TASK_ACTION_TYPE_HARD_RESET",
                "TASK_ACTION_TYPE_SKIP_STEP",
                "TASK_ACTION_TYPE_PROCESS_NOW",
            ]);
        }
        actions
    }
}

impl State {
    /// Executes what only reads. Before, what time has brought about happens; afterwards, what was shown as being
    /// provisioned is done.
    pub(super) fn read(
        &mut self,
        call: &Call<'_>,
        read: fn(&State, &Call<'_>) -> HandlerResult,
    ) -> HandlerResult {
        self.expire_grants(call.now);
        self.resume_tasks(call)?;
        let provisioning: Vec<_> = self
            .tasks(outcome::is_provisioning)
            .map(|task| task.text("id").to_owned())
            .collect();
        let response = read(self, call)?;
        for id in provisioning {
            self.provision(&id, call)?;
        }
        Ok(response)
    }

    fn tasks(&self, keep: fn(&Value) -> bool) -> impl Iterator<Item = &Row> {
        let open = |task: &&Row| task.text("state") == OPEN;
        let open = self.all(TASK).filter(open);
        open.filter(move |task| task.0.get("policy").is_some_and(keep))
    }

    /// The task with the id or the number.
    fn task(&self, id: &str) -> Result<Value, Status> {
        let tasks = self.tables.get(TASK);
        let found = tasks.and_then(|tasks| {
            let by_number = || tasks.find(|task| task.text("numericId") == id);
            tasks.get(&[id]).ok().or_else(by_number)
        });
        let found = found.ok_or_else(|| Status::not_found(TASK, id))?;
        Ok(Value::Object(found.0.clone()))
    }

    fn save(&mut self, task: Value, call: &Call<'_>) -> Result<(), Status> {
        if let Value::Object(task) = task {
            self.store(TASK, Row(task), &call.timestamp())?;
        }
        Ok(())
    }

    /// The task in its view, with what the request expands.
    fn task_view(&self, call: &Call<'_>, task: &Value, expansion: &mut Expansion<'_>) -> Value {
        let mut task = task.clone();
        if let Ok(actor) = Actor::of(self, call) {
            task["actions"] = json!(actor.actions(&task));
        }
        let row = |value: &Value| Row(value.as_object().cloned().unwrap_or_default());
        let mut view = expansion.paths("TaskView", TASK, &row(&task));
        let (name, kind) = type_of(&task);
        let types = self.description.message("TaskType");
        if let Some(Type::Ref(message)) = types
            .and_then(|types| types.fields.get(name))
            .map(|field| &field.ty)
        {
            view.extend(expansion.paths("TaskView", message, &row(kind)));
        }
        let app = of_type(&task, "appId");
        let users = |ids: &str| {
            let ids = texts(&task, ids).into_iter();
            let ids = ids.map(|id| vec![("id".to_owned(), id.to_owned())]);
            ids.collect::<Vec<_>>()
        };
        let entitlement = in_app(app, of_type(&task, "appEntitlementId")).to_vec();
        let lists = [
            (
                "entitlementsPath",
                "app_entitlement_ids",
                "AppEntitlement",
                vec![entitlement],
            ),
            (
                "approversPath",
                "approver_ids",
                "User",
                users("/approverIds"),
            ),
            (
                "stepApproversPath",
                "step_approver_ids",
                "User",
                users("/stepApproverIds"),
            ),
        ];
        for (field, path, kind, keys) in lists {
            if expansion.wants(path) {
                view.insert(field.to_owned(), expansion.add_all(kind, &keys));
            }
        }
        let account = self.find("AppUser", &in_app(app, of_type(&task, "appUserId")));
        let usage = account.map(|account| account.text("/lastUsage").to_owned());
        if let Ok(usage) = usage
            && !usage.is_empty()
            && expansion.wants("app_user_last_usage")
        {
            view.insert(
                "appUserLastUsagePath".to_owned(),
                expansion.add_time(&usage),
            );
        }
        let task = Row(task.as_object().cloned().unwrap_or_default()).fields();
        view.insert("task".to_owned(), Value::Object(task));
        Value::Object(view)
    }

    /// The response with a task, and with the ids that it has beside the task.
    fn task_response(&self, call: &Call<'_>, task: &Value, id: &str) -> Value {
        let mut expansion = Expansion::new(self, call);
        let mut response = Map::new();
        let view = self.task_view(call, task, &mut expansion);
        response.insert("taskView".to_owned(), view);
        expansion.finish(&mut response);
        let message = messages::response(&self.description, call.operation);
        for field in ["ticketActionId", "taskActionId"] {
            if message.is_some_and(|message| message.fields.contains_key(field)) && !id.is_empty() {
                response.insert(field.to_owned(), json!(id));
            }
        }
        Value::Object(response)
    }
}

fn get(state: &State, call: &Call<'_>) -> HandlerResult {
    let task = state.task(call.path("id"))?;
    Ok(state.task_response(call, &task, ""))
}
