//! Which objects are used with which, where operations of their own say it: the functions of service principals, the
//! request schemas of entitlements, and the users whom the automation of an entitlement leaves out.

use serde_json::{Map, Value, json};

use super::by_hand::Entry;
use super::call::Call;
use super::engine::selection;
use super::grant::in_app;
use super::kind::embedded;
use super::row::Row;
use super::{HandlerResult, State, respond};
use crate::status::Status;

const PRINCIPAL: &str = "ServicePrincipalBinding";
/// The part with the function that a service principal is bound to.
const FUNCTION: &str = "/functionId";
const EXCLUSION: &str = "UserWithAppEntitlementUserBindingView";

/// The kinds of objects without which these do nothing.
pub(super) const PRINCIPAL_KINDS: &[&str] = &[PRINCIPAL, "ServicePrincipal", "Function"];
pub(super) const SCHEMA_KINDS: &[&str] = &["RequestSchema", "AppEntitlement"];
pub(super) const EXCLUSION_KINDS: &[&str] = &[EXCLUSION, "AppEntitlement", "User"];

pub(super) const PRINCIPAL_HANDLERS: &[Entry] = &[
    (
        "principal.add_binding",
        "/api/v1/service_principals/bindings",
        add_function,
    ),
    (
        "principal.delete_binding",
        "/api/v1/service_principals/bindings/delete",
        remove_function,
    ),
    (
        "principal.list_bindings",
        "/api/v1/service_principals/bindings/list",
        list_principals,
    ),
];

pub(super) const SCHEMA_HANDLERS: &[Entry] = &[
    (
        "request_schema.create_entitlement_binding",
        "/api/v1/request_schema_entitlement_binding",
        bind_schema,
    ),
    (
        "request_schema.find_binding_for_app_entitlement",
        "/api/v1/request_schema_entitlement_binding",
        find_schema,
    ),
    (
        "request_schema.remove_entitlement_binding",
        "/api/v1/request_schema_entitlement_binding",
        unbind_schema,
    ),
];

pub(super) const EXCLUSION_HANDLERS: &[Entry] = &[
    (
        "app_entitlements.list_automation_exclusions",
        "/api/v1/apps/{app_id}/entitlements/{app_entitlement_id}/automation/exclusions",
        list_excluded,
    ),
    (
        "app_entitlements.add_automation_exclusion",
        "/api/v1/apps/{app_id}/entitlements/{app_entitlement_id}/automation/exclusions",
        exclude,
    ),
    (
        "app_entitlements.remove_automation_exclusion",
        "/api/v1/apps/{app_id}/entitlements/{app_entitlement_id}/automation/exclusions",
        include,
    ),
];

/// The function that the body is about, which must exist.
fn function(state: &State, call: &Call<'_>) -> Result<String, Status> {
    let id = call.object("subject").text("functionId").to_owned();
    state.find_by_id("Function", &id)?;
    Ok(id)
}

fn principal_key(call: &Call<'_>, function: &str) -> [(String, String); 2] {
    let principal = call.body().text("servicePrincipalId");
    selection([("servicePrincipalId", principal), (FUNCTION, function)])
}

fn add_function(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let key = principal_key(call, &function(state, call)?);
    state.find_by_id("ServicePrincipal", &key[0].1)?;
    if state.find(PRINCIPAL, &key).is_err() {
        let row = key.map(|(part, value)| (part, json!(value)));
        state.insert(PRINCIPAL, Row(Map::from_iter(row)), &call.timestamp())?;
    }
    Ok(json!({}))
}

fn remove_function(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let key = principal_key(call, &function(state, call)?);
    let row = state.find(PRINCIPAL, &key)?.clone();
    state.remove(PRINCIPAL, &row, &call.timestamp());
    Ok(json!({}))
}

fn list_principals(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let function = function(state, call)?;
    let keep = |row: &Row| row.text(FUNCTION) == function;
    respond::rows(state, call, (PRINCIPAL, "bindings"), keep, |row, _| {
        Value::Object(row.fields())
    })
}

/// The entitlement that the body refers to.
fn entitlement<'s>(state: &'s State, call: &Call<'_>) -> Result<&'s Row, Status> {
    let reference = call.object("entitlementRef");
    let key = in_app(reference.text("appId"), reference.text("id"));
    state.find("AppEntitlement", &key)
}

/// The entitlement with its schema, or none.
fn schema_binding(entitlement: &Row) -> Value {
    let [app, id] = ["appId", "id"].map(|field| entitlement.text(field));
    let schema = entitlement.text("requestSchemaId");
    json!({ "entitlementRef": { "appId": app, "id": id }, "requestSchemaId": schema })
}

/// Sets the schema of the entitlement; an empty one is none.
fn set_schema(state: &mut State, call: &Call<'_>, schema: &str) -> HandlerResult {
    let mut entitlement = entitlement(state, call)?.clone();
    entitlement.set("requestSchemaId", schema);
    let entitlement = state.store("AppEntitlement", entitlement, &call.timestamp())?;
    Ok(schema_binding(&entitlement))
}

fn bind_schema(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let schema = call.body().text("requestSchemaId");
    state.find_by_id("RequestSchema", schema)?;
    set_schema(state, call, schema)
}

fn find_schema(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let entitlement = entitlement(state, call)?;
    match entitlement.text("requestSchemaId") {
        "" => Err(Status::not_found(
            "RequestSchema of AppEntitlement",
            entitlement.text("id"),
        )),
        _ => Ok(schema_binding(entitlement)),
    }
}

fn unbind_schema(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let known = find_schema(state, call)?;
    let schema = call.body().text("requestSchemaId");
    if !schema.is_empty() && known["requestSchemaId"] != schema {
        return Err(Status::not_found("RequestSchema of AppEntitlement", schema));
    }
    set_schema(state, call, "")?;
    Ok(json!({}))
}

/// The parts that the exclusions of the entitlement of the path have, which must exist.
fn of_entitlement(state: &State, call: &Call<'_>) -> Result<Vec<(String, String)>, Status> {
    let [app, id] = [call.path("app_id"), call.path("app_entitlement_id")];
    state.find("AppEntitlement", &in_app(app, id))?;
    Ok(selection([("appId", app), ("appEntitlementId", id)]).to_vec())
}

/// The key of the exclusion of each user of the body, who must exist.
fn exclusions(state: &State, call: &Call<'_>) -> Result<Vec<Vec<(String, String)>>, Status> {
    let of = of_entitlement(state, call)?;
    let keys = call.body().texts("userIds").into_iter().map(|user| {
        state.find_by_id("User", user)?;
        let mut key = of.clone();
        key.push((embedded("user", "id"), user.to_owned()));
        Ok(key)
    });
    keys.collect()
}

fn exclude(state: &mut State, call: &Call<'_>) -> HandlerResult {
    for key in exclusions(state, call)? {
        if state.find(EXCLUSION, &key).is_err() {
            let row = key.into_iter().map(|(part, value)| (part, json!(value)));
            state.insert(EXCLUSION, Row(row.collect()), &call.timestamp())?;
        }
    }
    Ok(json!({}))
}

fn include(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let rows = exclusions(state, call)?.into_iter();
    let rows = rows.map(|key| Ok(state.find(EXCLUSION, &key)?.clone()));
    for row in rows.collect::<Result<Vec<_>, Status>>()? {
        state.remove(EXCLUSION, &row, &call.timestamp());
    }
    Ok(json!({}))
}

fn list_excluded(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let of = of_entitlement(state, call)?;
    let keep = |row: &Row| row.is(&of);
    respond::rows(state, call, (EXCLUSION, "list"), keep, |row, _| {
        Value::Object(state.fields(EXCLUSION, row))
    })
}
