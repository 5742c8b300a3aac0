//! Connectors: their syncs, which are begun, paused and resumed, their schedules and their credentials.
//!
//! A sync that was begun is running (`status`) until the first read of the connector that shows it; then it is done,
//! or ends in an error: if `syncConfig.syncResourceTypeIds` names a resource type that the app does not have. A
//! sync has no effect on other objects. While a connector is paused, nothing is synced, and no connector of its app
//! provisions (see [`State::is_paused`]). C1 is not known to set `canResumeSync`; here, a paused connector has it.

use serde_json::{Value, json};

use super::by_hand::Entry;
use super::call::Call;
use super::engine::selection;
use super::grant::in_app;
use super::row::Row;
use super::{HandlerResult, State};
use crate::status::Status;

const CONNECTOR: &str = "Connector";
const CREDENTIAL: &str = "ConnectorCredential";
const RUNNING: &str = "SYNC_STATUS_RUNNING";
const ERROR: &str = "SYNC_STATUS_ERROR";
/// The part of a connector whose next sync succeeds in any case, because somebody confirmed it.
const CONFIRMED: &str = "/confirmed";

pub(super) const KINDS: &[&str] = &[CONNECTOR, "App"];
pub(super) const HANDLERS: &[Entry] = &[
    (
        "connector.get",
        "/api/v1/apps/{app_id}/connectors/{id}",
        get,
    ),
    ("connector.list", "/api/v1/apps/{app_id}/connectors", list),
    (
        "connector.force_sync",
        "/api/v1/apps/{app_id}/connectors/{connector_id}/force_sync",
        force_sync,
    ),
    (
        "connector.pause_sync",
        "/api/v1/apps/{app_id}/connectors/{connector_id}/pause",
        pause_sync,
    ),
    (
        "connector.resume_sync",
        "/api/v1/apps/{app_id}/connectors/{connector_id}/resume",
        resume_sync,
    ),
    (
        "connector.confirm_sync_valid",
        "/api/v1/apps/{app_id}/connectors/{connector_id}/confirm_sync_valid/{sync_lifecycle_id}",
        confirm_sync_valid,
    ),
    (
        "connector.update_schedule",
        "/api/v1/apps/{app_id}/connectors/{connector_id}/schedule",
        update_schedule,
    ),
    (
        "connector.rotate_credential",
        "/api/v1/apps/connectors/credentials",
        rotate_credential,
    ),
    (
        "connector.revoke_credential",
        "/api/v1/apps/{app_id}/connectors/{connector_id}/credentials/{id}",
        revoke_credential,
    ),
];

fn status(connector: &Row) -> &str {
    let status = connector.0.get("status").and_then(|all| all.get("status"));
    status.and_then(Value::as_str).unwrap_or_default()
}

fn is_paused(connector: &Row) -> bool {
    !connector.text("syncDisabledAt").is_empty()
}

fn begin_sync(connector: &mut Row, call: &Call<'_>) {
    if status(connector) != RUNNING {
        let now = call.timestamp();
        let running = json!({ "status": RUNNING, "startedAt": now, "updatedAt": now });
        connector.set("status", running);
    }
}

impl State {
    /// Whether a connector of the app is paused, so that nothing can be provisioned by connectors.
    pub(super) fn is_paused(&self, app: &str) -> bool {
        let mut connectors = self.all(CONNECTOR);
        connectors.any(|connector| connector.text("appId") == app && is_paused(connector))
    }

    /// Ends the sync of a connector, if one is running.
    fn end_sync(&mut self, mut connector: Row, call: &Call<'_>) -> Result<(), Status> {
        if status(&connector) != RUNNING {
            return Ok(());
        }
        let confirmed = connector.0.shift_remove(CONFIRMED).is_some();
        let failure = self.failure(&connector).filter(|_| !confirmed);
        let now = json!(call.timestamp());
        let begun = connector.0.get("status").cloned().unwrap_or_default();
        let mut ended = json!({ "startedAt": begun["startedAt"], "updatedAt": now });
        if let Some(failure) = failure {
            ended["status"] = json!(ERROR);
            ended["lastError"] = json!(failure);
        } else {
            ended["status"] = json!("SYNC_STATUS_DONE");
            ended["completedAt"] = now;
        }
        connector.set("status", ended);
        self.store(CONNECTOR, connector, &call.timestamp())?;
        Ok(())
    }

    /// Why a sync of the connector cannot succeed.
    fn failure(&self, connector: &Row) -> Option<String> {
        let config = connector.0.get("syncConfig")?;
        let types = config["syncResourceTypeIds"].as_array()?.iter();
        let mut types = types.filter_map(Value::as_str);
        let app = connector.text("appId");
        let missing = types.find(|ty| self.find("AppResourceType", &in_app(app, ty)).is_err())?;
        Some(format!(
            "syncConfig.syncResourceTypeIds: the app has no resource type {missing}"
        ))
    }
}

fn get(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let response = state.by_convention(call)?;
    let key = in_app(call.path("app_id"), call.path("id"));
    let connector = state.find(CONNECTOR, &key)?.clone();
    state.end_sync(connector, call)?;
    Ok(response)
}

fn list(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let response = state.by_convention(call)?;
    let app = call.path("app_id");
    let connectors = state.all(CONNECTOR);
    let connectors = connectors.filter(|own| own.text("appId") == app && status(own) == RUNNING);
    for connector in connectors.cloned().collect::<Vec<_>>() {
        state.end_sync(connector, call)?;
    }
    Ok(response)
}

/// Changes the connector of the path. The response is empty.
fn change(
    state: &mut State,
    call: &Call<'_>,
    change: impl FnOnce(&mut Row) -> Result<(), Status>,
) -> HandlerResult {
    let key = in_app(call.path("app_id"), call.path("connector_id"));
    let mut connector = state.find(CONNECTOR, &key)?.clone();
    change(&mut connector)?;
    state.store(CONNECTOR, connector, &call.timestamp())?;
    Ok(json!({}))
}

/// Begins a sync, unless one is running.
fn force_sync(state: &mut State, call: &Call<'_>) -> HandlerResult {
    change(state, call, |connector| {
        if is_paused(connector) {
            return Err(Status::failed_precondition(
                "the connector is paused: expected one that is not, see resume_sync",
            ));
        }
        begin_sync(connector, call);
        Ok(())
    })
}

/// Pauses the connector, also while it is syncing.
fn pause_sync(state: &mut State, call: &Call<'_>) -> HandlerResult {
    change(state, call, |connector| {
        if !is_paused(connector) {
            let now = call.timestamp();
            connector.set("syncDisabledReason", "paused by a user");
            connector.set("canResumeSync", true);
            connector.set(
                "status",
                json!({ "status": "SYNC_STATUS_DISABLED", "updatedAt": now }),
            );
            connector.set("syncDisabledAt", now);
        }
        Ok(())
    })
}

fn resume_sync(state: &mut State, call: &Call<'_>) -> HandlerResult {
    change(state, call, |connector| {
        let paused = ["syncDisabledAt", "syncDisabledReason", "canResumeSync"];
        connector
            .0
            .retain(|name, _| !paused.contains(&name.as_str()));
        begin_sync(connector, call);
        Ok(())
    })
}

/// Begins a sync that succeeds, after one that did not. No operation tells the id of a sync, so any is accepted.
fn confirm_sync_valid(state: &mut State, call: &Call<'_>) -> HandlerResult {
    change(state, call, |connector| {
        if status(connector) != ERROR {
            return Err(Status::failed_precondition(
                "the last sync has not failed: expected one that ended in an error",
            ));
        }
        connector.set(CONFIRMED, "true");
        begin_sync(connector, call);
        Ok(())
    })
}

fn update_schedule(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let cron = call.object("cron");
    if cron.text("cronSpec").is_empty() {
        return Err(Status::invalid_field("cron.cronSpec", "a cron expression"));
    }
    change(state, call, |connector| {
        let mut schedule = Row::of([("start", &call.timestamp())]);
        schedule.0.extend(cron.0);
        connector.set("connectorSyncCronSchedule", schedule.0);
        Ok(())
    })
}

/// Makes a new credential. Those before stay until they are revoked. The secret is shown only now.
fn rotate_credential(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let [app, connector] = ["appId", "connectorId"].map(|field| call.body().text(field));
    let found = state.find(CONNECTOR, &in_app(app, connector))?;
    let name = found.text("displayName").to_owned();
    let mut credential = Row::of([
        ("appId", app),
        ("connectorId", connector),
        ("displayName", &name),
    ]);
    credential.set("clientId", state.ids.id());
    let mut credential = state.insert(CREDENTIAL, credential, &call.timestamp())?;
    credential.set("clientSecret", state.ids.id());
    Ok(json!({ "credential": credential.fields() }))
}

fn revoke_credential(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let key = selection([
        ("appId", call.path("app_id")),
        ("connectorId", call.path("connector_id")),
        ("id", call.path("id")),
    ]);
    let credential = state.find(CREDENTIAL, &key)?.clone();
    state.remove(CREDENTIAL, &credential, &call.timestamp());
    Ok(json!({}))
}
