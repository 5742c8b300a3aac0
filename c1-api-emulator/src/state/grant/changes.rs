//! The operations that change grants without a task.

use serde_json::{Map, Value, json};

use super::super::call::Call;
use super::super::row::Row;
use super::super::{HandlerResult, State};
use super::{GRANT, has_come, in_app, key};
use crate::status::Status;

/// Checks that the entitlement of the path exists.
fn entitlement<'c>(state: &mut State, call: &Call<'c>) -> Result<[&'c str; 2], Status> {
    state.expire_grants(call.now);
    let [app, id] = [call.path("app_id"), call.path("app_entitlement_id")];
    state.find_by_id("App", app)?;
    state.find("AppEntitlement", &in_app(app, id))?;
    Ok([app, id])
}

/// Grants the entitlement to users at once. Of users that do not exist, the response says so.
pub(super) fn add_members(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let [app, id] = entitlement(state, call)?;
    let mut failed = Map::new();
    for user in call.body().texts("userIds") {
        if state.find_by_id("User", user).is_err() {
            failed.insert(user.to_owned(), json!("User not found"));
            continue;
        }
        let account = state.account(app, user, &call.timestamp())?;
        if state.grant(app, id, &account).is_none() {
            state.add_grant([app, id, &account], None, "", &call.timestamp())?;
        }
    }
    Ok(json!({ "bulkActionId": state.ids.id(), "failedUsersErrorMap": failed }))
}

/// Removes a grant at once, so that there is no revoke task.
pub(super) fn remove_member(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let [app, id] = entitlement(state, call)?;
    let account = call.body().text("appUserId");
    let grant = state.find(GRANT, &key(app, id, account))?.clone();
    state.remove_grant(&grant, "", &call.timestamp());
    Ok(json!({}))
}

/// The grant of the path.
fn grant(state: &mut State, call: &Call<'_>) -> Result<Row, Status> {
    let [app, id] = entitlement(state, call)?;
    let found = state.find(GRANT, &key(app, id, call.path("app_user_id")))?;
    Ok(found.clone())
}

pub(super) fn set_expiry(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let mut grant = grant(state, call)?;
    let end = call.body().text("newDeprovisionAt");
    if end.is_empty() || has_come(end, call.now) {
        return Err(Status::invalid_field(
            "newDeprovisionAt",
            "a time in the future",
        ));
    }
    grant.set("deprovisionAt", end);
    let grant = state.store(GRANT, grant, &call.timestamp())?;
    Ok(json!({ "binding": Value::Object(grant.fields()) }))
}

pub(super) fn remove_expiry(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let mut grant = grant(state, call)?;
    grant.0.shift_remove("deprovisionAt");
    let grant = state.store(GRANT, grant, &call.timestamp())?;
    Ok(json!({ "binding": Value::Object(grant.fields()) }))
}
