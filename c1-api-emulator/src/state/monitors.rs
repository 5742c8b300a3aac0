//! Conflict monitors, and the entitlements bound to their two sides.

use serde_json::{Value, json};

use super::call::Call;
use super::row::Row;
use super::{HandlerResult, State};

pub(super) fn create(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let mut monitor = Row::default();
    state.copy_request_fields(&mut monitor, "ConflictMonitor", call);
    state
        .monitors
        .ensure_none(|other| other.text("displayName") == monitor.text("displayName"))?;
    let id = state.ids.id();
    for name in ["entitlementSetAId", "entitlementSetBId"] {
        monitor.set(name, state.ids.id());
    }
    for (name, value) in [
        ("id", id.clone()),
        ("createdAt", call.timestamp()),
        ("updatedAt", call.timestamp()),
    ] {
        monitor.set(name, value);
    }
    monitor.set("enabled", true);
    state.monitors.insert(&[&id], monitor.clone())?;
    Ok(Value::Object(monitor.0))
}

pub(super) fn get(state: &mut State, call: &Call<'_>) -> HandlerResult {
    Ok(Value::Object(
        state.monitors.get(&[call.path("id")])?.0.clone(),
    ))
}

/// The request has no update mask: the fields that it sets are updated.
pub(super) fn update(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let id = call.path("id");
    let mut monitor = state.monitors.get(&[id])?.clone();
    state.copy_request_fields(&mut monitor, "ConflictMonitor", call);
    state.monitors.ensure_none(|other| {
        other.text("id") != id && other.text("displayName") == monitor.text("displayName")
    })?;
    monitor.set("updatedAt", call.timestamp());
    state.monitors.replace(&[id], monitor.clone());
    Ok(Value::Object(monitor.0))
}

pub(super) fn delete(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let id = call.path("id");
    state.monitors.remove(&[id])?;
    state
        .monitor_bindings
        .retain(|binding| binding.text("monitorId") != id);
    Ok(json!({}))
}

/// The key of a binding, from the body.
fn key<'a>(call: &'a Call<'_>) -> [&'a str; 4] {
    let group = match call.body().text("entitlementGroup") {
        "" => "ENTITLEMENT_GROUP_UNSPECIFIED",
        group => group,
    };
    [
        call.body().text("monitorId"),
        call.body().text("appId"),
        call.body().text("appEntitlementId"),
        group,
    ]
}

pub(super) fn bind(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let [monitor, app, entitlement, group] = key(call);
    state.monitors.get(&[monitor])?;
    state.entitlements.get(&[app, entitlement])?;
    let now = call.timestamp();
    let binding = Row::of([
        ("monitorId", monitor),
        ("appId", app),
        ("appEntitlementId", entitlement),
        ("entitlementGroup", group),
        ("createdAt", &now),
        ("updatedAt", &now),
    ]);
    state.monitor_bindings.insert(&key(call), binding.clone())?;
    Ok(Value::Object(binding.0))
}

pub(super) fn get_binding(state: &mut State, call: &Call<'_>) -> HandlerResult {
    Ok(Value::Object(
        state.monitor_bindings.get(&key(call))?.0.clone(),
    ))
}

pub(super) fn unbind(state: &mut State, call: &Call<'_>) -> HandlerResult {
    state.monitor_bindings.remove(&key(call))?;
    Ok(json!({}))
}
