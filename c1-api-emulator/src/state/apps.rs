//! Apps.

use serde_json::json;

use super::call::Call;
use super::row::Row;
use super::{HandlerResult, State};
use crate::status::Status;

pub(super) fn list(state: &mut State, call: &Call<'_>) -> HandlerResult {
    page(state, call, |_| true)
}

pub(super) fn search(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let policies = call.objects("policyRefs");
    let name = call.body().text("displayName").to_lowercase();
    page(state, call, |app| {
        let id = app.text("id");
        call.includes("appIds", id)
            && !call.excludes("excludeAppIds", id)
            && (name.is_empty() || app.text("displayName").to_lowercase() == name)
            && (!call.body().flag("onlyDirectories") || app.flag("isDirectory"))
            && uses_policy(app, &policies)
            && app.matches_query(call.body().text("query"), &["displayName", "description"])
    })
}

/// Whether the row uses one of the policies; true if there are none.
pub(super) fn uses_policy(row: &Row, policies: &[Row]) -> bool {
    const FIELDS: [&str; 4] = [
        "certifyPolicyId",
        "grantPolicyId",
        "revokePolicyId",
        "emergencyGrantPolicyId",
    ];
    policies.is_empty()
        || policies.iter().any(|policy| {
            FIELDS
                .iter()
                .any(|name| row.text(name) == policy.text("id"))
        })
}

fn page(state: &State, call: &Call<'_>, keep: impl Fn(&Row) -> bool) -> HandlerResult {
    let (apps, next) = state.apps.page(call, keep)?;
    let apps: Vec<_> = apps.into_iter().map(|app| &app.0).collect();
    Ok(json!({ "list": apps, "nextPageToken": next }))
}

pub(super) fn create(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let mut app = Row::default();
    state.copy_request_fields(&mut app, "App", call);
    let owners = call
        .body()
        .texts("owners")
        .into_iter()
        .map(|id| Ok(state.users.get(&[id])?.0.clone()));
    app.set("appOwners", owners.collect::<Result<Vec<_>, Status>>()?);
    Ok(json!({ "app": state.add_app(app, &call.timestamp())?.0 }))
}

pub(super) fn get(state: &mut State, call: &Call<'_>) -> HandlerResult {
    Ok(json!({ "app": state.apps.get(&[call.path("id")])?.0 }))
}

pub(super) fn update(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let id = call.path("id");
    let mut app = state.apps.get(&[id])?.clone();
    app.update(
        &state.description,
        "App",
        &call.object("app").0,
        call.body().text("updateMask"),
    )?;
    state.apps.ensure_none(|other| {
        other.text("id") != id && other.text("displayName") == app.text("displayName")
    })?;
    app.set("updatedAt", call.timestamp());
    state.apps.replace(&[id], app.clone());
    Ok(json!({ "app": app.0 }))
}

pub(super) fn delete(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let id = call.path("id");
    state.apps.remove(&[id])?;
    state
        .entitlements
        .retain(|entitlement| entitlement.text("appId") != id);
    state.drop_orphans();
    Ok(json!({}))
}

impl State {
    /// Assigns an id to an app and stores it. Its display name must be unique.
    pub(super) fn add_app(&mut self, mut app: Row, now: &str) -> Result<Row, Status> {
        self.apps
            .ensure_none(|other| other.text("displayName") == app.text("displayName"))?;
        let id = self.ids.id();
        for (name, value) in [("id", id.as_str()), ("createdAt", now), ("updatedAt", now)] {
            app.set(name, value);
        }
        app.set("isManuallyManaged", true);
        self.apps.insert(&[&id], app.clone())?;
        Ok(app)
    }

    /// Copies the fields of the call's body that have the same name and type in `schema`.
    pub(super) fn copy_request_fields(&self, row: &mut Row, schema: &str, call: &Call<'_>) {
        let request = call
            .operation
            .body
            .as_ref()
            .and_then(|body| self.description.message(body.schema()?));
        if let (Some(message), Some(request)) = (self.description.message(schema), request) {
            row.copy_fields(message, request, &call.body().0);
        }
    }
}
