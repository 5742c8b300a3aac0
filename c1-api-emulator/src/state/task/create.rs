//! New tasks.

use serde_json::{Map, Value, json};

use super::super::call::Call;
use super::super::grant::{end_of, in_app, seconds};
use super::super::row::Row;
use super::super::{HandlerResult, State};
use super::{Actor, OPEN, TASK, of_type, type_of};
use crate::status::Status;

/// Whom a task is for: a user of the tenant, an account, or both. One may be empty.
struct Target {
    user: String,
    account: String,
}

impl Target {
    fn of(state: &State, call: &Call<'_>, app: &str) -> Result<Self, Status> {
        let [user, account] = ["identityUserId", "appUserId"].map(|field| call.body().text(field));
        match (user, account) {
            ("", "") => Err(Status::invalid_field(
                "identityUserId",
                "the id of a user, or of an app user in appUserId",
            )),
            (user, "") => {
                state.find_by_id("User", user)?;
                let account = state.accounts(app, user).next();
                let account = account.map(|account| account.text("id"));
                Ok(Self {
                    user: user.to_owned(),
                    account: account.unwrap_or_default().to_owned(),
                })
            }
            ("", account) => {
                let found = state.find("AppUser", &in_app(app, account))?;
                Ok(Self {
                    user: found.text("identityUserId").to_owned(),
                    account: account.to_owned(),
                })
            }
            _ => Err(Status::invalid_field(
                "appUserId",
                "no app user beside the user in identityUserId",
            )),
        }
    }

    /// The name of the user or the account.
    fn name<'s>(&self, state: &'s State, app: &str) -> &'s str {
        let user = state.find_by_id("User", &self.user);
        let found = user.or_else(|_| state.find("AppUser", &in_app(app, &self.account)));
        found
            .map(|found| found.text("displayName"))
            .unwrap_or_default()
    }
}

/// The app and the entitlement of the request.
fn entitlement(state: &mut State, call: &Call<'_>) -> Result<Row, Status> {
    state.expire_grants(call.now);
    let [app, id] = ["appId", "appEntitlementId"].map(|field| call.body().text(field));
    state.find_by_id("App", app)?;
    Ok(state.find("AppEntitlement", &in_app(app, id))?.clone())
}

pub(super) fn grant(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let entitlement = entitlement(state, call)?;
    let [app, id] = ["appId", "id"].map(|field| entitlement.text(field));
    let target = Target::of(state, call, app)?;
    let body = call.body();
    let mut duration = body.text("grantDuration");
    if duration.is_empty() {
        duration = entitlement.text("durationGrant");
    } else {
        check_duration(&entitlement, duration, call, "grantDuration")?;
    }
    if let Some(known) = state.grant(app, id, &target.account) {
        // A grant that ends can be extended.
        if known.text("deprovisionAt").is_empty() || duration.is_empty() {
            return Err(Status::failed_precondition(
                "the entitlement is granted already: expected one that is not, or a duration by which a grant that \
                 expires is extended",
            ));
        }
    }
    let mut kind = of_entitlement(&entitlement, &target);
    kind.insert(
        "source".to_owned(),
        body.0.get("source").cloned().unwrap_or_default(),
    );
    if !duration.is_empty() {
        kind.insert("grantDuration".to_owned(), json!(duration));
    }
    let name = format!(
        "Grant {} to {}",
        entitlement.text("displayName"),
        target.name(state, app)
    );
    let mut task = json!({
        "displayName": name,
        "userId": target.user,
        "type": { "grant": kind },
        "data": body.0.get("requestData"),
    });
    let emergency = body.0.get("emergencyAccess") == Some(&json!(true));
    task["emergencyAccess"] = json!(emergency);
    open(state, call, task)
}

pub(super) fn revoke(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let entitlement = entitlement(state, call)?;
    let [app, id] = ["appId", "id"].map(|field| entitlement.text(field));
    let mut target = Target::of(state, call, app)?;
    if call.body().text("appUserId").is_empty() {
        // The account that has the grant, if the user has several.
        let mut accounts = state.accounts(app, &target.user).map(|own| own.text("id"));
        let holder = accounts.find(|account| state.grant(app, id, account).is_some());
        if let Some(holder) = holder {
            target.account = holder.to_owned();
        }
    }
    if state.grant(app, id, &target.account).is_none() {
        let of = format!("{app}/{id}/{}", target.account);
        return Err(Status::not_found(super::GRANT, &of));
    }
    let mut kind = of_entitlement(&entitlement, &target);
    let by = Actor::of(state, call)?.id;
    kind.insert(
        "source".to_owned(),
        json!({ "request": { "requestUserId": by } }),
    );
    let name = format!(
        "Revoke {} from {}",
        entitlement.text("displayName"),
        target.name(state, app)
    );
    let task = json!({ "displayName": name, "userId": target.user, "type": { "revoke": kind } });
    open(state, call, task)
}

pub(super) fn offboarding(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let user = call.body().text("subjectUserId");
    let name = state.find_by_id("User", user)?.text("displayName");
    let kind = json!({ "subjectUserId": user, "outcome": "OFFBOARDING_OUTCOME_IN_PROGRESS" });
    let task = json!({
        "displayName": format!("Offboard {name}"),
        "userId": user,
        "type": { "offboarding": kind },
    });
    open(state, call, task)
}

/// A task that runs an automation which users can request.
pub(super) fn action(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let id = call.body().text("actionId");
    let automation = state.find_by_id("Automation", id)?;
    let name = automation.text("displayName").to_owned();
    open_action(state, call, &name, "TYPE_WORKFLOW")
}

/// A task that runs a connector's action. What connectors offer is not known here, so any action is accepted.
pub(super) fn resource_action(state: &mut State, call: &Call<'_>) -> HandlerResult {
    if call.body().text("actionId").is_empty() {
        return Err(Status::invalid_field("actionId", "the id of an action"));
    }
    open_action(state, call, "Resource action", "TYPE_RESOURCE_ACTION")
}

fn open_action(state: &mut State, call: &Call<'_>, name: &str, ty: &str) -> HandlerResult {
    let kind = json!({
        "actionId": call.body().text("actionId"),
        "displayName": name,
        "formValues": call.body().0.get("formValues"),
        "type": ty,
    });
    open(
        state,
        call,
        json!({ "displayName": name, "type": { "action": kind } }),
    )
}

/// What grants and revocations say of their entitlement and their target.
fn of_entitlement(entitlement: &Row, target: &Target) -> Map<String, Value> {
    let fields = [
        ("appId", entitlement.text("appId")),
        ("appEntitlementId", entitlement.text("id")),
        ("appUserId", &target.account),
        ("identityUserId", &target.user),
    ];
    Row::of(fields).0
}

/// Checks that a grant may last so long.
pub(super) fn check_duration(
    entitlement: &Row,
    duration: &str,
    call: &Call<'_>,
    field: &str,
) -> Result<(), Status> {
    end_of(duration, call.now, field)?;
    let longest = entitlement.text("durationGrant");
    match seconds(longest) {
        Some(limit) if seconds(duration) > Some(limit) => {
            let expected = format!("at most {longest}, the longest that the entitlement allows");
            Err(Status::invalid_field(field, &expected))
        }
        _ => Ok(()),
    }
}

/// Opens the task. 409 with the id of an open one that is about the same.
pub(super) fn open(state: &mut State, call: &Call<'_>, mut task: Value) -> HandlerResult {
    let actor = Actor::of(state, call)?;
    let (name, _) = type_of(&task);
    // Actions may be requested several times.
    if name != "action"
        && let Some(same) = state.all(TASK).find(|known| is_same(known, &task))
    {
        return Err(Status::already_exists(TASK, same.text("id")));
    }
    task["id"] = json!(state.ids.id());
    task["numericId"] = json!(state.table(TASK).next_number().to_string());
    task["description"] = json!(call.body().text("description"));
    task["createdByUserId"] = json!(actor.id);
    task["createdAt"] = json!(call.timestamp());
    task["state"] = json!(OPEN);
    task["origin"] = json!("TASK_ORIGIN_API");
    task["processing"] = json!("TASK_PROCESSING_TYPE_PROCESSING");
    task["approverIds"] = json!([]);
    task["stepApproverIds"] = json!([]);
    task["commentCount"] = json!(0);
    state.audit(
        &task,
        "taskCreated",
        json!({}),
        &actor.id,
        &call.timestamp(),
    );
    state.begin(&mut task, call);
    let Value::Object(row) = task else {
        return Err(Status::internal("bug in the emulator: a task is no object"));
    };
    let row = state.insert(TASK, Row(row), &call.timestamp())?;
    Ok(state.task_response(call, &Value::Object(row.0), ""))
}

/// Whether the open task is about the same entitlement and user.
fn is_same(known: &Row, task: &Value) -> bool {
    if known.text("state") != OPEN {
        return false;
    }
    let known = Value::Object(known.0.clone());
    let same = |field: &str| of_type(&known, field) == of_type(task, field);
    let same_target = |field: &str| !of_type(task, field).is_empty() && same(field);
    let targets = ["appUserId", "identityUserId", "subjectUserId"];
    type_of(&known).0 == type_of(task).0
        && same("appId")
        && same("appEntitlementId")
        && same("accessReviewId")
        && targets.into_iter().any(same_target)
}
